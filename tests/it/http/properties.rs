//! What holds for all timestamps, and for all mixes of events, filters and pages.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use the_eye::event::{Timestamp, TimestampFormat};

use super::{id, path_of, store};
use crate::support::{TestEye, page_view_with};

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros()).prop_map(|micros| Timestamp::from_micros(micros).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_printed_is_read_as_the_same(timestamp in timestamp()) {
        for format in [TimestampFormat::Rfc3339, TimestampFormat::Space] {
            prop_assert_eq!(Timestamp::parse(&timestamp.format(format)), Some(timestamp));
        }
    }

    #[test]
    fn order_of_time_is_order_of_text(one in timestamp(), other in timestamp()) {
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn spellings_of_one_instant_are_one(
        timestamp in timestamp(),
        offset in -1439_i64..=1439,
        colon in any::<bool>(),
        separator in prop::sample::select(vec!["T", " "]),
        point in prop::sample::select(vec![".", ","]),
        more_digits in "[0-9]{0,6}",
    ) {
        let Some(local) = Timestamp::from_micros(timestamp.as_micros() + offset * 60_000_000) else { return Ok(()) };
        let text = local.format(TimestampFormat::Space).replacen(' ', separator, 1).replacen('.', point, 1);
        let (sign, hours, minutes) = (if offset < 0 { '-' } else { '+' }, offset.abs() / 60, offset.abs() % 60);
        let colon = if colon { ":" } else { "" };
        let spelled = format!("{text}{more_digits}{sign}{hours:02}{colon}{minutes:02}");
        prop_assert_eq!(Timestamp::parse(&spelled), Some(timestamp), "{}", spelled);
        // Without zeros in front.
        let short = text.replace("-0", "-").replace(&format!("{separator}0"), separator).replace(":0", ":");
        let short = if short.starts_with('-') || short.contains("--") { text } else { short };
        prop_assert_eq!(Timestamp::parse(&format!("{short}{sign}{hours:02}{minutes:02}")), Some(timestamp), "{}", short);
    }

    #[test]
    fn no_text_is_read_with_a_panic(text in "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[T ]?.{0,20}|\\PC{0,40}") {
        if let Some(timestamp) = Timestamp::parse(&text) {
            prop_assert_eq!(Timestamp::parse(&timestamp.to_string()), Some(timestamp));
        }
    }
}

/// An event in numbers, small enough to collide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    time: i64,
    id: u128,
    session: u8,
    kind: usize,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    session: Option<u8>,
    category: Option<usize>,
    name: Option<usize>,
    start: Option<i64>,
    end: Option<i64>,
    size: usize,
}

const KINDS: [(&str, &str); 3] =
    [("page_interaction", "page_view"), ("page_interaction", "cta_click"), ("form_interaction", "submit")];

fn at(time: i64) -> String {
    Timestamp::from_micros(1_777_000_000_000_000 + time).unwrap().to_string()
}

fn events() -> impl Strategy<Value = Vec<Sent>> {
    let event = (0_i64..8, 0_u128..12, 0_u8..3, 0_usize..3).prop_map(|(time, id, session, kind)| Sent {
        time,
        id,
        session,
        kind,
    });
    vec(event, 0..40)
}

fn asked() -> impl Strategy<Value = Asked> {
    let time = || option::of(0_i64..8);
    (option::of(0_u8..3), option::of(0_usize..3), option::of(0_usize..3), time(), time(), 1_usize..9).prop_map(
        |(session, category, name, start, end, size)| {
            let (start, end) = match (start, end) {
                (Some(start), Some(end)) => (Some(start.min(end)), Some(start.max(end))),
                other => other,
            };
            Asked { session, category, name, start, end, size }
        },
    )
}

impl Sent {
    fn json(self) -> Value {
        let (category, name) = KINDS[self.kind];
        let mut data = json!({ "host": "a.example", "path": "/" });
        match name {
            "cta_click" => data["element"] = "buy".into(),
            "submit" => data["form"] = Value::Null,
            _ => (),
        }
        page_view_with(&json!({
            "id": id(self.id), "timestamp": at(self.time), "session_id": self.session, "category": category,
            "name": name, "data": data,
        }))
    }

    fn key(self) -> (String, String) {
        (at(self.time), id(self.id))
    }
}

impl Asked {
    fn query(self, order: &str) -> String {
        let mut query = format!("order={order}&page_size={}", self.size);
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.push_str(&format!("&{name}={value}"));
            }
        };
        add("session_id", self.session.map(|session| session.to_string()));
        add("category", self.category.map(|kind| KINDS[kind].0.to_owned()));
        add("name", self.name.map(|kind| KINDS[kind].1.to_owned()));
        add("start_time", self.start.map(at));
        add("end_time", self.end.map(at));
        query
    }

    fn wants(self, event: &Sent) -> bool {
        self.session.is_none_or(|session| event.session == session)
            && self.category.is_none_or(|kind| KINDS[event.kind].0 == KINDS[kind].0)
            && self.name.is_none_or(|kind| KINDS[event.kind].1 == KINDS[kind].1)
            && self.start.is_none_or(|start| event.time >= start)
            && self.end.is_none_or(|end| event.time <= end)
    }
}

/// All rows of all pages, and how many the first page said there are.
async fn walked(eye: &TestEye, query: &str, by_cursor: bool) -> (Vec<(String, String)>, u64) {
    let mut rows = Vec::new();
    let mut path = format!("/events?{query}");
    let mut count = None;
    loop {
        let page = eye.get(&path).await.expect(200).json();
        count = count.or(page["count"].as_u64());
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        rows.extend(page["results"].as_array().unwrap().iter().map(|row| (text(row, "timestamp"), text(row, "id"))));
        if page["next"].is_null() {
            return (rows, count.unwrap());
        }
        path = match by_cursor {
            true => format!("/events?{query}&cursor={}", page["next_cursor"].as_str().unwrap()),
            false => path_of(&page["next"]),
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn pages_put_together_are_the_filtered_sorted_list(sent in events(), asked in vec(asked(), 3)) {
        let mut kept: Vec<Sent> = Vec::new();
        for event in &sent {
            if !kept.iter().any(|known| (known.time, known.id) == (event.time, event.id)) {
                kept.push(*event);
            }
        }
        kept.sort();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let eye = TestEye::without_worker(|_| ()).await;
            if !sent.is_empty() {
                store(&eye, &sent.iter().map(|event| event.json()).collect::<Vec<_>>()).await;
            }
            for asked in asked {
                let mut expected: Vec<_> = kept.iter().filter(|event| asked.wants(event)).map(|event| event.key()).collect();
                for order in ["asc", "desc"] {
                    for by_cursor in [false, true] {
                        let (rows, count) = walked(&eye, &asked.query(order), by_cursor).await;
                        prop_assert_eq!(&rows, &expected, "{:?} {} {}", asked, order, by_cursor);
                        prop_assert_eq!(usize::try_from(count).unwrap(), expected.len());
                    }
                    expected.reverse();
                }
            }
            Ok(())
        })?;
    }
}
