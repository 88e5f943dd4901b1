//! `script/instructions`: what one POST costs in instructions, which are the same whenever they are
//! counted. It runs a part of the path so many times and is counted from outside, by callgrind.
//!
//! `instructions validate|enqueue|post N`: from a body's bytes to a valid event; the same and into the
//! embedded queue, one event at a time, each flushed; the same through the router, from the request to
//! the answer's last byte.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made should fail")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use the_eye::clock::Clock;
use the_eye::event::{Body as Events, Catalog, NewEvent, Rules, read_body, utf8};
use the_eye::metrics::Metrics;
use the_eye::queue::{Queue, Role, SqliteQueue, SqliteQueueOptions};
use the_eye::{Eye, Migrations};
use tower::{Service, ServiceExt};

// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EVENT: &str = r#"{"session_id":"e2085be5-9137-4e4e-80b5-f1ffddc25423","category":"page_interaction","name":"cta_click","data":{"host":"www.example.com","path":"/products/00000001","element":"buy now"},"timestamp":"2021-01-01T09:15:27.243860Z"}"#;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (part, count) = (arguments.next().unwrap(), arguments.next().unwrap().parse::<u32>().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match part.as_str() {
        "validate" => validate(count),
        "enqueue" => runtime.block_on(enqueue(folder.path(), count)),
        "post" => runtime.block_on(post(folder.path(), count)),
        other => panic!("there is no part called `{other}`"),
    }
}

fn validate(count: u32) {
    let catalog = Catalog::built_in();
    for _ in 0..count {
        black_box(valid(black_box(EVENT.as_bytes()), &catalog));
    }
}

async fn enqueue(folder: &Path, count: u32) {
    let catalog = Catalog::built_in();
    let options = SqliteQueueOptions {
        path: folder.join("queue.db"),
        role: Role::Api,
        max_events: 1_000_000,
        max_bytes: 1 << 30,
        max_refused: 1000,
        reserve: 0,
        migrations: Migrations::Apply,
    };
    let queue = SqliteQueue::open(&options, Arc::new(Metrics::new())).unwrap();
    for _ in 0..count {
        let event = valid(black_box(EVENT.as_bytes()), &catalog);
        assert!(queue.enqueue(vec![event]).await.unwrap().durable);
    }
}

async fn post(folder: &Path, count: u32) {
    let eye = Eye::builder().data_dir(folder).role(Role::Api).build().await.unwrap();
    let mut router = eye.router::<()>();
    for _ in 0..count {
        let request = Request::post("/events")
            .header(header::HOST, "127.0.0.1:8000")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, EVENT.len())
            .body(Body::from(EVENT))
            .unwrap();
        let service = <axum::Router as ServiceExt<Request<Body>>>::ready(&mut router).await.unwrap();
        let answer = service.call(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        black_box(answer.into_body().collect().await.unwrap());
    }
}

/// What is done with a body before it is put into the queue.
fn valid(body: &[u8], catalog: &Catalog) -> NewEvent {
    let Events::One(raw) = utf8(body).and_then(|text| read_body(text, 10_000)).unwrap() else { unreachable!() };
    let (now, new_id) = (Clock::System.now(), Clock::System.new_id());
    let tolerance = Duration::from_secs(5);
    NewEvent::parse(&raw, &Rules { catalog, now, tolerance, new_id, application: None, address: None }).unwrap()
}
