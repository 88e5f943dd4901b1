//! Looks at a page for what should not be there, and for what should.

use serde_json::json;

use crate::support::TestEye;
use crate::support::browser::Browser;

/// Says what is wrong with the page: what ran or would run, what leads away, what cannot be seen.
const PROBLEMS: &str = r"
    const problems = [], [notOurs, known] = arguments;
    const to = text => new URL(text ?? '', location.origin == 'null' ? 'http://elsewhere' : location);
    const isOurs = url => url.origin == location.origin &&
        // The way from the root to where one is, even where nothing is, may be shown too.
        (known.includes(url.pathname.split(/[/.]/)[1]) || location.pathname.startsWith(url.pathname));
    if (window.__hit !== undefined) problems.push('a script ran');
    for (const element of document.querySelectorAll('*')) {
        const name = element.localName, problem = what => problems.push(`<${name}>: ${what}`);
        if (element.matches(notOurs)) problem('is not ours');
        const loaded = to(element.getAttribute('src') ?? element.getAttribute('href'));
        if (element.matches('script, img, link') && !loaded.pathname.includes('/assets/')) problem('is no asset of ours');
        for (const {name, value} of element.attributes) {
            if (/^on|^style$|^srcdoc$|^http-equiv$/.test(name)) problem(name);
            if (/^(xlink:)?href$|^src$|action$|^data$/.test(name) && !isOurs(to(value))) problem(`leads to ${to(value)}`);
        }
    }
    const hidden = /[^\P{Cc}\n\t\r]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u.exec(document.documentElement.innerText);
    if (hidden) problems.push(`hidden character ${hidden[0].codePointAt(0).toString(16)}`);
    return [...new Set(problems)].slice(0, 20)";

/// Elements that no page of ours has.
const NOT_OURS: &str = "iframe, object, embed, base, style, marquee, video, audio, source, math, template, \
                        plaintext, animate, set, foreignObject, x-hit";

/// First parts of the paths that pages of ours lead to.
const KNOWN: [&str; 12] = [
    "", "events", "rejected", "assets", "stats", "sessions", "live", "docs", "openapi", "healthz", "readyz", "metrics",
];

pub async fn problems(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.run(PROBLEMS, [json!(NOT_OURS), json!(KNOWN)]).await).unwrap()
}

/// An open dialog is seen too: with one, no command is answered.
pub async fn assert_unharmed(browser: &Browser, url: &str) {
    let found = problems(browser).await;
    assert!(found.is_empty(), "{url}: {found:#?}");
}

/// The texts of all pages of a list, each looked at.
pub async fn texts_of_list(browser: &Browser, eye: &TestEye, path: &str) -> String {
    let mut texts = String::new();
    let mut next = Some(format!("{}{path}", eye.base));
    while let Some(url) = next {
        browser.open(&url).await;
        assert_unharmed(browser, &url).await;
        texts.push_str(&browser.text().await);
        next = browser.all("a[rel=next]", "href").await.into_iter().next();
    }
    texts
}

/// Each text has to be there, under whatever escapes.
pub fn assert_lost_nothing(shown: &str, expected: &[String]) {
    let shown = unescaped(shown);
    let lost: Vec<&String> = expected.iter().filter(|text| !shown.contains(unescaped(text).trim())).collect();
    assert!(!expected.is_empty() && lost.is_empty(), "{} of {}: {lost:#?}", lost.len(), expected.len());
}

/// A text without any of JSON's escapes, however often it was escaped.
fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    loop {
        let next = unescaped_once(&text);
        if next == text {
            return text;
        }
        text = next;
    }
}

fn unescaped_once(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(1..5).and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        let (character, length) = match (after.chars().next(), code) {
            (Some('u'), Some(character)) => (character, 5),
            (Some('n'), _) => ('\n', 1),
            (Some('r'), _) => ('\r', 1),
            (Some('t'), _) => ('\t', 1),
            (Some('b'), _) => ('\x08', 1),
            (Some('f'), _) => ('\x0c', 1),
            (Some(other), _) => (other, other.len_utf8()),
            (None, _) => return out,
        };
        out.push(character);
        rest = &after[length..];
    }
    out + rest
}
