//! Forms, and bodies over their limits.

use super::strict::submit;
use super::*;
use crate::support::page_view;

#[tokio::test]
async fn forms_are_held_to_the_same_rules() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let start = "session_id=a&category=page_interaction&name=page_view&timestamp=2026-05-01";
    let valid = format!("{start}&data=%7B%22host%22%3A%22a.example%22%2C%22path%22%3A%22%2F%22%7D");
    let not_json = || field("data", "Value must be valid JSON.");
    let mut rows = vec![
        (typed(FORM, start), 400, field("data", REQUIRED)),
        (typed(FORM, format!("{start}&data=")), 400, not_json()),
        (typed(FORM, format!("{start}&data=x")), 400, not_json()),
        (typed(FORM, format!("{start}&data=%7B")), 400, not_json()),
        (typed(FORM, format!("{start}&data=%7B%7D+x")), 400, not_json()),
        (typed(FORM, format!("{start}&data=%7B%22a%22:1,%22a%22:1%7D")), 400, not_json()),
        (typed(FORM, format!("{start}&data=[]")), 400, not_a_dict("list")),
        (typed(FORM, format!("{start}&data=%22x%22")), 400, not_a_dict("str")),
        (typed(FORM, format!("{start}&data=null")), 400, field("data", NULL)),
        (typed(FORM, format!("{valid}&name=page_view")), 400, detail("Form parse error - duplicate field `name`")),
        (typed(FORM, format!("{valid}&data=%7B%7D")), 400, detail("Form parse error - duplicate field `data`")),
        (typed(FORM, format!("{valid}&id=%FF")), 400, detail("Form parse error - a field is not valid UTF-8")),
        (typed(FORM, format!("{valid}&id=a%00")), 400, detail("Form parse error - NUL character in a field")),
        (typed(FORM, format!("{valid}&id=abc")), 400, field("id", NOT_A_UUID)),
        (typed(FORM, format!("{valid}&csrf=abc")), 400, field("csrf", UNKNOWN)),
        (typed(FORM, valid.replace("session_id=a", "session_id=++")), 400, field("session_id", BLANK)),
        (typed(FORM, valid.replace("2026-05-01", "2026-02-30")), 400, field("timestamp", BAD_DATETIME)),
        (typed(FORM, valid.replace("page_view", "x")), 400, whole("unknown event type: page_interaction - x")),
    ];
    let each: Vec<_> = ["session_id", "category", "name", "data", "timestamp"]
        .iter()
        .map(|name| format!("\"{name}\":[\"{REQUIRED}\"]"))
        .collect();
    rows.push((typed(FORM, ""), 400, format!("{{{}}}", each.join(","))));
    let part =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let parts =
        [("session_id", "a"), ("category", "page_interaction"), ("name", "page_view"), ("timestamp", "2026-05-01")]
            .map(|(name, value)| part(name, value))
            .concat();
    const MULTIPART: &str = "multipart/form-data; boundary=x";
    rows.push((typed(MULTIPART, format!("{parts}--x--\r\n")), 400, field("data", REQUIRED)));
    rows.push((typed(MULTIPART, format!("{parts}{}--x--\r\n", part("data", "x"))), 400, not_json()));
    rows.push((
        typed(MULTIPART, format!("{parts}{}--x--\r\n", part("name", "x"))),
        400,
        detail("Form parse error - duplicate field `name`"),
    ));
    rows.push((
        typed("multipart/form-data", format!("{parts}--x--\r\n")),
        400,
        detail("Multipart form parse error - Invalid boundary in multipart: None"),
    ));
    // Cut off: the last part has no end, so nobody knows whether all of it is there.
    rows.push((
        typed(MULTIPART, format!("{parts}{}", part("data", r#"{"host":"a.example","path":"/"}"#))),
        400,
        detail("Multipart form parse error - field \"data\" received with incomplete data"),
    ));
    check_refused(&rows).await;
}

#[tokio::test]
async fn over_a_limit_is_a_413() {
    let event = page_view().to_string();
    let large_event = submit(&format!("\"{}\"", "x".repeat(1 << 20)));
    let too_large = || detail("An event is larger than 1048576 bytes (EYE_MAX_EVENT).");
    let too_many = || detail("The batch has more than 10000 events.");
    let rows = [
        (sent(large_event.as_str()), 413, too_large()),
        (sent(format!("[{event},{large_event}]")), 413, too_large()),
        (typed("application/x-ndjson", format!("{event}\n{large_event}\n")), 413, too_large()),
        (sent(" ".repeat((16 << 20) + 1)), 413, detail("The body is larger than 16777216 bytes (EYE_MAX_BODY).")),
        (sent(format!("[{}]", vec![event.as_str(); 10_001].join(","))), 413, too_many()),
        (typed("application/x-ndjson", format!("{event}\n").repeat(10_001)), 413, too_many()),
    ];
    check_refused(&rows).await;
}
