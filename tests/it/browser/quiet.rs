//! Pages keep to themselves: nothing is loaded from elsewhere, and the console has nothing to say.

use super::pages::PAGES;
use super::stocked;
use crate::support::browser::Browser;

#[tokio::test]
async fn no_request_leaves_and_the_console_stays_empty() {
    let (browser, eye) = stocked().await;
    for page in PAGES {
        browser.requests().await;
        browser.open(&page.url(&eye).await).await;
        browser.wait_for("document.readyState == 'complete'").await;
        let requests = browser.requests().await;
        assert!(!requests.is_empty());
        // The browser draws its own controls with pictures that it carries along.
        for url in requests.iter().filter(|url| !url.starts_with("data:")) {
            assert!(url.starts_with(&eye.base), "{} asked for {url}", page.name);
        }
        // The browser's own line for a page that is an error; it is no fault of the page.
        let is_status = |line: &String| line.contains("Failed to load resource") && page.name.starts_with("error");
        let said: Vec<String> = browser.console().await.into_iter().filter(|line| !is_status(line)).collect();
        assert!(said.is_empty(), "{}: {said:#?}", page.name);
    }
}

#[tokio::test]
async fn what_a_page_loads_and_says_is_found() {
    let browser = Browser::start().await;
    browser.open("data:text/html,<img src='http://127.0.0.1:1/elsewhere'><script>console.error('loud')</script>").await;
    assert!(browser.requests().await.contains(&"http://127.0.0.1:1/elsewhere".to_owned()));
    assert!(browser.console().await.iter().any(|line| line.contains("loud")));
}

#[tokio::test]
async fn every_page_works_without_javascript() {
    let (browser, eye) = stocked().await;
    let off = serde_json::json!({ "value": true });
    browser.devtools("Emulation.setScriptExecutionDisabled", off).await;
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        assert!(!browser.all(page.shows, "tagName").await.is_empty(), "{}", page.name);
    }
    browser.open(&format!("{}/events?page_size=5", eye.base)).await;
    browser.click("a[rel=next]").await;
    assert!(browser.url().await.contains("page=2"), "{}", browser.url().await);
}
