//! The forms that send events: one for each type of the catalog, and one for JSON as it is.

use crate::support::TestEye;
use crate::support::browser::Browser;

/// The form of the type that is open.
const FORM: &str = "details.type[open] form";

async fn on_the_form() -> (Browser, TestEye) {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    browser.open(&format!("{}/events", eye.base)).await;
    (browser, eye)
}

async fn answered(browser: &Browser, status: &str) {
    let heads = "[...document.querySelectorAll('pre.head')]";
    browser.wait_for(&format!("{heads}.some(head => head.textContent.includes('{status}'))")).await;
}

async fn count(eye: &TestEye) -> u64 {
    eye.drain().await;
    eye.get("/events").await.expect(200).json()["count"].as_u64().unwrap()
}

#[tokio::test]
async fn an_event_sent_by_a_form_is_listed() {
    let (browser, eye) = on_the_form().await;
    browser.fill(&format!("{FORM} [name=session_id]"), "typed by hand").await;
    browser.click(&format!("{FORM} button")).await;
    answered(&browser, "201 Created").await;
    eye.drain().await;
    browser.click("[role=status] a").await;
    browser.wait_for("location.pathname.startsWith('/events/')").await;
    assert!(browser.text().await.contains("\"session_id\": \"typed by hand\""));
    browser.open(&format!("{}/events", eye.base)).await;
    assert!(browser.text().await.contains("\"session_id\": \"typed by hand\""));
}

#[tokio::test]
async fn every_type_has_a_form_whose_example_is_valid() {
    let (browser, eye) = on_the_form().await;
    let types = browser.all("details.type summary", "textContent").await;
    assert_eq!(types.len(), 3, "{types:?}");
    for number in 1..=types.len() {
        browser.open(&format!("{}/events", eye.base)).await;
        let this = format!("details.type:nth-of-type({number})");
        if browser.all(&this, "open").await == ["false"] {
            browser.click(&format!("{this} summary")).await;
        }
        browser.click(&format!("{FORM} button")).await;
        answered(&browser, "201 Created").await;
    }
    assert_eq!(count(&eye).await, 3);
}

#[tokio::test]
async fn errors_stand_beside_their_fields_and_what_was_typed_stays() {
    let (browser, eye) = on_the_form().await;
    for (name, value) in [("timestamp", "yesterday"), ("data", "{\"host\": \"a.example\"}")] {
        browser.fill(&format!("{FORM} [name={name}]"), value).await;
    }
    browser.click(&format!("{FORM} button")).await;
    answered(&browser, "400 Bad Request").await;
    for (name, typed, message) in [
        ("timestamp", "yesterday", "Datetime has wrong format"),
        ("data", "{\"host\": \"a.example\"}", "This field is required."),
    ] {
        let field = format!("{FORM} [name={name}][aria-invalid=true]");
        assert_eq!(browser.all(&field, "value").await, [typed]);
        let described =
            browser.run("return document.querySelector(arguments[0]).getAttribute('aria-describedby')", [field.into()]);
        let described = format!("#{}", described.await.as_str().unwrap());
        let messages = browser.all(&described, "textContent").await;
        assert!(messages[0].contains(message), "{name}: {messages:?}");
    }
    assert_eq!(browser.all(&format!("{FORM} [name=session_id][aria-invalid=true]"), "value").await.len(), 0);
    // What was wrong is put right, and sent again.
    browser.fill(&format!("{FORM} [name=timestamp]"), "2026-05-01").await;
    browser.fill(&format!("{FORM} [name=data]"), "{\"host\": \"a.example\", \"path\": \"/\", \"form\": 1}").await;
    browser.click(&format!("{FORM} button")).await;
    answered(&browser, "201 Created").await;
    assert_eq!(count(&eye).await, 1);
}

#[tokio::test]
async fn raw_json_is_sent_as_it_was_typed() {
    let (browser, eye) = on_the_form().await;
    let event = |session: &str| {
        format!(
            "{{\"session_id\": \"{session}\", \"category\": \"page_interaction\", \"name\": \"page_view\", \
             \"timestamp\": \"2026-05-01\", \"data\": {{\"path\":  \"/\", \"host\": \"a.example\"}}}}"
        )
    };
    let lines = format!("{}\n{}", event("a"), event("b"));
    for (content_type, content, status) in [
        ("application/json", event("c"), "201 Created"),
        ("application/x-ndjson", lines, "201 Created"),
        ("application/json", format!("[{}, 1]", event("d")), "207 Multi-Status"),
        ("application/json", "{\"session_id\": ".to_owned(), "400 Bad Request"),
    ] {
        browser.open(&format!("{}/events", eye.base)).await;
        browser.click("label:has(#as-raw)").await;
        browser.run("document.querySelector('[name=_content_type]').value = arguments[0]", [content_type.into()]).await;
        browser.fill("[name=_content]", &content).await;
        browser.click(".raw-tab button").await;
        answered(&browser, status).await;
        assert_eq!(browser.all("[name=_content]", "value").await, [content]);
    }
    assert_eq!(count(&eye).await, 4);
    let stored = eye.get("/events?session_id=a").await.expect(200).text;
    assert!(stored.contains(r#"{"path":  "/", "host": "a.example"}"#), "{stored}");
}

#[tokio::test]
async fn a_form_of_another_site_sends_nothing() {
    let (browser, eye) = on_the_form().await;
    let page = format!(
        "data:text/html,<form method=post action={}/events>\
         <input name=session_id value=s><input name=category value=page_interaction><input name=name value=page_view>\
         <input name=timestamp value=2026-05-01><input name=data value='{{\"host\":\"a.example\",\"path\":\"/\"}}'>\
         <button>win</button></form>",
        eye.base
    );
    browser.open(&page).await;
    browser.click("button").await;
    browser.wait_for("document.body.textContent.includes('403')").await;
    assert_eq!(count(&eye).await, 0);
}
