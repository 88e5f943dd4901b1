//! What has to hold of the parameters of lists, whatever is asked for.

use std::sync::LazyLock;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{EVENTS, Error, List, ListRequest, REJECTED, REPLAY, SESSION, SESSIONS};
use crate::event::Catalog;
use crate::store::{Position, Start};

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);

pub(crate) fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for list in [&EVENTS, &REJECTED, &SESSIONS, &SESSION, &REPLAY] {
        match parse(list, text) {
            Ok(request) => accepted(list, &request),
            Err(error @ Error::Invalid(_)) => {
                let json: serde_json::Value = serde_json::from_str(&error.to_json()).expect("errors are JSON");
                assert!(json.as_object().is_some_and(|errors| !errors.is_empty()), "an error that names nothing");
            }
            Err(Error::InvalidPage) => (),
            Err(other) => panic!("{other:?} is no answer to parameters"),
        }
    }
}

fn parse(list: &'static List, text: &str) -> Result<ListRequest, Error> {
    ListRequest::parse(list, Some(text), &CATALOG, 10)
}

fn accepted(list: &'static List, request: &ListRequest) {
    let query = &request.query;
    assert!((1..=1000).contains(&query.size));
    assert!(query.filter.start_time.zip(query.filter.end_time).is_none_or(|(start, end)| start <= end));
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let said = request.params.with("", None);
    let said: Vec<_> = said.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let again = parse(list, &said.join("&")).expect("what was accepted is accepted again");
    assert_eq!(again.query, *query, "the same parameters ask for something else");
    let position = match query.start {
        Start::After(position) => position,
        _ => Position { time: crate::event::Timestamp::MAX, id: uuid::Uuid::nil(), application: 7 },
    };
    let token = request.cursor_after(position);
    let next = parse(list, &format!("cursor={token}")).expect("a cursor of ours is one");
    assert_eq!(next.query.filter, query.filter, "a cursor holds another filter");
    assert_eq!((next.query.order, next.query.start), (query.order, Start::After(position)));
}
