//! The form that sends an event.

use super::stocked;
use crate::support::TestEye;
use crate::support::browser::Browser;

#[tokio::test]
async fn an_event_sent_by_the_form_is_listed() {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    browser.open(&format!("{}/events", eye.base)).await;
    browser.fill("form[method=post] [name=session_id]", "typed by hand").await;
    browser.click("form[method=post] button").await;
    browser.wait_for("document.body.textContent.includes('201 Created')").await;
    eye.drain().await;
    browser.open(&format!("{}/events", eye.base)).await;
    assert!(browser.text().await.contains("\"session_id\": \"typed by hand\""));
}

#[tokio::test]
async fn a_refused_event_says_what_is_wrong_with_it() {
    let (browser, eye) = stocked().await;
    browser.open(&format!("{}/events", eye.base)).await;
    browser.fill("form[method=post] [name=timestamp]", "yesterday").await;
    browser.fill("form[method=post] [name=data]", "{\"host\": \"a.example\"}").await;
    browser.click("form[method=post] button").await;
    browser.wait_for("document.body.textContent.includes('400 Bad Request')").await;
    let text = browser.text().await;
    assert!(text.contains("Datetime has wrong format") && text.contains("This field is required."), "{text}");
}
