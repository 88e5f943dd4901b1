//! The page on which events arrive.

use serde_json::json;

use super::stocked;
use crate::support::browser::Browser;
use crate::support::{TestEye, page_view_with};

async fn on_the_page(query: &str) -> (Browser, TestEye) {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/live{query}", eye.base)).await;
    browser.wait_for("document.querySelector('#state').textContent == 'Live'").await;
    (browser, eye)
}

async fn send(eye: &TestEye, session: &str) {
    eye.post(&page_view_with(&json!({ "session_id": session })).to_string()).await.expect(201);
    eye.drain().await;
}

/// What the first row of the feed holds.
fn newest(text: &str) -> String {
    format!("document.querySelector('#feed tr')?.textContent.includes({})", json!(text))
}

#[tokio::test]
async fn what_is_stored_and_what_is_refused_arrive_by_themselves() {
    let (browser, eye) = on_the_page("").await;
    send(&eye, "first to arrive").await;
    browser.wait_for(&newest("first to arrive")).await;
    eye.post("{\"session_id\": \"refused to arrive\"}").await.expect(400);
    eye.drain().await;
    browser.wait_for(&newest("refused to arrive")).await;
    assert!(browser.text_of("#count").await.contains("2 arrived"));
    browser.click("#feed tr:nth-child(2) td.time a").await;
    browser.wait_for("location.pathname.startsWith('/events/')").await;
    assert!(browser.text().await.contains("\"session_id\": \"first to arrive\""));
}

#[tokio::test]
async fn an_event_of_the_form_is_seen_to_arrive() {
    let (browser, eye) = on_the_page("").await;
    let other = Browser::start().await;
    other.open(&format!("{}/events", eye.base)).await;
    other.fill("details.type[open] [name=session_id]", "sent by a form").await;
    other.click("details.type[open] button").await;
    browser.wait_for(&newest("sent by a form")).await;
}

#[tokio::test]
async fn a_pause_holds_rows_back_until_it_ends() {
    let (browser, eye) = on_the_page("").await;
    browser.click("#pause").await;
    send(&eye, "during the pause").await;
    browser.wait_for("document.querySelector('#count').textContent == '1 waiting'").await;
    assert!(!browser.text_of("#feed").await.contains("during the pause"));
    browser.click("#pause").await;
    browser.wait_for(&newest("during the pause")).await;
}

#[tokio::test]
async fn a_filter_leaves_the_others_out() {
    let (browser, eye) = on_the_page("?session_id=wanted").await;
    send(&eye, "another").await;
    send(&eye, "wanted").await;
    browser.wait_for(&newest("wanted")).await;
    assert!(!browser.text_of("#feed").await.contains("another"));
}

#[tokio::test]
async fn what_arrives_is_text_and_nothing_else() {
    let (browser, eye) = on_the_page("").await;
    let posted = super::hostile::post_everything(&eye).await;
    let arrived = format!("document.querySelector('#count').textContent.startsWith('{} ')", posted.rows);
    browser.wait_for(&arrived).await;
    super::hostile::assert_unharmed(&browser, "/live").await;
}
