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

/// The values of each field, by an estimate from the sample; the most first.
#[derive(Debug)]
pub(super) struct Tops([Vec<Ranked>; 3]);

impl Tops {
    pub(super) fn of(sample: &Sample) -> Self {
        let mut found: [HashMap<String, (u64, Position)>; 3] = Default::default();
        for event in &sample.events {
            let here = Position::from(event);
            for (found, value) in found.iter_mut().zip(values(event)) {
                let Some(value) = value else { continue };
                let (count, newest) = found.entry(value).or_insert((0, here));
                *count += 1;
                *newest = (*newest).max(here);
            }
        }
        Self(found.map(|found| ranked(found, sample)))
    }

    /// The first ones of a field.
    pub(super) fn first(&self, field: Field, most: usize) -> Vec<Ranked> {
        self.0[field as usize].iter().take(most).cloned().collect()
    }
}

fn ranked(found: HashMap<String, (u64, Position)>, sample: &Sample) -> Vec<Ranked> {
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(a, (more, _)), (b, (less, _))| (Reverse(more), a).cmp(&(Reverse(less), b)));
    let ranked = |(value, (count, newest)): (String, (u64, Position))| Ranked {
        value,
        count: sample.estimate(count),
        example: newest.id,
    };
    found.into_iter().map(ranked).collect()
}

/// What an event has in the fields, in their order.
fn values(event: &Event) -> [Option<String>; 3] {
    let Ok(Data { host, path, element }) = serde_json::from_str(&event.data) else { return Default::default() };
    [host, path, element].map(|value| {
        let text: Cow<'_, str> = serde_json::from_str(value?.get()).ok()?;
        Some(text.into_owned())
    })
}
