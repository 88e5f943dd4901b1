//! Which hosts, paths and elements the events of a sample are of.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::event::Event;
use crate::store::{Position, Sample};

/// One value of a field, and the events that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Ranked {
    pub(in crate::web) value: String,
    pub(in crate::web) count: u64,
    /// The newest of them in the sample.
    pub(in crate::web) example: Uuid,
}

/// A field of `data` that events are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Host,
    Path,
    Element,
}

/// The fields, as far as an event has them.
#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    host: Option<&'a RawValue>,
    #[serde(borrow)]
    path: Option<&'a RawValue>,
    #[serde(borrow)]
    element: Option<&'a RawValue>,
}

/// The values that most events have, by an estimate from the sample; the most first.
pub(super) fn top(sample: &Sample, field: Field, most: usize) -> Vec<Ranked> {
    let mut found: HashMap<String, (u64, Position)> = HashMap::new();
    for event in &sample.events {
        let Some(value) = value(event, field) else { continue };
        let here = Position::from(event);
        let (count, newest) = found.entry(value).or_insert((0, here));
        *count += 1;
        *newest = (*newest).max(here);
    }
    let mut ranked: Vec<_> = found.into_iter().collect();
    ranked.sort_by(|(a, (more, _)), (b, (less, _))| (Reverse(more), a).cmp(&(Reverse(less), b)));
    ranked.truncate(most);
    let estimated = |(value, (count, newest)): (String, (u64, Position))| Ranked {
        value,
        count: sample.estimate(count),
        example: newest.id,
    };
    ranked.into_iter().map(estimated).collect()
}

fn value(event: &Event, field: Field) -> Option<String> {
    let data: Data<'_> = serde_json::from_str(&event.data).ok()?;
    let value = match field {
        Field::Host => data.host,
        Field::Path => data.path,
        Field::Element => data.element,
    };
    let text: Cow<'_, str> = serde_json::from_str(value?.get()).ok()?;
    Some(text.into_owned())
}
