//! The live stream: what is stored, as it is stored, for whoever watches.

use serde_json::{Value, json};

use super::{id, store};
use crate::support::stream::{Message, Stream};
use crate::support::{TestEye, page_view_with};

fn event(number: u128) -> Value {
    page_view_with(&json!({ "id": id(number), "session_id": format!("session-{}", number % 2) }))
}

fn events(numbers: std::ops::Range<u128>) -> Vec<Value> {
    numbers.map(event).collect()
}

fn id_of(message: &Message) -> String {
    message.data["id"].as_str().unwrap().to_owned()
}

async fn open(eye: &TestEye, query: &str) -> Stream {
    Stream::open(&format!("{}/live{query}", eye.base), None).await
}

#[tokio::test]
async fn what_is_stored_and_refused_is_told_as_it_is_listed() {
    let eye = TestEye::start().await;
    store(&eye, &[event(1)]).await;
    let mut all = open(&eye, "").await;
    let mut rejected = open(&eye, "?only=rejected&format=json").await;
    let mut one_session = open(&eye, "?session_id=session-1&only=events").await;
    store(&eye, &[event(2), event(3)]).await;
    let told = all.take(2).await;
    let listed = eye.get("/events?order=asc").await.expect(200).json()["results"].clone();
    for (message, row) in told.iter().zip(1..) {
        assert_eq!((message.event.as_str(), &message.data), ("event", &listed[row]));
    }
    assert_eq!(one_session.take(1).await, [told[1].clone()]);

    eye.post("{\"session_id\": \"a\u{202e}\"}").await.expect(400);
    eye.drain().await;
    let row = eye.get("/rejected").await.expect(200).json()["results"][0].clone();
    for stream in [&mut all, &mut rejected] {
        let message = stream.take(1).await.remove(0);
        assert_eq!((message.event.as_str(), message.data), ("rejected", row.clone()));
    }
}

#[tokio::test]
async fn a_break_is_gone_on_from() {
    let eye = TestEye::start().await;
    let mut stream = open(&eye, "").await;
    store(&eye, &events(0..700)).await;
    let told = stream.take(700).await;
    let seen = &told[333].id;
    for mut again in [
        Stream::open(&format!("{}/live", eye.base), Some(seen)).await,
        open(&eye, &format!("?last_event_id={seen}")).await,
        // The header is what a browser adds to the URL that it was given first.
        Stream::open(&format!("{}/live?last_event_id={}", eye.base, told[5].id), Some(seen)).await,
    ] {
        assert_eq!(again.take(366).await, told[334..]);
    }
    store(&eye, &[event(900)]).await;
    assert_eq!(id_of(&stream.take(1).await[0]), id(900));
}

#[tokio::test]
async fn a_place_that_is_not_known_is_a_gap() {
    let eye = TestEye::start().await;
    store(&eye, &[event(1)]).await;
    let mut stream = Stream::open(&format!("{}/live", eye.base), Some("4503599627370496-4503599627370496-1")).await;
    let gap = stream.take(1).await.remove(0);
    assert_eq!(gap.event, "gap");
    assert!(gap.data["reason"].as_str().unwrap().contains("not kept"), "{gap:?}");
    store(&eye, &[event(2)]).await;
    assert_eq!(id_of(&stream.take(1).await[0]), id(2));
}

#[tokio::test]
async fn parameters_are_read_strictly() {
    let eye = TestEye::start().await;
    for (query, parameter) in [
        ("?only=all", "only"),
        ("?last_event_id=7", "last_event_id"),
        ("?last_event_id=1-2-x", "last_event_id"),
        ("?last_event_id=%C3%A9", "last_event_id"),
        ("?page=2", "page"),
        ("?start_time=soon", "start_time"),
        ("?category=a&category=b", "category"),
    ] {
        let answer = eye.get(&format!("/live{query}")).await.expect(400);
        assert!(answer.json()[parameter].is_array(), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_and_it_is_given_back() {
    let eye = TestEye::start().await;
    let mut streams = Vec::new();
    for _ in 0..256 {
        streams.push(open(&eye, "").await);
    }
    let answer = eye.get("/live").await.expect(503);
    assert_eq!(answer.header("retry-after"), "1");
    store(&eye, &[event(1)]).await;
    assert_eq!(id_of(&streams[255].take(1).await[0]), id(1));
    drop(streams);
    while !eye.get("/metrics").await.text.contains("\neye_live_streams 0\n") {
        tokio::task::yield_now().await;
    }
    open(&eye, "").await;
}

#[tokio::test]
async fn who_is_slow_is_cut_off_and_holds_up_nobody() {
    let eye = TestEye::start().await;
    let slow = open(&eye, "").await;
    let mut quick = open(&eye, "").await;
    let long = "x".repeat(2000);
    let mut sent = 0;
    // The slow one takes nothing; what the sockets hold for it is bounded.
    while eye.get("/metrics").await.text.contains("\neye_live_streams 2\n") {
        assert!(sent < 100_000, "it is never cut off");
        let batch = (0..500).map(|number| {
            let data = json!({ "host": "a.example", "path": "/", "form": long });
            let changes =
                json!({ "id": id(sent + number), "category": "form_interaction", "name": "submit", "data": data });
            page_view_with(&changes)
        });
        store(&eye, &batch.collect::<Vec<_>>()).await;
        let told = quick.take(500).await;
        assert_eq!(id_of(&told[499]), id(sent + 499));
        sent += 500;
    }
    drop(slow);
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let eye = TestEye::start().await;
    let mut stream = open(&eye, "").await;
    store(&eye, &[event(1)]).await;
    stream.take(1).await;
    eye.stop();
    assert_eq!(stream.next().await, None);
}
