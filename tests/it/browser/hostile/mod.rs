//! Event data is hostile: whatever is posted, as whatever field, no page runs it, becomes another
//! page by it, or leaves it out.

mod corpus;
mod look;
mod post;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::pages::PAGES;
use crate::support::TestEye;
use crate::support::browser::Browser;
use corpus::corpus;
use look::{assert_lost_nothing, texts_of_list};

pub use look::assert_unharmed;
pub use post::post_everything;

#[tokio::test]
async fn lists_show_all_of_it_and_run_none() {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    let posted = post_everything(&eye).await;
    assert_lost_nothing(&texts_of_list(&browser, &eye, "/events?page_size=150").await, &posted.accepted);
    assert_lost_nothing(&texts_of_list(&browser, &eye, "/rejected?page_size=150").await, &posted.refused);
}

#[tokio::test]
async fn every_page_runs_none_of_it() {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    post_everything(&eye).await;
    for page in PAGES {
        browser.open(&page.url(&eye).await).await;
        assert_unharmed(&browser, page.name).await;
    }
    for list in ["events", "rejected"] {
        let rows = eye.get(&format!("/{list}?page_size=1000")).await.expect(200).json();
        // A number that has no factor in common with that of a text's fields, so that all kinds are met.
        for row in rows["results"].as_array().unwrap().iter().step_by(11) {
            let path = format!("/{list}/{}", row["id"].as_str().unwrap());
            browser.open(&format!("{}{path}", eye.base)).await;
            assert_unharmed(&browser, &path).await;
        }
    }
    browser.open(&format!("{}/sessions?page_size=1000", eye.base)).await;
    assert_unharmed(&browser, "all sessions").await;
    let sessions = browser.all("tbody td a", "href").await;
    assert!(sessions.len() > 70, "each text is a session: {}", sessions.len());
    // Two dots have no page of their own.
    for session in sessions.iter().filter(|session| session.contains("/sessions/")).step_by(5) {
        browser.open(session).await;
        assert_eq!(browser.all("ol.timeline", "tagName").await.len(), 1, "{session} is no session");
        assert_unharmed(&browser, session).await;
    }
}

#[tokio::test]
async fn what_is_asked_for_is_shown_and_not_run() {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    let texts: Vec<String> =
        corpus().iter().map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()).collect();
    let all = texts.join("%20");
    let mut paths: Vec<String> =
        ["order=", "start_time=", "page_size=", "session_id=", ""].map(|name| format!("/rejected?{name}{all}")).into();
    paths.extend(texts.chunks_exact(3).map(|texts| match texts {
        [session, category, name] => format!("/events?session_id={session}&category={category}&name={name}"),
        _ => unreachable!("there are three"),
    }));
    paths.extend(texts.chunks_exact(5).map(|texts| match texts {
        [order, time, size, cursor, unknown] => {
            format!("/events?order={order}&end_time={time}&page_size={size}&cursor={cursor}&{unknown}=1")
        }
        _ => unreachable!("there are five"),
    }));
    paths.extend(texts.iter().step_by(4).flat_map(|text| [format!("/{text}"), format!("/events/{text}?format=api")]));
    let mut harmed = Vec::new();
    for path in paths {
        browser.open(&format!("{}{path}", eye.base)).await;
        assert_eq!(browser.all("h1", "tagName").await.len(), 1, "{path} is no page");
        let found = look::problems(&browser).await;
        harmed.extend((!found.is_empty()).then(|| format!("{path:.80}: {found:?}")));
    }
    assert!(harmed.is_empty(), "{harmed:#?}");
}

#[tokio::test]
async fn what_was_typed_into_a_form_comes_back_as_text() {
    let (browser, eye) = (Browser::start().await, TestEye::start().await);
    let send = "const form = document.querySelector('details.type[open] form');
        ['session_id', 'timestamp', 'id', 'data'].forEach((name, index) => form.elements[name].value = arguments[index]);
        window.sent = true; form.submit()";
    let data = "return document.querySelector('details.type[open] [name=data]').value";
    for texts in corpus().chunks_exact(4) {
        browser.open(&format!("{}/events", eye.base)).await;
        browser.run(send, texts.iter().map(|text| json!(text)).collect::<Vec<_>>()).await;
        browser.wait_for("!window.sent && document.querySelector('[aria-invalid=true]')").await;
        assert_unharmed(&browser, &texts.join(" | ")).await;
        assert_eq!(browser.run(data, []).await, texts[3].replace("\r\n", "\n"));
    }
}

#[tokio::test]
async fn what_runs_is_found() {
    let browser = Browser::start().await;
    for (markup, problem) in [
        ("<script>window.__hit=1</script>", "a script ran"),
        ("<p onclick='x()'>", "onclick"),
        ("<a href='javascript:x()'>", "leads to"),
        ("<a href='//elsewhere.example/'>", "leads to"),
        ("<img src=x>", "no asset of ours"),
        ("<x-hit>", "<x-hit>"),
        ("a\u{202e}b", "hidden character"),
    ] {
        browser.open("about:blank").await;
        browser.run("document.write(arguments[0])", [markup.into()]).await;
        let found = look::problems(&browser).await;
        assert!(found.iter().any(|line| line.contains(problem)), "{markup}: {found:?}");
    }
}
