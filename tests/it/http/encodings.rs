//! Compressed bodies: each encoding, one over the other, and bombs.

use std::io::Write;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, TestEye, page_view};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 20);
    encoder.write_all(bytes).unwrap();
    encoder.into_inner()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

async fn send(eye: &TestEye, content_type: &str, encoding: &str, body: Vec<u8>) -> Answer {
    eye.request(Method::POST, "/events", &[("content-type", content_type), ("content-encoding", encoding)], body).await
}

#[tokio::test]
async fn every_encoding_is_read() {
    let eye = TestEye::start().await;
    let event = page_view().to_string().into_bytes();
    let mut count = 0;
    for (encoding, body) in [
        ("gzip", gzip(&event)),
        ("GZip", gzip(&event)),
        ("x-gzip", gzip(&event)),
        ("deflate", zlib(&event)),
        ("br", brotli(&event)),
        ("zstd", zstd(&event)),
        ("identity", event.clone()),
        ("gzip, br", brotli(&gzip(&event))),
        ("zstd, gzip", gzip(&zstd(&event))),
    ] {
        let answer = send(&eye, "application/json", encoding, body).await.expect(201).json();
        assert_eq!(answer["data"], json!({ "host": "www.example.com", "path": "/" }), "{encoding}");
        count += 1;
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], count);
}

#[tokio::test]
async fn batches_and_forms_may_be_compressed() {
    let eye = TestEye::start().await;
    let batch = Value::from(vec![page_view(); 500]).to_string();
    for (encoding, body) in
        [("gzip", gzip(batch.as_bytes())), ("br", brotli(batch.as_bytes())), ("zstd", zstd(batch.as_bytes()))]
    {
        let answer = send(&eye, "application/json", encoding, body).await.expect(201).json();
        assert_eq!(answer["accepted"], 500);
    }
    let lines = format!("{}\n", page_view()).repeat(3);
    send(&eye, "application/x-ndjson", "deflate", zlib(lines.as_bytes())).await.expect(201);
    let form = "session_id=a&category=page_interaction&name=page_view&timestamp=2026-05-01&data=%7B%22host%22%3A%22a.example%22%2C%22path%22%3A%22%2F%22%7D";
    send(&eye, "application/x-www-form-urlencoded", "gzip", gzip(form.as_bytes())).await.expect(201);
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 1504);
}

#[tokio::test]
async fn the_limit_holds_after_decompression() {
    let eye = TestEye::with(|config| config.max_body = 1 << 20).await;
    let padded = |length: usize| {
        let event = page_view().to_string();
        format!("{event}{}", " ".repeat(length - event.len())).into_bytes()
    };
    let (fits, bomb) = (padded(1 << 20), padded(4 << 20));
    let over = padded((1 << 20) + 1);
    for (encoding, encode) in [
        ("gzip", gzip as fn(&[u8]) -> Vec<u8>),
        ("deflate", zlib),
        ("br", brotli),
        ("zstd", zstd),
        ("gzip, gzip", |bytes| gzip(&gzip(bytes))),
    ] {
        send(&eye, "application/json", encoding, encode(&fits)).await.expect(201);
        for body in [&over, &bomb] {
            let answer = send(&eye, "application/json", encoding, encode(body)).await.expect(413);
            assert_eq!(
                answer.text, r#"{"detail":"The body is larger than 1048576 bytes (EYE_MAX_BODY)."}"#,
                "{encoding}"
            );
        }
    }
    eye.drain().await;
    assert_eq!(eye.get("/events").await.expect(200).json()["count"], 5);
    assert_eq!(eye.get("/rejected?page_size=1").await.expect(200).json()["count"], 10);
}
