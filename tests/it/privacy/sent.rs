//! Every kind of request that may have a marked value in it, the values being easy to find.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Parts of the values that are the same however they are escaped.
pub(super) const NEEDLES: [&str; 2] = ["indable-7c1e", "40917263545"];

const EMAIL: &str = "findable-7c1e@b.example";

/// The largest event and the largest body of the server they are sent to.
pub(super) const MAX_EVENT: usize = 6000;
pub(super) const MAX_BODY: usize = 20_000;

/// A request.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) content_type: String,
    pub(super) encoding: Option<&'static str>,
    pub(super) body: Vec<u8>,
    pub(super) status: u16,
    /// Rows of rejected events that come of it.
    pub(super) rejected: u64,
}

fn sent(content_type: &str, body: impl Into<Vec<u8>>, status: u16, rejected: u64) -> Sent {
    Sent { content_type: content_type.to_owned(), encoding: None, body: body.into(), status, rejected }
}

fn order(data: &str, timestamp: &str) -> String {
    format!(r#"{{"session_id":"s","category":"shop","name":"order","data":{data},"timestamp":"{timestamp}"}}"#)
}

/// An order that is valid.
pub(super) fn valid() -> String {
    let escaped = r#"{"email":"\u0066indable-7c1e@b.example","card":40917263545,"people":[{"name":"findable-7c1e","friends":[{"name":40917263545}]}],"path":"/"}"#;
    order(escaped, "2026-01-01")
}

/// Orders whose type is known and that are not valid, each for another reason.
fn invalid() -> Vec<String> {
    let good = format!(r#"{{"email":"{EMAIL}","card":40917263545}}"#);
    let long = "x".repeat(50);
    vec![
        order(&good, "2999-01-01"),
        order(&good, EMAIL),
        order(&format!(r#"{{"email":"{EMAIL}","card":40917263545,"path":"/too long a path"}}"#), "2026-01-01"),
        order(&format!(r#"{{"email":"{EMAIL}{long}","card":"40917263545"}}"#), "2026-01-01"),
        order(&format!(r#"{{"email":["{EMAIL}"],"level":"{EMAIL}"}}"#), "2026-01-01"),
        order(&format!(r#"{{"email":"{EMAIL}","people":"{EMAIL}"}}"#), "2026-01-01"),
        order(&format!(r#"{{"email":"{EMAIL}","people":[{{"{EMAIL}":1}}]}}"#), "2026-01-01"),
        order(&format!(r#"{{"emial":"{EMAIL}","{EMAIL}":1}}"#), "2026-01-01"),
        order(&format!("\"{EMAIL}\""), "2026-01-01"),
        order(&good, "2026-01-01").replace("\"s\"", &format!("[\"{EMAIL}\"]")),
        order(&good, "2026-01-01").replace("{\"session", &format!("{{\"{EMAIL}\":{good},\"session")),
        order(&good, "2026-01-01").replace("\"order\"", &format!("\"{EMAIL}\"")),
        order(&good, "2026-01-01").replace("\"order\"", "\"page_view\""),
        format!("\"{EMAIL}\""),
    ]
}

/// Texts that are no event.
fn unreadable() -> Vec<String> {
    let good = order(&format!(r#"{{"email":"{EMAIL}"}}"#), "2026-01-01");
    vec![
        good[..good.len() - 3].to_owned(),
        good.replace("\"email\"", &format!("\"{EMAIL}\":1,\"{EMAIL}\"")),
        EMAIL.to_owned(),
    ]
}

fn form(data: &str, timestamp: &str) -> String {
    let data = percent_encoding::utf8_percent_encode(data, percent_encoding::NON_ALPHANUMERIC).to_string();
    // A text of digits and letters alone is not escaped, and can be found.
    let data = data.replace("%2D", "-");
    format!("session_id=s&category=shop&name=order&timestamp={timestamp}&data={data}")
}

/// All of them.
pub(super) fn all() -> Vec<Sent> {
    let (json, lines, urlencoded) = ("application/json", "application/x-ndjson", "application/x-www-form-urlencoded");
    let good = format!(r#"{{"email":"{EMAIL}","card":40917263545}}"#);
    let multipart = |data: &str, end: &str| {
        let field = |name: &str, value: &str| {
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let fields =
            [("session_id", "s"), ("category", "shop"), ("name", "order"), ("timestamp", "2026-01-01"), ("data", data)];
        fields.map(|(name, value)| field(name, value)).concat() + end
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(invalid()[0].as_bytes()).unwrap();
    let stored = gzip.finish().unwrap();
    let large = |bytes: usize| order(&format!(r#"{{"email":"{EMAIL}","path":"{}"}}"#, "x".repeat(bytes)), "2026-01-01");
    let mut all = vec![sent(json, valid(), 201, 0), sent("text/plain", valid(), 201, 0)];
    all.extend(invalid().into_iter().chain(unreadable()).map(|body| sent(json, body, 400, 1)));
    let mut events = invalid();
    let count = events.len() as u64;
    events.push(valid());
    all.push(sent(json, format!("[{}]", events.join(",")), 207, count));
    all.push(sent(json, format!("[{}", events.join(",")), 400, 1));
    let bad = unreadable();
    all.push(sent(lines, [&events[..], &bad].concat().join("\n"), 207, count + bad.len() as u64));
    all.extend([
        sent(urlencoded, form(&good, "2026-01-01"), 201, 0),
        sent(urlencoded, form(&good, "2999-01-01"), 400, 1),
        sent(urlencoded, form(&good.replace('}', ""), "2026-01-01"), 400, 1),
        sent(urlencoded, format!("{EMAIL}={EMAIL}&{EMAIL}=1"), 400, 1),
        sent(urlencoded, format!("data={EMAIL}&data={EMAIL}"), 400, 1),
        sent("multipart/form-data; boundary=b", multipart(&good, "--b--\r\n"), 201, 0),
        sent("multipart/form-data; boundary=b", multipart(&good.replace('}', ""), "--b--\r\n"), 400, 1),
        sent("multipart/form-data; boundary=b", multipart(&good, ""), 400, 1),
        sent(&format!("text/{EMAIL}"), valid(), 415, 1),
        Sent { encoding: Some("gzip"), ..sent(json, valid(), 400, 1) },
        Sent { encoding: Some("gzip"), ..sent(json, stored, 400, 1) },
        sent(json, large(MAX_EVENT), 413, 1),
        sent(json, large(MAX_BODY), 413, 1),
        sent(urlencoded, form(&large(MAX_EVENT), "2026-01-01"), 413, 1),
    ]);
    all
}
