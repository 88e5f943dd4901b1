//! Query parameters, read strictly: a parameter that is unknown, repeated or unreadable is an
//! error, because a mistyped filter must not return everything.

use std::collections::BTreeMap;

use super::error::Error;
use super::form::decoded;
use crate::event::Errors;

/// The parameters of one request; those without a value are as if absent.
#[derive(Debug, Clone, Default)]
pub(super) struct Params {
    values: BTreeMap<&'static str, String>,
}

impl Params {
    /// Reads a query that may have the parameters of `known`.
    pub(super) fn parse(query: Option<&str>, known: &[&'static str]) -> Result<Self, Error> {
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        let pair = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(name.as_bytes()).unwrap_or_else(|| name.to_owned()), decoded(value.as_bytes()))
        };
        Self::of(parts.map(pair), known)
    }

    /// Takes names and values; a value that is no UTF-8 is `None`.
    pub(super) fn of(
        pairs: impl Iterator<Item = (String, Option<String>)>,
        known: &[&'static str],
    ) -> Result<Self, Error> {
        let mut errors = Errors::default();
        let mut seen = Vec::new();
        let mut values = BTreeMap::new();
        for (name, value) in pairs {
            let Some(&known) = known.iter().find(|known| **known == name) else {
                let expected = known.join(", ");
                errors.add([&name], format!("Unknown parameter. Expected one of: {expected}."));
                continue;
            };
            if seen.contains(&known) {
                errors.add([known], "This parameter may be given only once.");
                continue;
            }
            seen.push(known);
            match value {
                None => errors.add([known], "Not valid UTF-8."),
                Some(value) if value.contains('\0') => errors.add([known], "Null characters are not allowed."),
                Some(value) if value.is_empty() => (),
                Some(value) => drop(values.insert(known, value)),
            }
        }
        match errors.is_empty() {
            true => Ok(Self { values }),
            false => Err(Error::Invalid(errors)),
        }
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// All parameters in the order of their names, with one of them set or taken out.
    pub(super) fn with(&self, name: &str, value: Option<String>) -> Vec<(String, String)> {
        let mut pairs: BTreeMap<&str, String> =
            self.values.iter().map(|(&name, value)| (name, value.clone())).collect();
        match value {
            Some(value) => drop(pairs.insert(name, value)),
            None => drop(pairs.remove(name)),
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}
