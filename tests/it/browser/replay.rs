//! What was rejected gets its second try by a button.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::{Pair, TestEye, page_view_with, refuse_session};

/// Three events that the store would not take, and would take by now.
async fn with_dead_letters() -> (Browser, TestEye) {
    let eye = TestEye::on(Pair::Embedded).await;
    let database = eye.dir.path().join("data/events.db");
    refuse_session(&database, "poison");
    let events: Vec<_> = (1..=3)
        .map(|day| page_view_with(&json!({ "session_id": "poison", "timestamp": format!("2026-05-0{day}") })))
        .collect();
    eye.post(&json!(events).to_string()).await.expect(201);
    eye.drain().await;
    rusqlite::Connection::open(&database).unwrap().execute_batch("DROP TRIGGER no_poison").unwrap();
    assert_eq!(eye.get("/rejected").await.json()["count"], 3);
    let browser = Browser::start().await;
    browser.open(&format!("{}/rejected", eye.base)).await;
    (browser, eye)
}

async fn counts(eye: &TestEye) -> (u64, u64) {
    eye.drain().await;
    let count = async |list: &str| eye.get(list).await.expect(200).json()["count"].as_u64().unwrap();
    (count("/events").await, count("/rejected").await)
}

#[tokio::test]
async fn one_is_taken_in_again_by_its_button() {
    let (browser, eye) = with_dead_letters().await;
    browser.click("article.rejected form button").await;
    browser.wait_for("document.body.textContent.includes('1 of 1 taken in')").await;
    assert_eq!(counts(&eye).await, (1, 2));
}

#[tokio::test]
async fn all_of_a_reason_are_taken_in_again() {
    let (browser, eye) = with_dead_letters().await;
    browser.click("form.replay button").await;
    browser.wait_for("document.querySelector('form.replay .result').textContent.includes('3 taken in, 0 still')").await;
    assert_eq!(counts(&eye).await, (3, 0));
}

#[tokio::test]
async fn all_of_a_reason_are_taken_in_again_without_javascript() {
    let (browser, eye) = with_dead_letters().await;
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    browser.open(&format!("{}/rejected", eye.base)).await;
    browser.click("form.replay button").await;
    browser.wait_for("document.body.textContent.includes('3 of 3 taken in')").await;
    assert_eq!(counts(&eye).await, (3, 0));
}

#[tokio::test]
async fn what_is_still_not_valid_stays_and_says_why() {
    let eye = TestEye::start().await;
    eye.post("{\"session_id\": \"a\"}").await.expect(400);
    eye.drain().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/rejected", eye.base)).await;
    browser.click("article.rejected form button").await;
    browser.wait_for("document.body.textContent.includes('1 of 1 still not valid')").await;
    assert!(browser.text_of("article.rejected pre").await.contains("This field is required."));
    assert_eq!(counts(&eye).await, (0, 1));
}

#[tokio::test]
async fn a_page_of_another_site_replays_nothing() {
    let (browser, eye) = with_dead_letters().await;
    let form = format!("<form method=post action={}/rejected/replay><button>win</button></form>", eye.base);
    browser.open(&format!("data:text/html,{form}")).await;
    browser.click("button").await;
    browser.wait_for("document.body.textContent.includes('403')").await;
    assert_eq!(counts(&eye).await, (0, 3));
}
