//! Lists: filters and page numbers, as they are clicked.

use serde_json::Value;

use super::stocked;
use crate::support::browser::Browser;

/// The ids of the rows that are seen.
async fn ids(browser: &Browser) -> Vec<String> {
    let text = browser.text().await;
    text.split("\"id\": \"").skip(1).map(|rest| rest[..36].to_owned()).collect()
}

#[tokio::test]
async fn pages_are_turned_forward_and_back() {
    let (browser, eye) = stocked().await;
    let rows = eye.get("/events?session_id=s-07&page_size=1000").await.expect(200).json();
    let expected: Vec<&str> =
        rows["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    browser.open(&format!("{}/events?session_id=s-07&page_size=5", eye.base)).await;
    let mut found = ids(&browser).await;
    assert_eq!(found.len(), 5);
    let mut page = 1;
    while !browser.all("a[rel=next]", "href").await.is_empty() {
        browser.click("a[rel=next]").await;
        page += 1;
        browser.wait_for(&format!("location.search.includes('page={page}')")).await;
        found.extend(ids(&browser).await);
    }
    assert_eq!(found, expected);
    browser.click("a[rel=prev]").await;
    browser.wait_for(&format!("location.search.includes('page={}')", page - 1)).await;
    browser.click("a[rel=first]").await;
    browser.wait_for("!document.querySelector('a[rel=prev]')").await;
    assert_eq!(ids(&browser).await, expected[..5]);
}

#[tokio::test]
async fn a_filter_form_shows_what_it_selects_and_keeps_what_was_typed() {
    let (browser, eye) = stocked().await;
    for (list, fields) in [
        ("/events", vec![("session_id", "s-07"), ("page_size", "100")]),
        ("/events", vec![("category", "form_interaction"), ("name", "submit"), ("page_size", "100")]),
        ("/events", vec![("start_time", "2026-06-01T10:00:01"), ("end_time", "2026-06-01T11:00:30")]),
        ("/rejected", vec![("name", "cta_click")]),
    ] {
        browser.open(&format!("{}{list}", eye.base)).await;
        browser.click(".filter summary").await;
        for (name, value) in &fields {
            browser.fill(&format!(".filter [name={name}]"), value).await;
        }
        browser.click(".filter button").await;
        browser.wait_for("location.search").await;
        let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let rows = eye.get(&format!("{list}?{}", query.join("&"))).await.expect(200).json();
        let expected: Vec<&str> =
            rows["results"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert!(!expected.is_empty(), "{query:?}");
        let seen = browser.text().await;
        let all_are_seen = expected.iter().all(|id| seen.contains(id));
        assert!(all_are_seen && seen.contains(&format!("\"count\": {}", rows["count"])), "{query:?}: {seen}");
        for (name, value) in fields {
            assert_eq!(browser.all(&format!(".filter [name={name}]"), "value").await, [value]);
        }
    }
}

#[tokio::test]
async fn errors_of_a_list_say_what_is_wrong() {
    let (browser, eye) = stocked().await;
    for (path, texts) in [
        ("/events?sesion_id=x", ["400", "sesion_id"]),
        ("/events?start_time=yesterday", ["400", "Datetime has wrong format"]),
        ("/events?start_time=2026-06-02&end_time=2026-06-01", ["400", "start_time must not be after end_time."]),
        ("/events?order=sideways", ["400", "is not a valid choice."]),
        ("/events?session_id=a&session_id=b", ["400", "session_id"]),
        ("/events?page=99", ["404", "Invalid page."]),
        ("/events?page=x", ["404", "Invalid page."]),
        ("/rejected?page_size=0", ["400", "greater than or equal to 1"]),
        ("/events/nothing", ["404", "Not found."]),
        ("/nowhere", ["404", "Not found."]),
    ] {
        browser.open(&format!("{}{path}", eye.base)).await;
        let text = browser.text().await;
        assert!(texts.iter().all(|expected| text.contains(expected)), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_a_page_too() {
    let (browser, eye) = stocked().await;
    let form = format!(
        "document.body.innerHTML = '<form method=post action={}/rejected><button id=send>x</button></form>'",
        eye.base
    );
    browser.open(&format!("{}/events", eye.base)).await;
    browser.run(&form, []).await;
    browser.click("#send").await;
    browser.wait_for("document.body.textContent.includes('405 Method Not Allowed')").await;
    assert!(browser.text().await.contains("Method \\\"POST\\\" not allowed."), "{}", browser.text().await);
}

#[tokio::test]
async fn the_formats_of_a_page_are_one_click_away() {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/events?session_id=s-07&page_size=3", eye.base)).await;
    browser.run("[...document.querySelectorAll('a')].find(a => a.textContent == 'JSON').id = 'json'", []).await;
    browser.click("#json").await;
    browser.wait_for("document.contentType == 'application/json'").await;
    let shown: Value = serde_json::from_str(&browser.text_of("pre").await).unwrap();
    assert_eq!(shown["count"], eye.get("/events?session_id=s-07").await.expect(200).json()["count"]);
}
