//! Whatever is sent and asked, the embedded pair and the shared pair answer to the letter the same.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use reqwest::Method;
use serde_json::Value;
use the_eye::event::Timestamp;

use crate::support::{Answer, Pair, TestEye};

/// A request with a body.
#[derive(Debug, Clone)]
struct Posted {
    content_type: &'static str,
    body: String,
}

/// A text that an event may hold: plain ones that repeat, and any.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec!["a", "b", "ä", "Ä", "a ", "z'; --", "%", "\u{202e}x", "\u{10ffff}"]).prop_map(str::to_owned),
        1 => "\\PC{1,40}",
    ]
}

/// A timestamp of a few moments that many events share, or of any year.
fn time() -> impl Strategy<Value = String> {
    let any = Timestamp::MIN.as_micros()..=1_780_000_000_000_000_i64;
    prop_oneof![
        2 => (0_i64..4).prop_map(|micros| Timestamp::from_micros(1_777_000_000_000_000 + micros).unwrap().to_string()),
        1 => any.prop_map(|micros| Timestamp::from_micros(micros).unwrap().to_string()),
        1 => select(vec!["2021-01-01", "2026-05-31 23:59:59,999999", "0001-01-01T00:00:00Z", "2026-02-30", "2027-01-01"])
            .prop_map(str::to_owned),
    ]
}

/// One event as JSON text. Many have a key in common, and some are not valid.
fn event() -> impl Strategy<Value = String> {
    let kind = select(vec![
        ("page_interaction", "page_view", ""),
        ("page interaction", "pageview", ""),
        ("page_interaction", "cta_click", r#","element":"buy""#),
        ("form_interaction", "submit", r#","form":{"b":1.10,"a":[18446744073709551616,-0,1e300]}"#),
        ("page_interaction", "nothing", ""),
    ]);
    let broken = prop_oneof![
        8 => Just(None),
        1 => select(vec![
            ("\"session_id\":", "\"session_id\":null,\"other\":"),
            ("\"session_id\":", "\"session_id\":5,\"name\":"),
            ("\"data\":{", "\"data\":{\"x\":\"\\u0000\","),
            ("\"data\":{", "\"data\":{\"x\":1,"),
            ("\"category\":", "\"Category\":"),
            ("}", ""),
        ]).prop_map(Some),
    ];
    (0_u128..6, time(), text(), kind, text(), broken).prop_map(|(id, time, session, kind, path, broken)| {
        let (category, name, more) = kind;
        let (session, path) = (Value::from(session), Value::from(path));
        let id = uuid::Uuid::from_u128(id);
        let event = format!(
            r#"{{"id":"{id}","session_id":{session},"category":"{category}","name":"{name}","data":{{"host":"a.example","path":{path}{more}}},"timestamp":"{time}"}}"#
        );
        match broken {
            Some((from, to)) => event.replacen(from, to, 1),
            None => event,
        }
    })
}

fn posted() -> impl Strategy<Value = Posted> {
    prop_oneof![
        event().prop_map(|body| Posted { content_type: "application/json", body }),
        vec(event(), 0..8)
            .prop_map(|events| Posted { content_type: "application/json", body: format!("[{}]", events.join(",")) }),
        vec(event(), 1..8).prop_map(|events| Posted { content_type: "application/x-ndjson", body: events.join("\n") }),
    ]
}

/// What stands behind the `?` of a query.
fn asked() -> impl Strategy<Value = String> {
    let parameters = (
        option::weighted(0.3, text()),
        option::weighted(0.3, select(vec!["page_interaction", "page interaction", "form_interaction", "x", "\0"])),
        option::weighted(0.3, select(vec!["page_view", "pageview", "cta_click", "submit", "nothing"])),
        option::weighted(0.3, time()),
        option::weighted(0.3, time()),
        option::weighted(0.5, select(vec!["asc", "desc", "up"])),
        option::weighted(0.5, select(vec!["1", "2", "3", "last", "0", "18446744073709551616"])),
        option::weighted(0.7, select(vec!["1", "2", "5", "1000", "1001"])),
    );
    parameters.prop_map(|(session, category, name, start, end, order, page, size)| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let all = [
            ("session_id", session),
            ("category", owned(category)),
            ("name", owned(name)),
            ("start_time", start),
            ("end_time", end),
            ("order", owned(order)),
            ("page", owned(page)),
            ("page_size", owned(size)),
        ];
        let encoded =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let given = all.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_ref()?))));
        given.collect::<Vec<_>>().join("&")
    })
}

/// Both pairs.
struct Both([TestEye; 2]);

impl Both {
    /// What both answer; they may not differ in anything but where they are.
    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, TestCaseError> {
        let [embedded, shared] = &self.0;
        let one = embedded.request(method.clone(), path, headers, body.as_bytes().to_vec()).await;
        let other = shared.request(method, path, headers, body.as_bytes().to_vec()).await;
        let text = |eye: &TestEye, answer: &Answer| answer.text.replace(&eye.base, "BASE");
        prop_assert_eq!(one.status, other.status, "{}\n{}\n{}\n{}", path, body, one.text, other.text);
        match path.starts_with("/rejected") {
            true => prop_assert_eq!(masked(&text(embedded, &one)), masked(&text(shared, &other)), "{}", path),
            false => prop_assert_eq!(text(embedded, &one), text(shared, &other), "{}\n{}", path, body),
        }
        for header in ["link", "location", "content-type", "preference-applied"] {
            let value = |eye: &TestEye, answer: &Answer| answer.header(header).replace(&eye.base, "BASE");
            if path.starts_with("/events") {
                prop_assert_eq!(value(embedded, &one), value(shared, &other));
            }
        }
        Ok(one)
    }

    async fn drain(&self) {
        for eye in &self.0 {
            eye.drain().await;
        }
    }
}

/// A list without what is made up by each server: the ids of rejected events, and cursors of them.
fn masked(text: &str) -> Value {
    let Ok(mut list) = serde_json::from_str::<Value>(text) else { return text.into() };
    if let Some(rows) = list.get_mut("results").and_then(Value::as_array_mut) {
        rows.iter_mut().for_each(|row| row["id"] = Value::Null);
        let more = !list["next_cursor"].is_null();
        list["next_cursor"] = more.into();
    }
    list
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn both_pairs_answer_the_same(rounds in vec((vec(posted(), 1..6), vec(asked(), 6)), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let both = Both([TestEye::on(Pair::Embedded).await, TestEye::on(Pair::Shared).await]);
            for (posted, asked) in rounds {
                for Posted { content_type, body } in posted {
                    both.request(Method::POST, "/events", &[("content-type", content_type)], &body).await?;
                }
                both.drain().await;
                for query in asked {
                    let mut path = format!("/events?{query}");
                    // And on by cursor, where it leads anywhere.
                    for _ in 0..4 {
                        let page = both.request(Method::GET, &path, &[], "").await?;
                        let page: Value = serde_json::from_str(&page.text).unwrap();
                        let Some(cursor) = page["next_cursor"].as_str() else { break };
                        path = format!("/events?cursor={cursor}");
                    }
                    both.request(Method::GET, &format!("/rejected?{query}"), &[], "").await?;
                }
            }
            for number in 0..6 {
                let id = uuid::Uuid::from_u128(number);
                both.request(Method::GET, &format!("/events/{id}"), &[], "").await?;
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
