//! One connection: hyper on a guarded socket, a clock beside it, and a close that the client sees
//! the last answer through.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tower_service::Service;

use super::framing::MAX_HEAD;
use super::guarded::Guarded;
use super::phase::{Awaited, InHand, Phase};
use super::serving::{Serving, TurnedAway};
use crate::clock;

/// Bytes that are read, and thrown away, of what a client still sends while it is seen off.
const THROWN_AWAY: usize = 256 << 10;

/// How a connection ended.
enum End {
    /// By what HTTP says, or by the client.
    Over,
    /// What was waited for did not come.
    Late(Awaited),
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, serving: &Serving) {
    let phase = Arc::new(Phase::default());
    let peer = serving.wants_addresses().then(|| stream.peer_addr().ok()).flatten();
    let service = service_fn(|mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let in_hand = phase.begin();
        let answer = serving.router().call(request);
        async move { answer.await.map(|answer| finish(answer, in_hand, serving)) }
    });
    let mut connection = http1::Builder::new()
        .max_header_size(MAX_HEAD)
        // It would run while a connection is idle too, and close it without a word.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(Guarded::new(stream, phase.clone())), service);

    let limits = serving.limits();
    let mut stop = pin!(serving.stopped());
    let mut since = clock::moment();
    let mut leave = None;
    let mut alarm = pin!(sleep(limits.idle));
    let mut begun = false;
    let end = std::future::poll_fn(|cx| {
        // Once is enough: a task is woken by one waker for all its life, and each look takes a lock.
        if !std::mem::replace(&mut begun, true) {
            let _ = stop.as_mut().poll(cx);
        }
        if Pin::new(&mut connection).poll(cx).is_ready() {
            return Poll::Ready(End::Over);
        }
        let Some(awaited) = phase.awaited() else { return Poll::Pending };
        if phase.has_moved() {
            since = clock::moment();
        }
        let deadline = match awaited {
            Awaited::Head => since + limits.head,
            Awaited::Request if serving.is_stopping() && !phase.has_unwritten() => {
                *leave.get_or_insert_with(|| clock::moment() + limits.farewell)
            }
            Awaited::Request => since + limits.idle,
        };
        // Each request moves the deadline on. Setting the alarm costs more than letting it go off
        // too early, once a minute.
        if alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            if alarm.deadline() >= deadline {
                return Poll::Ready(End::Late(awaited));
            }
            alarm.as_mut().reset(deadline);
        }
        Poll::Pending
    })
    .await;

    let guarded = connection.into_parts().io.into_inner();
    if guarded.has_refused() {
        serving.turned_away(TurnedAway::Framing);
    }
    let mut stream = guarded.into_socket();
    match end {
        End::Over => {
            let _ = stream.shutdown().await;
            see_off(stream, limits.farewell).await;
        }
        End::Late(Awaited::Head) => {
            serving.turned_away(TurnedAway::LateHead);
            if !phase.has_unwritten() {
                say_and_end(&stream, &answer("408 Request Timeout", "", "The request did not come in time."));
            }
            see_off(stream, limits.farewell).await;
        }
        End::Late(Awaited::Request) if serving.is_stopping() => (),
        End::Late(Awaited::Request) => serving.turned_away(TurnedAway::Idle),
    }
}

/// Waits, a moment at most, until the client has closed its side too. Where a socket is closed with
/// bytes unread, or still coming, the system tells the client to forget what it has not read.
pub(super) async fn see_off(mut stream: TcpStream, patience: Duration) {
    let mut thrown_away = [0; 4096];
    let mut left = THROWN_AWAY;
    let reading = async {
        while let Ok(bytes @ 1..) = stream.read(&mut thrown_away).await {
            left = left.saturating_sub(bytes);
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(patience, reading).await;
}

/// Sends an answer that no request was read for, without waiting, and says that it is the last.
pub(super) fn say_and_end(stream: &TcpStream, answer: &str) {
    let socket = SockRef::from(stream);
    // There is room for it: nothing is on its way to this client.
    let _ = socket.send(answer.as_bytes());
    let _ = socket.shutdown(std::net::Shutdown::Write);
}

/// Such an answer, with more headers.
pub(super) fn answer(status: &str, headers: &str, detail: &str) -> String {
    let body = format!("{{\"detail\":\"{detail}\"}}");
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    )
}

/// The answer, which keeps its request in hand until it is written.
fn finish(mut answer: Response<Body>, in_hand: InHand, serving: &Serving) -> Response<Answer> {
    // Who has sent the next request already gets its answer first.
    if serving.is_stopping() && !in_hand.is_followed() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer.map(|body| Answer { body, _in_hand: in_hand })
}

/// The body of an answer.
struct Answer {
    body: Body,
    _in_hand: InHand,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
