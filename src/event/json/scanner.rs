//! The walk over a text: which values there are, and how they are nested. Strings and numbers are
//! read by `token`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{JsonError, MAX_DEPTH, error_at, shown};

/// Objects with more keys than this are checked for duplicates through a hash set.
const SMALL_OBJECT: usize = 24;

/// Walks over a text, value by value.
pub(crate) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// The keys of the objects that are open, the innermost object's last.
    keys: Vec<Cow<'a, str>>,
}

impl<'a> Scanner<'a> {
    pub(in crate::event) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, keys: Vec::new() }
    }

    /// The first byte of the next value, which stays unread.
    pub(in crate::event) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    /// Reads one value and gives its text.
    pub(in crate::event) fn value(&mut self, depth: usize) -> Result<&'a str, JsonError> {
        let first = self.peek();
        let start = self.at;
        match first {
            Some(b'{') => return self.members(depth, |_, _| ()),
            Some(b'[') => self.items(depth, |scanner| scanner.value(depth + 1).map(drop))?,
            Some(b'"') => drop(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => return Err(self.error("expected a value")),
        }
        Ok(&self.text[start..self.at])
    }

    /// Reads one object, shows each member's key and the text of its value, and gives the whole text.
    pub(in crate::event) fn members(
        &mut self,
        depth: usize,
        mut each: impl FnMut(Cow<'a, str>, &'a str),
    ) -> Result<&'a str, JsonError> {
        let start = self.at;
        self.enter(depth)?;
        let outer_keys = self.keys.len();
        let mut many: HashSet<Cow<'a, str>> = HashSet::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(&self.text[start..self.at]);
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key_at = self.at;
            let key = self.string()?;
            if !self.note(key.clone(), outer_keys, &mut many) {
                self.at = key_at;
                return Err(self.error(format!("duplicate key `{}`", shown(&key))));
            }
            if self.peek() != Some(b':') {
                return Err(self.error("expected `:`"));
            }
            self.at += 1;
            let value = self.value(depth + 1)?;
            each(key, value);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("expected `,` or `}`")),
            }
        }
        self.at += 1;
        self.keys.truncate(outer_keys);
        Ok(&self.text[start..self.at])
    }

    /// Reads one array; `each` reads an item.
    pub(in crate::event) fn items(
        &mut self,
        depth: usize,
        mut each: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.enter(depth)?;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            each(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("expected `,` or `]`")),
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but white space may be left.
    pub(in crate::event) fn end(&mut self) -> Result<(), JsonError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("expected nothing after the value")),
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.at += 1;
        Ok(())
    }

    /// Notes a key of the object whose keys begin at `first`; false if it is there already.
    fn note(&mut self, key: Cow<'a, str>, first: usize, many: &mut HashSet<Cow<'a, str>>) -> bool {
        let own = &self.keys[first..];
        if own.len() < SMALL_OBJECT {
            let is_new = !own.contains(&key);
            self.keys.push(key);
            return is_new;
        }
        if many.is_empty() {
            many.extend(own.iter().cloned());
        }
        many.insert(key)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn error(&self, message: impl Into<Cow<'static, str>>) -> JsonError {
        error_at(self.text, self.at, message.into())
    }
}
