//! JSON on a page: laid out, coloured, and with links to what The Eye itself has.
//!
//! A link is made of a URL of ours at a place where only we write, or of an id; never of what was
//! sent as an event.

use uuid::Uuid;

use super::super::pretty::{Token, Tokens, new_line};
use super::super::site::Site;
use super::html;

/// Tokens that are laid out. The rest of a longer text follows as it is, so that a page is never many times
/// the size of its answer.
const MOST: usize = 200_000;

/// Keys at the top of an answer whose values are URLs that we made.
const OURS: [&str; 11] = [
    "next",
    "previous",
    "events",
    "rejected",
    "sessions",
    "stats",
    "live",
    "openapi",
    "docs",
    "newer_session",
    "older_session",
];

/// What links in an answer lead to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Links<'a> {
    pub(super) site: &'a Site,
    /// The resource that the `id` of a row belongs to.
    pub(super) rows: Option<&'static str>,
}

/// A valid JSON text as HTML.
pub(super) fn coloured(json: &str, links: Links<'_>) -> String {
    let mut page = Coloured { out: String::with_capacity(json.len() * 3), links, levels: Vec::new() };
    let mut tokens = Tokens::of(json);
    for token in tokens.by_ref().take(MOST) {
        page.push(token);
    }
    html::push(&mut page.out, tokens.rest);
    page.out
}

/// What is written so far, and where in the JSON that is.
struct Coloured<'a> {
    out: String,
    links: Links<'a>,
    /// For each level the key that was read last; none in an array.
    levels: Vec<Option<&'a str>>,
}

impl<'a> Coloured<'a> {
    fn push(&mut self, token: Token<'a>) {
        match token {
            Token::Open(bracket) => {
                self.out.push_str(bracket);
                self.levels.push(None);
                new_line(&mut self.out, self.levels.len());
            }
            Token::Close(bracket) => {
                self.levels.pop();
                new_line(&mut self.out, self.levels.len());
                self.out.push_str(bracket);
            }
            Token::Comma => {
                self.out.push(',');
                new_line(&mut self.out, self.levels.len());
            }
            Token::Key(text) => {
                if let Some(level) = self.levels.last_mut() {
                    *level = Some(text.trim_matches('"'));
                }
                self.span("k", text);
                self.out.push_str(": ");
            }
            Token::Text(text) => self.text(text),
            Token::Number(text) => self.span("n", text),
            Token::Literal(text) => self.span("l", text),
            Token::Empty(text) => self.out.push_str(text),
        }
    }

    fn text(&mut self, text: &str) {
        let Some(path) = self.target(text) else { return self.span("s", text) };
        let inner = &text[1..text.len() - 1];
        self.out.push_str("<span class=\"s\">\"<a href=\"");
        html::push(&mut self.out, &path);
        self.out.push_str("\">");
        html::push(&mut self.out, inner);
        self.out.push_str("</a>\"</span>");
    }

    /// Where a string leads to, by its place.
    fn target(&self, text: &str) -> Option<String> {
        let key = match self.levels.as_slice() {
            [Some(key)] | [Some("results"), None, Some(key)] => *key,
            _ => return None,
        };
        let Links { site, rows } = self.links;
        match key {
            "id" => {
                let id = Uuid::try_parse(text.trim_matches('"')).ok()?;
                Some(site.path(&format!("{}/{id}", rows?)))
            }
            "session_id" => Some(site.session_path(&serde_json::from_str::<String>(text).ok()?)),
            _ if self.levels.len() == 1 && OURS.contains(&key) => {
                site.own_path(&serde_json::from_str::<String>(text).ok()?)
            }
            _ => None,
        }
    }

    fn span(&mut self, class: &str, text: &str) {
        self.out.push_str("<span class=\"");
        self.out.push_str(class);
        self.out.push_str("\">");
        html::push(&mut self.out, text);
        self.out.push_str("</span>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hrefs(json: &str) -> Vec<String> {
        let site = Site::fixed("http://eye.example/sub");
        let html = coloured(json, Links { site: &site, rows: Some("/events") });
        html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn only_our_own_links_are_links() {
        let id = "0190b0e5-0000-7000-8000-000000000001";
        let check = |json: String, expected: &[&str]| assert_eq!(hrefs(&json), expected, "{json}");
        check(r#"{"next":"http://eye.example/sub/events?page=2&a=b"}"#.into(), &["/sub/events?page=2&amp;a=b"]);
        check(r#"{"next":"http://eye.example/other"}"#.into(), &[]);
        check(r#"{"next":"http://eye.example/sub.evil.example/"}"#.into(), &[]);
        check(r#"{"next":"javascript:alert(1)","detail":"http://eye.example/sub/events"}"#.into(), &[]);
        check(r#"{"data":{"next":"http://eye.example/sub/events","session_id":"a"}}"#.into(), &[]);
        check(r#"{"next":["http://eye.example/sub/events"]}"#.into(), &[]);
        check(format!(r#"{{"results":[{{"id":"{id}"}}]}}"#), &[&format!("/sub/events/{id}")]);
        check(format!(r#"{{"id":"{id}","data":{{"id":"{id}"}}}}"#), &[&format!("/sub/events/{id}")]);
        check(r#"{"id":"javascript:alert(1)"}"#.into(), &[]);
        check(format!(r#"{{"results":[{{"data":{{"id":"{id}"}}}}]}}"#), &[]);
        check(format!(r#"{{"data":{{"results":[{{"id":"{id}"}}]}}}}"#), &[]);
        check(r#"{"session_id":"a/b?c#\"<é"}"#.into(), &["/sub/sessions/a%2Fb%3Fc%23%22%3C%C3%A9"]);
        check(r#"{"session_id":".."}"#.into(), &["/sub/events?session_id=.."]);
        check(r#"{"session_id":"."}"#.into(), &["/sub/events?session_id=."]);
        check(r#"{"session_id":"a.json"}"#.into(), &["/sub/sessions/a%2Ejson"]);
    }

    #[test]
    fn digits_and_hidden_characters_stay_and_are_seen() {
        let site = Site::fixed("http://eye.example");
        let shown = |json: &str| coloured(json, Links { site: &site, rows: None });
        assert_eq!(shown("[1.10,null]"), "[\n  <span class=\"n\">1.10</span>,\n  <span class=\"l\">null</span>\n]");
        assert_eq!(
            shown("\"\u{202e}<\""),
            "<span class=\"s\">&quot;<span class=\"esc\">\\u202e</span>&lt;&quot;</span>"
        );
    }

    #[test]
    fn a_text_of_very_many_values_is_not_many_times_as_long() {
        let site = Site::fixed("http://eye.example");
        let json = format!("{}{}1{}", "[".repeat(60), "1,".repeat(1 << 20), "]".repeat(60));
        let html = coloured(&json, Links { site: &site, rows: None });
        assert!(html.len() < 20 * json.len(), "{} for {}", html.len(), json.len());
        assert!(html.ends_with(&"]".repeat(60)));
    }
}
