//! Takes marked values out of a JSON text, or puts others in their place. All other bytes stay as they are.

use std::borrow::Cow;
use std::ops::Range;

use super::super::super::json::Scanner;
use super::hash::Hasher;
use super::{Mark, Marks, Place};

/// Hashes in one event. Each may be longer than what it stands for: an event of a megabyte must not become one of many.
const MOST_HASHES: usize = 1000;

/// What stands for a masked value.
pub(super) const MASKED: &str = "\"***\"";

/// More values than may be hashed. Nothing may be kept of such a text.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::event) struct TooMany;

impl TooMany {
    pub(in crate::event) fn message() -> String {
        format!("Ensure this field has no more than {MOST_HASHES} values that are hashed.")
    }
}

impl Marks {
    /// An object with its marked values as they may be kept.
    pub(in crate::event) fn apply<'t>(&self, text: &'t str, hasher: Option<&Hasher>) -> Result<Cow<'t, str>, TooMany> {
        let mut splice = Splice { marks: self, hasher, text, cuts: Vec::new(), hashes: 0 };
        splice.inside(text, &self.root())?;
        if splice.cuts.is_empty() {
            return Ok(text.into());
        }
        let mut kept = String::with_capacity(text.len());
        let mut from = 0;
        for (Range { start, end }, instead) in splice.cuts {
            kept.push_str(&text[from..start]);
            kept.push_str(&instead);
            from = end;
        }
        kept.push_str(&text[from..]);
        Ok(kept.into())
    }
}

/// A walk over one text.
struct Splice<'t> {
    marks: &'t Marks,
    hasher: Option<&'t Hasher>,
    text: &'t str,
    /// In order, and none within another.
    cuts: Vec<(Range<usize>, Cow<'static, str>)>,
    hashes: usize,
}

impl<'t> Splice<'t> {
    /// Looks at what is in an object or an array, a part of the text.
    fn inside(&mut self, outer: &'t str, place: &Place) -> Result<(), TooMany> {
        let mut inner = Vec::new();
        let mut scanner = Scanner::new(outer);
        let scanned = match outer.starts_with('{') {
            true => scanner.members(1, |name, value| inner.push((value, self.marks.member(place, &name)))).map(drop),
            false => scanner.items(1, |scanner| {
                let (value, index) = (scanner.value(2)?, inner.len());
                inner.push((value, self.marks.item(place, index)));
                Ok(())
            }),
        };
        // Nobody may read on as if nothing were marked.
        scanned.expect("it was scanned before");
        // Where the part begins that ends with a value: behind the brace, or behind the value before it.
        let mut from = self.range(outer).start + 1;
        let mut is_first = true;
        for (index, (value, place)) in inner.into_iter().enumerate() {
            let range = self.range(value);
            let end = range.end;
            let mark = self.marks.mark(&place);
            if mark == Some(Mark::Drop) {
                self.cuts.push((from..end, "".into()));
            } else {
                if std::mem::take(&mut is_first) && index > 0 {
                    // All before it are gone: so is the comma between them and this one, the first one there is.
                    let comma = self.text.as_bytes()[from..range.start].iter().position(|&byte| byte == b',');
                    self.cuts.extend(comma.map(|comma| (from..from + comma + 1, "".into())));
                }
                match mark {
                    Some(Mark::Mask) => self.replace(range, value, MASKED.into()),
                    Some(_) => self.hash(range, value)?,
                    None if !place.is_clear() && value.starts_with(['{', '[']) => self.inside(value, &place)?,
                    None => (),
                }
            }
            from = end;
        }
        Ok(())
    }

    fn hash(&mut self, range: Range<usize>, value: &str) -> Result<(), TooMany> {
        // Without a key nothing is as safe as a mask. A server does not start like that.
        let Some(hasher) = self.hasher else {
            self.replace(range, value, MASKED.into());
            return Ok(());
        };
        self.hashes += 1;
        if self.hashes > MOST_HASHES {
            return Err(TooMany);
        }
        if let Some(hash) = hasher.hash(value) {
            self.replace(range, value, format!("\"{hash}\"").into());
        }
        Ok(())
    }

    fn replace(&mut self, range: Range<usize>, value: &str, instead: Cow<'static, str>) {
        if value != instead {
            self.cuts.push((range, instead));
        }
    }

    /// Where a part of the text lies.
    fn range(&self, part: &str) -> Range<usize> {
        let start = part.as_ptr().addr() - self.text.as_ptr().addr();
        start..start + part.len()
    }
}
