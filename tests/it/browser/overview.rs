//! The first page: figures, their chart, and what to do where there are none yet.

use super::stocked;
use crate::support::TestEye;
use crate::support::browser::Browser;

#[tokio::test]
async fn an_empty_eye_says_how_to_send_the_first_event() {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    browser.open(&eye.base).await;
    let curl = browser.text_of("pre.code").await;
    assert!(curl.contains("curl") && curl.contains(&format!("{}/events", eye.base)), "{curl}");
    let body = &curl[curl.find("'{").unwrap() + 1..=curl.rfind('}').unwrap()];
    eye.post(body).await.expect(201);
    eye.drain().await;
    browser.open(&format!("{}/?interval=day", eye.base)).await;
    assert!(!browser.text().await.contains("No events yet"));
}

#[tokio::test]
async fn figures_lead_to_the_events_behind_them() {
    let (browser, eye) = stocked().await;
    browser.open(&eye.base).await;
    let count = eye.get("/stats").await.expect(200).json()["count"].to_string();
    assert!(browser.all(".figures .value", "textContent").await.contains(&count));
    for css in [".figures .value a", ".legend a", "svg.chart a", ".ranks a"] {
        let links = browser.run(
            "return [...document.querySelectorAll(arguments[0])].map(a => String(a.href.baseVal ?? a.href))",
            [css.into()],
        );
        let links: Vec<String> = serde_json::from_value(links.await).unwrap();
        assert!(!links.is_empty(), "{css} leads nowhere");
        for link in links {
            let path = link.strip_prefix(&eye.base).unwrap_or(&link);
            assert!(eye.get(path).await.status < 400, "{css} leads to {path}");
        }
    }
}

#[tokio::test]
async fn every_bar_has_its_exact_figures_for_mouse_keyboard_and_ear() {
    let (browser, eye) = stocked().await;
    browser.open(&eye.base).await;
    let labels = browser.run(
        "return [...document.querySelectorAll('svg.chart a')].map(a => [a.getAttribute('aria-label'), a.textContent])",
        [],
    );
    let labels: Vec<(String, String)> = serde_json::from_value(labels.await).unwrap();
    assert!(labels.len() > 10, "{labels:?}");
    for (label, text) in labels {
        assert_eq!(label.replace(' ', ""), text.split_whitespace().collect::<String>());
    }
    let shown = "return getComputedStyle(document.querySelector('svg.chart a .exact')).display";
    assert_eq!(browser.run(shown, []).await, "none");
    browser.run("document.querySelector('svg.chart a').focus({ focusVisible: true })", []).await;
    assert_eq!(browser.run(shown, []).await, "block");
}
