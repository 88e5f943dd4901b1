//! Query parameters.

use serde_json::json;

use super::*;
use crate::support::{TestEye, page_view_with};

#[tokio::test]
async fn parameters_are_held_to_their_rules() {
    let id = "0190b0e5-0000-7000-8000-000000000000";
    let choice = |name: &str, value: &str| field(name, &format!("\"{value}\" is not a valid choice."));
    let once = "This parameter may be given only once.";
    let invalid_page = || detail("Invalid page.");
    let mut rows = Vec::new();
    for list in ["/events", "/events/", "/events.json", "/rejected", "/rejected/"] {
        for (query, status, expected) in [
            ("foo=1", 400, field("foo", PARAMETERS)),
            ("foo", 400, field("foo", PARAMETERS)),
            ("Session_id=a", 400, field("Session_id", PARAMETERS)),
            ("sesion_id=a", 400, field("sesion_id", PARAMETERS)),
            ("id=1", 400, field("id", PARAMETERS)),
            ("foo=1&bar=2", 400, format!(r#"{{"foo":["{PARAMETERS}"],"bar":["{PARAMETERS}"]}}"#)),
            ("session_id=a&session_id=b", 400, field("session_id", once)),
            ("session_id=a&session_id=a", 400, field("session_id", once)),
            ("session_id=&session_id=a", 400, field("session_id", once)),
            ("page=1&page=1", 400, field("page", once)),
            ("format=json&format=json", 400, field("format", once)),
            ("session_id=%00", 400, field("session_id", "Null characters are not allowed.")),
            ("name=a%00b", 400, field("name", "Null characters are not allowed.")),
            ("session_id=%FF", 400, field("session_id", "Not valid UTF-8.")),
            ("category=%C0%80", 400, field("category", "Not valid UTF-8.")),
            ("page=0", 404, invalid_page()),
            ("page=-1", 404, invalid_page()),
            ("page=2", 404, invalid_page()),
            ("page=9223372036854775808", 404, invalid_page()),
            ("page=99999999999999999999999", 404, invalid_page()),
            ("page=9223372036854775807", 404, invalid_page()),
            ("page=18446744073709551615", 404, invalid_page()),
            ("page=18446744073709551616", 404, invalid_page()),
            ("page=+1", 404, invalid_page()),
            ("page=%2B1", 404, invalid_page()),
            ("page=0x1", 404, invalid_page()),
            ("page=1e0", 404, invalid_page()),
            ("page=%D9%A1", 404, invalid_page()),
            ("page=%", 404, invalid_page()),
            ("page=%00", 400, field("page", "Null characters are not allowed.")),
            ("page=%FF", 400, field("page", "Not valid UTF-8.")),
            ("page_size=9223372036854775808", 400, field("page_size", "A valid integer is required.")),
            ("page_size=9223372036854775807", 400, field("page_size", "Ensure this value is less than or equal to 1000.")),
            ("page_size=%00", 400, field("page_size", "Null characters are not allowed.")),
            ("session_id=%E2%82", 400, field("session_id", "Not valid UTF-8.")),
            ("session_id=%ED%A0%80", 400, field("session_id", "Not valid UTF-8.")),
            ("%FF=1", 400, field("%FF", PARAMETERS)),
            ("page[]=1", 400, field("page[]", PARAMETERS)),
            ("=1", 400, field("", PARAMETERS)),
            ("page=&page=", 400, field("page", once)),
            ("page=1&%70age=1", 400, field("page", once)),
            ("start_time=%00", 400, field("start_time", "Null characters are not allowed.")),
            ("cursor=%FF", 400, field("cursor", "Not valid UTF-8.")),
            ("page=abc", 404, invalid_page()),
            ("page=1.5", 404, invalid_page()),
            ("page=first", 404, invalid_page()),
            ("page_size=0", 400, field("page_size", "Ensure this value is greater than or equal to 1.")),
            ("page_size=-1", 400, field("page_size", "Ensure this value is greater than or equal to 1.")),
            ("page_size=1001", 400, field("page_size", "Ensure this value is less than or equal to 1000.")),
            ("page_size=x", 400, field("page_size", "A valid integer is required.")),
            ("page_size=1.5", 400, field("page_size", "A valid integer is required.")),
            ("order=up", 400, choice("order", "up")),
            ("order=ASC", 400, choice("order", "ASC")),
            ("order=-timestamp", 400, choice("order", "-timestamp")),
            ("format=xml", 400, choice("format", "xml")),
            (
                "start_time=2026-05-02&end_time=2026-05-01",
                400,
                field("start_time", "start_time must not be after end_time."),
            ),
            ("start_time=yesterday", 400, field("start_time", BAD_DATETIME)),
            ("end_time=1780315200", 400, field("end_time", BAD_DATETIME)),
            (
                "start_time=a&end_time=b",
                400,
                format!(r#"{{"start_time":["{BAD_DATETIME}"],"end_time":["{BAD_DATETIME}"]}}"#),
            ),
            ("cursor=x", 400, field("cursor", "Invalid cursor.")),
            ("cursor=e30", 400, field("cursor", "Invalid cursor.")),
            ("cursor=%7B%7D", 400, field("cursor", "Invalid cursor.")),
            (
                "page_size=x&order=x&format=x",
                400,
                r#"{"format":["\"x\" is not a valid choice."],"order":["\"x\" is not a valid choice."],"page_size":["A valid integer is required."]}"#.to_owned(),
            ),
        ] {
            // That list has a filter more.
            let expected = match list.starts_with("/rejected") {
                true => expected.replace("application, start_time", "application, reason, start_time"),
                false => expected,
            };
            rows.push((asked(&format!("{list}?{query}")), status, expected));
        }
    }
    for one in ["/events", "/rejected"] {
        rows.push((asked(&format!("{one}/{id}")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/{id}/")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/abc")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/%FF")), 404, detail("Not found.")));
        rows.push((asked(&format!("{one}/%00")), 404, detail("Not found.")));
        let only = field("session_id", "Unknown parameter. Expected one of: format.");
        rows.push((asked(&format!("{one}/{id}?session_id=a")), 400, only));
    }
    rows.push((asked("/nothing"), 404, detail("Not found.")));
    check_refused(&rows).await;
}

#[tokio::test]
async fn a_request_that_contradicts_its_cursor_is_refused() {
    let eye = TestEye::start().await;
    for day in 1..4 {
        eye.post(&page_view_with(&json!({ "timestamp": format!("2026-05-0{day}") })).to_string()).await.expect(201);
    }
    eye.drain().await;
    let query = "page_size=1&session_id=a-session&category=page%20interaction&name=pageview\
                 &start_time=2026-05-01&end_time=2026-05-09&order=asc";
    let cursor = eye.get(&format!("/events?{query}")).await.expect(200).json()["next_cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    let contradicts = "This contradicts the cursor.";
    let mut rows = Vec::new();
    for (name, value) in [
        ("session_id", "b"),
        ("category", "form_interaction"),
        ("name", "submit"),
        ("start_time", "2026-05-02"),
        ("end_time", "2026-05-08"),
        ("order", "desc"),
    ] {
        rows.push((asked(&format!("/events?cursor={cursor}&{name}={value}")), 400, field(name, contradicts)));
    }
    for page in ["1", "2", "last"] {
        let message = "A page number and a cursor exclude each other.";
        rows.push((asked(&format!("/events?cursor={cursor}&page={page}")), 400, field("page", message)));
    }
    rows.push((asked(&format!("/rejected?cursor={cursor}")), 400, field("cursor", "Invalid cursor.")));
    rows.push((asked(&format!("/events?cursor={cursor}x")), 400, field("cursor", "Invalid cursor.")));
    rows.push((asked(&format!("/events?cursor={}", &cursor[1..])), 400, field("cursor", "Invalid cursor.")));
    let none = eye.get("/events?page_size=1").await.expect(200).json()["next_cursor"].clone();
    let path = format!("/events?cursor={}&session_id=a-session", none.as_str().unwrap());
    rows.push((asked(&path), 400, field("session_id", contradicts)));
    check_all(&eye, &rows).await;
    // The same said again, in any spelling, is no contradiction.
    let same = format!("/events?cursor={cursor}&{query}").replace("2026-05-09", "2026-05-09T02:00%2B02:00");
    assert_eq!(eye.get(&same).await.expect(200).json()["results"].as_array().unwrap().len(), 1);
}
