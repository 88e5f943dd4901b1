//! Content types and encodings: unknown, wrong, cut off, and larger than they look.

use std::io::Write;

use super::*;
use crate::support::page_view;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn brotli(text: &str) -> Vec<u8> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 1, 20);
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.into_inner()
}

#[tokio::test]
async fn types_and_encodings_that_are_not_read_are_a_415() {
    let event = page_view().to_string();
    let mut rows = Vec::new();
    for content_type in [
        "text/html",
        "application/xml",
        "application/jsonx",
        "application/json2; charset=utf-8",
        "image/png",
        "json",
        "*/*",
        "",
        "multipart/mixed; boundary=x",
    ] {
        let message = format!("Unsupported media type \"{content_type}\" in request.");
        rows.push((typed(content_type, event.as_str()), 415, detail(&message)));
    }
    let none = Input { headers: Vec::new(), ..sent(event.as_str()) };
    rows.push((none, 415, detail("Unsupported media type \"\" in request.")));
    for encoding in ["compress", "gzip2", "*", "sdch"] {
        let message = format!("Unsupported content encoding \"{encoding}\" in request.");
        rows.push((encoded(encoding, gzip(&event)), 415, detail(&message)));
    }
    rows.push((
        encoded("gzip, compress", gzip(&event)),
        415,
        detail("Unsupported content encoding \"compress\" in request."),
    ));
    for (encoding, whole) in [
        ("gzip", gzip(&event)),
        ("deflate", deflate(&event)),
        ("br", brotli(&event)),
        ("zstd", zstd::encode_all(event.as_bytes(), 1).unwrap()),
    ] {
        let broken = detail(&format!("The body is not valid {encoding}."));
        // All of the event is there, but the end of the stream is not.
        rows.push((encoded(encoding, whole[..whole.len() - 1].to_vec()), 400, broken.clone()));
        rows.push((encoded(encoding, whole[..whole.len() / 2].to_vec()), 400, broken.clone()));
        rows.push((encoded(encoding, event.as_bytes().to_vec()), 400, broken));
    }
    let garbage = [gzip(&event), b"garbage".to_vec()].concat();
    rows.push((encoded("gzip", garbage), 400, detail("The body is not valid gzip.")));
    let mut checksum = gzip(&event);
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    rows.push((encoded("gzip", checksum), 400, detail("The body is not valid gzip.")));
    rows.push((encoded("gzip", gzip("{")), 400, parse_error("expected a key in double quotes", 1, 2)));
    check_refused(&rows).await;
}

#[tokio::test]
async fn a_small_body_that_becomes_a_large_one_is_a_413() {
    let large = " ".repeat((16 << 20) + 1);
    let too_large = || detail("The body is larger than 16777216 bytes (EYE_MAX_BODY).");
    let zstd = || zstd::encode_all(large.as_bytes(), 1).unwrap();
    let twice = gzip(&String::from_utf8(gzip("x").iter().map(|_| b' ').collect()).unwrap());
    let mut rows: Vec<Row> =
        [("gzip", gzip(&large)), ("deflate", deflate(&large)), ("br", brotli(&large)), ("zstd", zstd())]
            .into_iter()
            .map(|(encoding, body)| {
                assert!(body.len() < 100_000, "{encoding} makes {} bytes of it", body.len());
                (encoded(encoding, body), 413, too_large())
            })
            .collect();
    // One in the other.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&gzip(&large)).unwrap();
    rows.push((encoded("gzip, gzip", encoder.finish().unwrap()), 413, too_large()));
    rows.push((encoded("gzip", twice), 400, parse_error("expected a value", 1, 1 + gzip("x").len())));
    check_refused(&rows).await;
}

#[tokio::test]
async fn a_wrong_label_is_refused() {
    let event = page_view().to_string();
    let bodies = [
        ("gzip", gzip(&event)),
        ("deflate", deflate(&event)),
        ("br", brotli(&event)),
        ("zstd", zstd::encode_all(event.as_bytes(), 1).unwrap()),
    ];
    let mut rows = Vec::new();
    for (label, _) in &bodies {
        let broken = detail(&format!("The body is not valid {label}."));
        for (encoding, body) in &bodies {
            if encoding != label {
                rows.push((encoded(label, body.clone()), 400, broken.clone()));
            }
        }
        rows.push((encoded(label, b"\0".repeat(50)), 400, broken.clone()));
        let twice = format!("{label}, {label}");
        let once = bodies.iter().find(|(encoding, _)| encoding == label).unwrap().1.clone();
        rows.push((encoded(&twice, once.clone()), 400, broken.clone()));
        rows.push((encoded(&twice.to_uppercase(), once.clone()), 400, broken.clone()));
        let thrice = format!("{label}, {label}, {label}");
        rows.push((encoded(&thrice, once), 415, detail("Unsupported content encoding \"more than two\" in request.")));
    }
    // Not labelled at all.
    rows.push((sent(gzip(&event)), 400, parse_error("invalid UTF-8", 1, 2)));
    rows.push((sent(zstd::encode_all(event.as_bytes(), 1).unwrap()), 400, parse_error("invalid UTF-8", 1, 2)));
    check_refused(&rows).await;
}
