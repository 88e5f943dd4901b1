//! Timestamps: which are none, and what the others become.

use serde_json::json;

use super::*;
use crate::support::{TestEye, page_view_with};

#[tokio::test]
async fn timestamps_that_are_none_are_refused() {
    let mut rows = Vec::new();
    for text in [
        "",
        " ",
        "now",
        "2026",
        "2026-05",
        "2026-05-01 ",
        " 2026-05-01",
        "2026-05-01T",
        "2026-05-01T09:",
        "2026-02-29",
        "2026-02-30T10:00:00Z",
        "2026-13-01",
        "2026-00-01",
        "2026-04-31",
        "2026-05-00",
        "2026-05-01T24:00:00Z",
        "2026-05-01T23:60:00Z",
        "2026-05-01T23:59:60Z",
        "2026-05-01T10:00:00.Z",
        "2026-05-01T10:00:00+24:00",
        "2026-05-01T10:00:00+5",
        "2026-05-01T10:00:00 UTC",
        "2026-05-01T10:00:00ZZ",
        "2026/05/01",
        "01.05.2026",
        "0000-01-01",
        "10000-01-01",
        "-2026-05-01",
        "0001-01-01T00:00:00+00:01",
        "1780315200",
        "2025-02-29",
        "1900-02-29",
        "2026-06-31",
        "2026-05-32",
        "2016-12-31T23:59:60Z",
        "2016-12-31T23:59:61Z",
        "2026-05-01T24:00",
        "2026-05-01T25:00",
        "2026-05-01T9",
        "2026-05-01T123:00",
        "2026-05-01T10:00:00..5",
        "2026-05-01T10:00:00,",
        "2026-05-01T10:00:00;5",
        "2026-05-01t10:00:00Z",
        "2026-05-01T10:00:00z",
        "2026-05-01  10:00:00",
        "2026-W18-5",
        "2026-121",
        "20260501T100000Z",
        "12026-05-01",
        "10000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-00:01",
        "+2026-05-01",
        "2026-05-01T10:00:00+2",
        "2026-05-01T10:00:00+02:0",
        "2026-05-01T10:00:00+02:60:00",
        "2026-05-01T10:00:00Europe/Paris",
        "\u{ff12}026-05-01",
        "2026\u{2010}05\u{2010}01",
        "2026-05-01T10:00:00\u{2212}02:00",
    ] {
        rows.push((with(&json!({ "timestamp": text })), 400, field("timestamp", BAD_DATETIME)));
        let value: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        if !text.is_empty() {
            rows.push((asked(&format!("/events?start_time={value}")), 400, field("start_time", BAD_DATETIME)));
            rows.push((asked(&format!("/rejected?end_time={value}")), 400, field("end_time", BAD_DATETIME)));
        }
    }
    for other in [json!(true), json!(1_780_315_200), json!(1.5), json!([]), json!({})] {
        rows.push((with(&json!({ "timestamp": other })), 400, field("timestamp", BAD_DATETIME)));
    }
    for ahead in
        ["2026-06-01T12:00:05.000001Z", "2026-06-01T14:00:05.000001+02:00", "2026-06-02", "9999-12-31T23:59:59Z"]
    {
        rows.push((with(&json!({ "timestamp": ahead })), 400, field("timestamp", "timestamp must be in the past")));
    }
    check_refused(&rows).await;
}

#[tokio::test]
async fn a_timestamp_at_the_tolerance_is_not_ahead() {
    let eye = TestEye::start().await;
    for timestamp in ["2026-06-01T12:00:05Z", "2026-06-01T12:00:05.0000009Z", "0001-01-01"] {
        eye.post(&page_view_with(&json!({ "timestamp": timestamp })).to_string()).await.expect(201);
    }
    let eye = TestEye::with(|config| config.clock_tolerance = std::time::Duration::from_secs(60)).await;
    eye.post(&page_view_with(&json!({ "timestamp": "2026-06-01T12:01:00Z" })).to_string()).await.expect(201);
    let ahead = page_view_with(&json!({ "timestamp": "2026-06-01T12:01:00.000001Z" })).to_string();
    assert_eq!(eye.post(&ahead).await.expect(400).text, field("timestamp", "timestamp must be in the past"));
}

#[tokio::test]
async fn every_spelling_of_a_timestamp_becomes_one() {
    let rows: Vec<_> = [
        ("2026-05-01", "2026-05-01T00:00:00.000000Z"),
        ("2026-5-1", "2026-05-01T00:00:00.000000Z"),
        ("2026-5-01 7:03", "2026-05-01T07:03:00.000000Z"),
        ("2026-05-01T7:3:9", "2026-05-01T07:03:09.000000Z"),
        ("2026-05-01 10:00:00", "2026-05-01T10:00:00.000000Z"),
        ("2026-05-01T10:00:00,5Z", "2026-05-01T10:00:00.500000Z"),
        ("2026-05-01T10:00:00,1234567", "2026-05-01T10:00:00.123456Z"),
        ("2026-05-01T10:00:00.9999999", "2026-05-01T10:00:00.999999Z"),
        ("2026-05-01T10:00:00.000000999", "2026-05-01T10:00:00.000000Z"),
        ("2026-05-01T10:00+02", "2026-05-01T08:00:00.000000Z"),
        ("2026-05-01T10:00:00+0230", "2026-05-01T07:30:00.000000Z"),
        ("2026-05-01T10:00:00 -02:30", "2026-05-01T12:30:00.000000Z"),
        ("2026-05-01T10:00:00+23:59", "2026-04-30T10:01:00.000000Z"),
        ("2026-05-01T10:00:00-00:00", "2026-05-01T10:00:00.000000Z"),
        ("2026-05-01T23:59:59.999999-23:59", "2026-05-02T23:58:59.999999Z"),
        ("2024-02-29", "2024-02-29T00:00:00.000000Z"),
        ("2000-02-29T00:00Z", "2000-02-29T00:00:00.000000Z"),
        ("1969-12-31T23:59:59.9", "1969-12-31T23:59:59.900000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
        ("0001-01-01T00:00:00-00:01", "0001-01-01T00:01:00.000000Z"),
        ("2026-06-01T12:00:05Z", "2026-06-01T12:00:05.000000Z"),
    ]
    .into_iter()
    .map(|(text, becomes)| {
        (page_view_with(&json!({ "timestamp": text })).to_string(), format!("\"timestamp\":\"{becomes}\""))
    })
    .collect();
    check_kept(&rows).await;
}
