//! What has to hold whatever comes in: the fuzzers of `fuzz/` call these functions with what they think up, and a
//! test calls them with what was worth keeping of it. They are no part of the library: only fuzzers and tests see them.

use crate::event;
use crate::queue;
use crate::web;

/// What one target does with its input: nothing, or it panics.
pub type Target = fn(&[u8]);

/// All targets, by the names of their binaries and of the folders of their corpora.
pub const TARGETS: [(&str, Target); 6] = [
    ("event", event),
    ("query", query),
    ("timestamp", timestamp),
    ("catalog", catalog),
    ("lines", lines),
    ("entries", entries),
];

/// A body of JSON: a verdict is the same whenever and beside whatever it is given, and what is accepted is kept to
/// the letter.
pub fn event(bytes: &[u8]) {
    event::fuzz::event(bytes);
}

/// The query of a URL: what is accepted can be said again, and means the same.
pub fn query(bytes: &[u8]) {
    web::fuzz::query(bytes);
}

/// A timestamp: what is read is printed so that it is read as the same.
pub fn timestamp(bytes: &[u8]) {
    event::fuzz::timestamp(bytes);
}

/// A file of an event type: where it can be used, its example is an event.
pub fn catalog(bytes: &[u8]) {
    event::fuzz::catalog(bytes);
}

/// A body of NDJSON: it is cut at its lines, and a line means what it would mean alone.
pub fn lines(bytes: &[u8]) {
    event::fuzz::lines(bytes);
}

/// A row of the embedded queue: damage is seen and no more than seen.
pub fn entries(bytes: &[u8]) {
    queue::fuzz::entries(bytes);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::TARGETS;

    #[test]
    fn what_fuzzers_found_worth_keeping_still_holds() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        let mut bytes = 0;
        for (name, target) in TARGETS {
            let folder = corpora.join(name);
            let mut inputs = 0;
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let input = fs::read(&path).unwrap();
                bytes += input.len();
                inputs += 1;
                if std::panic::catch_unwind(|| target(&input)).is_err() {
                    panic!("{} does not hold any more", path.display());
                }
            }
            assert!(inputs >= 10, "{} is no corpus", folder.display());
        }
        assert!(bytes <= 300_000, "the corpora have {bytes} bytes: minimise them with script/fuzz");
    }
}
