//! A plain list, which stores are held against.

use std::sync::Arc;

use the_eye::event::Event;
use the_eye::store::{Filter, Order, Position, Query, Start, Store};

use crate::support::events::{at, event, id, kind, sent_by};

/// Asks a store about the events that it has, which are in order.
pub async fn agrees(store: &Arc<dyn Store>, stored: &[Event], random: &mut Random, queries: usize) {
    for _ in 0..queries {
        check_page(store, &random.query(stored), stored).await;
    }
}

/// Asks for one page.
pub async fn check_page(store: &Arc<dyn Store>, query: &Query, stored: &[Event]) {
    let mut expected: Vec<_> = stored.iter().filter(|event| fits(&query.filter, event)).collect();
    if query.order == Order::Descending {
        expected.reverse();
    }
    let (size, count) = (query.size as usize, expected.len());
    let first = match query.start {
        Start::Page(number) => (usize::try_from(number).unwrap() - 1) * size,
        Start::LastPage => count.div_ceil(size).max(1).saturating_sub(1) * size,
        Start::After(after) => expected.partition_point(|event| match query.order {
            Order::Descending => Position::from(*event) >= after,
            Order::Ascending => Position::from(*event) <= after,
        }),
    };
    let Some(found) = store.events(query.clone()).await.unwrap() else {
        assert!(first >= count.max(1), "there is such a page: {query:?}");
        return;
    };
    assert_eq!(found.count, count as u64, "{query:?}");
    let expected = expected[first.min(count)..].iter().take(size).copied();
    assert!(found.items.iter().eq(expected), "{query:?}");
    assert_eq!(found.more, first + size < count, "{query:?}");
}

/// Whether a filter leaves an event.
pub fn fits(filter: &Filter, event: &Event) -> bool {
    filter.session_id.as_ref().is_none_or(|session_id| *session_id == event.session_id)
        && filter.category.as_ref().is_none_or(|category| *category == event.kind.category)
        && filter.name.as_ref().is_none_or(|name| *name == event.kind.name)
        && filter.application.as_ref().is_none_or(|name| sent_by(event) == Some(name))
        && filter.start_time.is_none_or(|time| event.timestamp >= time)
        && filter.end_time.is_none_or(|time| event.timestamp <= time)
}

/// The same numbers in every run (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub fn event(&mut self, number: u32) -> Event {
        let (category, name) = match self.below(1000) {
            0..500 => ("page_interaction", "page_view"),
            500..700 => ("page_interaction", "cta_click"),
            700..998 => ("form_interaction", "submit"),
            _ => ("form_interaction", "rare"),
        };
        let session_id = match self.below(10) {
            0..3 => "a".to_owned(),
            3..5 => "b".to_owned(),
            _ => format!("of few {}", self.below(100)),
        };
        // Many at one time, more near it, some long ago.
        let time = match self.below(4) {
            0 => 5000,
            1 => i64::try_from(self.below(10_000)).unwrap(),
            _ => i64::try_from(self.below(3_000_000_000)).unwrap() - 3_000_000_000,
        };
        // The low half of the id is its number, the high half says where it lies among those of its time.
        let id = id((self.below(usize::MAX) as u128) << 64 | u128::from(number));
        Event { id, timestamp: at(time), session_id, kind: kind(category, name), ..event(number) }
    }

    pub fn query(&mut self, stored: &[Event]) -> Query {
        let text = |texts: &[&str], at: usize| texts.get(at).map(|&text| text.to_owned());
        let time = |at: usize| stored.get(at).map(|event| event.timestamp);
        // Beyond the end of the choices nothing is filtered.
        let filter = Filter {
            session_id: text(&["a", "b", "of few 7", "nobody"], self.below(8)),
            category: text(&["page_interaction", "form_interaction"], self.below(5)),
            name: text(&["page_view", "submit", "rare"], self.below(6)),
            start_time: time(self.below(stored.len() * 2)),
            end_time: time(self.below(stored.len() * 2)),
            reason: None,
            application: None,
        };
        let size = [1, 10, 100, 1000][self.below(4)];
        let start = match self.below(4) {
            0 => Start::LastPage,
            1 => Start::After(Position::from(&stored[self.below(stored.len())])),
            _ => Start::Page(1 + self.below(1 + 2000 / size as usize) as u64),
        };
        let order = [Order::Ascending, Order::Descending][self.below(2)];
        Query { filter, order, start, size }
    }
}
