//! Characters and their encoding: what is no UTF-8, or no character that JSON and databases have in common.

use serde_json::json;

use super::strict::{form_column, submit};
use super::*;

/// An event in which `form` is a string of these bytes.
fn with_bytes(bytes: &[u8]) -> Vec<u8> {
    let event = submit("\"\u{1}\"").into_bytes();
    let at = event.iter().position(|&byte| byte == 1).unwrap();
    [&event[..at], bytes, &event[at + 1..]].concat()
}

#[tokio::test]
async fn bytes_that_are_no_utf8_are_refused() {
    let mut rows = Vec::new();
    let at = form_column() + 1;
    for bytes in [
        &b"\xff"[..],
        b"\x80",
        b"\xc0\x80",
        b"\xc1\xbf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
    ] {
        let body = with_bytes(bytes);
        rows.push((sent(body.clone()), 400, parse_error("invalid UTF-8", 1, at)));
        let error = whole(&format!("JSON parse error - invalid UTF-8: line 1 column {at}"));
        let row = format!(r#"{{"accepted":0,"rejected":1,"results":[{{"index":0,"errors":{error}}}]}}"#);
        rows.push((typed("application/x-ndjson", body), 400, row));
    }
    // Behind a character of two bytes, which is one column.
    rows.push((sent(with_bytes("é\u{1}".as_bytes())), 400, parse_error("control character in a string", 1, at + 1)));
    rows.push((sent(with_bytes(b"\xc3\xa9\xff")), 400, parse_error("invalid UTF-8", 1, at + 1)));
    check_refused(&rows).await;
}

#[tokio::test]
async fn other_encodings_of_unicode_are_refused() {
    let event = page_view().to_string();
    let utf16 = |unit: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        mark.encode_utf16().chain(event.encode_utf16()).flat_map(unit).collect()
    };
    let value = || parse_error("expected a value", 1, 1);
    let key = || parse_error("expected a key in double quotes", 1, 2);
    let rows = [
        (sent(utf16(u16::to_le_bytes, "\u{feff}")), 400, parse_error("invalid UTF-8", 1, 1)),
        (sent(utf16(u16::to_be_bytes, "\u{feff}")), 400, parse_error("invalid UTF-8", 1, 1)),
        (sent(utf16(u16::to_le_bytes, "")), 400, key()),
        (sent(utf16(u16::to_be_bytes, "")), 400, value()),
        (sent(format!("\u{feff}{event}")), 400, value()),
        (typed("text/plain", format!("\u{feff}{event}")), 400, value()),
        (sent(format!("\u{feff}[{event}]")), 400, value()),
        (sent(format!("{event}\u{feff}")), 400, parse_error("expected nothing after the value", 1, event.len() + 1)),
        (sent(format!("\u{a0}{event}")), 400, value()),
        (sent(format!("\u{2028}{event}")), 400, value()),
        (sent(format!("\0{event}")), 400, value()),
        (sent(format!("{event}\0")), 400, parse_error("expected nothing after the value", 1, event.len() + 1)),
        (
            typed("application/x-ndjson", format!("\u{feff}{event}")),
            400,
            format!(
                r#"{{"accepted":0,"rejected":1,"results":[{{"index":0,"errors":{}}}]}}"#,
                whole("JSON parse error - expected a value: line 1 column 1")
            ),
        ),
    ];
    check_refused(&rows).await;
}

#[tokio::test]
async fn nul_and_lone_surrogates_are_refused_wherever_they_stand() {
    let at = form_column();
    let mut rows = Vec::new();
    for (text, what) in [
        (r"\u0000", "NUL character in a string"),
        ("\0", "control character in a string"),
        (r"\ud800", "lone surrogate in a string"),
        (r"\uDBFF", "lone surrogate in a string"),
        (r"\udc00", "lone surrogate in a string"),
        (r"\uDFFF", "lone surrogate in a string"),
        (r"\ud800\ud800", "lone surrogate in a string"),
        (r"\udc00\ud800", "lone surrogate in a string"),
        (r"\ud83dx", "lone surrogate in a string"),
        (r"\ud83d\n", "lone surrogate in a string"),
        (r"\ud83d\u", "invalid escape in a string"),
        (r"\u00", "invalid escape in a string"),
        (r"\U0041", "invalid escape in a string"),
        (r"\'", "invalid escape in a string"),
        ("\u{1f}", "control character in a string"),
        ("\n", "control character in a string"),
    ] {
        // In a value, in a key, and below.
        rows.push((sent(submit(&format!("\"{text}\""))), 400, parse_error(what, 1, at + 1)));
        rows.push((sent(submit(&format!("{{\"{text}\":1}}"))), 400, parse_error(what, 1, at + 2)));
        rows.push((sent(submit(&format!("[{{\"a\":[\"{text}\"]}}]"))), 400, parse_error(what, 1, at + 8)));
    }
    check_refused(&rows).await;
}

#[tokio::test]
async fn every_other_character_is_kept_as_it_was_sent() {
    let rows: Vec<_> = [
        r#""\u0001\u001f\u007f""#,
        r#""\u00e9\u00E9é""#,
        r#""\ud83d\ude00😀""#,
        r#""\ud800\udc00\udbff\udfff""#,
        r#""\uffff\ufffe\ufeff""#,
        r#""\/\b\f\n\r\t\"\\""#,
        "\"\u{7f}\u{80}\u{a0}\u{ad}\"",
        "\"\u{200b}\u{200e}\u{202e}\u{2028}\u{2029}\"",
        "\"\u{e000}\u{fdd0}\u{feff}\u{fffd}\u{ffff}\"",
        "\"\u{10000}\u{1f468}\u{200d}\u{1f469}\u{10ffff}\"",
        "\"e\u{301}\u{1e9}\"",
        r#"{"":"","é":1,"\u00e9x":2}"#,
        "[ 1 ,\t2 ,\r\n3 ]",
    ]
    .into_iter()
    .map(|form| (submit(form), format!("\"form\":{form}}}")))
    .collect();
    check_kept(&rows).await;
}

#[tokio::test]
async fn texts_may_be_as_long_as_their_limit() {
    let mut rows = Vec::new();
    for character in ["a", "é", "€", "😀"] {
        for length in [254, 255] {
            let session = character.repeat(length);
            rows.push((page_view_with(&json!({ "session_id": session })).to_string(), json!(session).to_string()));
        }
        for length in [2047, 2048] {
            let path = character.repeat(length);
            let data = json!({ "host": "a.example", "path": path });
            rows.push((page_view_with(&json!({ "data": data })).to_string(), format!("\"path\":\"{path}\"")));
        }
        for length in [254, 255] {
            let element = character.repeat(length);
            let data = json!({ "host": "a.example", "path": "/", "element": element });
            let event = page_view_with(&json!({ "name": "cta_click", "data": data }));
            rows.push((event.to_string(), format!("\"element\":\"{element}\"")));
        }
    }
    for length in [253, 254, 255] {
        let host = format!("https://{}{}", "a.".repeat(120), "b".repeat(length - 248));
        let data = json!({ "host": host, "path": "/" });
        rows.push((page_view_with(&json!({ "data": data })).to_string(), format!("\"host\":\"{host}\"")));
    }
    // White space around a text does not count.
    let session = "a".repeat(255);
    let spaced = format!(" \t{session}\u{a0}\n");
    rows.push((page_view_with(&json!({ "session_id": spaced })).to_string(), format!("\"session_id\":\"{session}\"")));
    check_kept(&rows).await;
}
