//! The `Prefer` header (RFC 7240): what a client would like, and need not get.

use std::time::Duration;

use axum::http::HeaderMap;

/// The longest that an answer is held back.
const LONGEST_WAIT: u64 = 30;

/// The preferences that are known here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Preferences {
    /// Hold the answer until everything is stored, but no longer than this.
    pub(super) wait: Option<Duration>,
    /// Answer with a row for every event of a batch.
    pub(super) representation: bool,
}

impl Preferences {
    /// Reads the headers; what is not understood is passed over, and of two the first one counts.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut found = Self::default();
        let mut returning = None;
        let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
        for preference in values.flat_map(|value| value.split(',')) {
            // Parameters after a `;` are for preferences we do not know.
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "wait" if found.wait.is_none() => {
                    let seconds = value.parse().ok().map(|seconds: u64| seconds.min(LONGEST_WAIT));
                    found.wait = seconds.map(Duration::from_secs);
                }
                "return" => {
                    returning.get_or_insert_with(|| value.to_ascii_lowercase());
                }
                _ => (),
            }
        }
        found.representation = returning.as_deref() == Some("representation");
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&'static str], wait: Option<u64>, representation: bool) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", value.parse().unwrap());
        }
        let expected = Preferences { wait: wait.map(Duration::from_secs), representation };
        assert_eq!(Preferences::of(&headers), expected, "{values:?}");
    }

    #[test]
    fn known_preferences_are_found_among_others() {
        check(&[], None, false);
        check(&["wait=5"], Some(5), false);
        check(&["wait = \"5\""], Some(5), false);
        check(&["WAIT=100"], Some(30), false);
        check(&["wait=0"], Some(0), false);
        check(&["wait=soon"], None, false);
        check(&["wait=-1"], None, false);
        check(&["return=representation, wait=2"], Some(2), true);
        check(&["respond-async; x=1", "wait=3; y", "return=representation"], Some(3), true);
        check(&["return=minimal, return=representation"], None, false);
        check(&["wait=1, wait=2"], Some(1), false);
    }
}
