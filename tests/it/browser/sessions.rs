//! Sessions: their list, and one of them in the order of time.

use super::stocked;

#[tokio::test]
async fn a_session_is_found_in_the_list_and_shown_in_the_order_of_time() {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/sessions?page_size=100", eye.base)).await;
    let sessions = browser.all("td a", "textContent").await;
    assert!(sessions.len() > 10 && sessions.contains(&"s-07".to_owned()), "{sessions:?}");
    browser.click("td a[href$='/s-07']").await;
    browser.wait_for("document.querySelector('ol.timeline')").await;
    let times = browser.all("ol.timeline a.time", "textContent").await;
    assert!(times.len() > 3 && times.is_sorted(), "{times:?}");
    assert!(!browser.all("ol.timeline li.gap", "textContent").await.is_empty());
}

#[tokio::test]
async fn neighbours_lead_from_session_to_session() {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/sessions?page_size=100", eye.base)).await;
    let sessions = browser.all("td a", "href").await;
    browser.open(&sessions[0]).await;
    assert_eq!(browser.all("a[rel=prev]", "href").await.len(), 0, "nothing is newer than the first");
    browser.click("a[rel=next]").await;
    browser.wait_for(&format!("location.href == '{}'", sessions[1])).await;
    browser.click("a[rel=prev]").await;
    browser.wait_for(&format!("location.href == '{}'", sessions[0])).await;
}

#[tokio::test]
async fn a_session_without_an_event_is_not_found() {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/sessions/nobody", eye.base)).await;
    let text = browser.text().await;
    assert!(text.contains("404 Not Found") && text.contains("Not found."), "{text}");
}
