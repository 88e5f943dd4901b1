//! Lists: filters and page numbers, as they are clicked.

use super::stocked;

#[tokio::test]
async fn pages_are_turned_forward_and_back() {
    let (browser, eye) = stocked().await;
    let ids = async || {
        let text = browser.text().await;
        let ids = text.split("\"id\": \"").skip(1).map(|rest| rest[..36].to_owned());
        ids.collect::<Vec<_>>()
    };
    browser.open(&format!("{}/events?session_id=s-07&page_size=5", eye.base)).await;
    let first = ids().await;
    assert_eq!(first.len(), 5);
    browser.click("a[rel=next]").await;
    browser.wait_for("location.search.includes('page=2')").await;
    let second = ids().await;
    assert!(second.iter().all(|id| !first.contains(id)), "{second:?}");
    browser.click("a[rel=prev]").await;
    browser.wait_for("!location.search.includes('page=2')").await;
    assert_eq!(ids().await, first);
}

#[tokio::test]
async fn a_filter_form_shows_what_it_selects_and_keeps_what_was_typed() {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/events", eye.base)).await;
    browser.click("summary").await;
    browser.fill("form[method=get] [name=session_id]", "s-07").await;
    browser.fill("form[method=get] [name=page_size]", "100").await;
    browser.click("form[method=get] button").await;
    browser.wait_for("location.search.includes('session_id=s-07')").await;
    let expected = eye.get("/events?session_id=s-07").await.expect(200).json()["count"].clone();
    let text = browser.text().await;
    assert!(text.contains(&format!("\"count\": {expected}")), "{text}");
    assert_eq!(text.matches("\"session_id\": \"s-07\"").count(), expected.as_u64().unwrap() as usize);
    assert_eq!(browser.all("form[method=get] [name=session_id]", "value").await, ["s-07"]);
}

#[tokio::test]
async fn errors_of_a_list_say_what_is_wrong() {
    let (browser, eye) = stocked().await;
    for (path, texts) in [
        ("/events?sesion_id=x", ["400", "sesion_id"]),
        ("/events?start_time=yesterday", ["400", "Datetime has wrong format"]),
        ("/events?page=99", ["404", "Invalid page."]),
        ("/events/nothing", ["404", "Not found."]),
        ("/nowhere", ["404", "Not found."]),
    ] {
        browser.open(&format!("{}{path}", eye.base)).await;
        let text = browser.text().await;
        assert!(texts.iter().all(|expected| text.contains(expected)), "{path}: {text}");
    }
}
