//! Strict JSON (RFC 8259 and the contract's further rules), checked on the raw bytes.
//!
//! It answers two questions at once: is this text allowed, and where do its parts lie. The parts
//! are slices of the input, so that `data` can be kept exactly as it was sent. It builds no tree
//! and changes nothing; what the parts mean is not decided here.
//!
//! Beyond RFC 8259 it refuses duplicate keys at any depth, more than [`MAX_DEPTH`] levels,
//! lone surrogates, the NUL character and numbers that no double can hold.

use std::borrow::Cow;
use std::collections::HashSet;

use super::errors::shorten;

/// Levels of nesting that an event may have; the event itself is level 1.
pub(super) const MAX_DEPTH: usize = 64;

/// Objects with more keys than this are checked for duplicates through a hash set.
const SMALL_OBJECT: usize = 24;

/// What was wrong with a text, and where (lines and columns count from 1, columns in characters).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}: line {line} column {column}")]
pub struct JsonError {
    /// What was wrong, in lower case.
    pub message: Cow<'static, str>,
    /// The line on which it stands.
    pub line: usize,
    /// The character of that line at which it stands.
    pub column: usize,
}

/// The type of a JSON value, under the name that Python (and so DRF's messages) gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonType {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number without a fraction or an exponent.
    Int,
    /// Any other number.
    Float,
    /// A string.
    Str,
    /// An array.
    List,
    /// An object.
    Dict,
}

impl JsonType {
    /// The type of a valid JSON text that starts without white space.
    pub fn of(text: &str) -> Self {
        match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::Str,
            Some(b'[') => Self::List,
            Some(b'{') => Self::Dict,
            _ if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) => Self::Float,
            _ => Self::Int,
        }
    }

    /// Python's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "str",
            Self::List => "list",
            Self::Dict => "dict",
        }
    }
}

/// The text of a body, or where it stops being UTF-8.
pub fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        error_at(valid, valid.len(), "invalid UTF-8".into())
    })
}

/// Checks that `text` is one value, whose outermost container is at level `depth`.
pub fn check(text: &str, depth: usize) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text);
    scanner.value(depth)?;
    scanner.end()
}

/// Walks over a text, value by value.
pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The keys of the objects that are open, the innermost object's last.
    keys: Vec<Cow<'a, str>>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, keys: Vec::new() }
    }

    /// The first byte of the next value, which stays unread.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    /// Reads one value and gives its text.
    pub(super) fn value(&mut self, depth: usize) -> Result<&'a str, JsonError> {
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
    pub(super) fn members(
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
    pub(super) fn items(
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
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
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

    /// Reads a string and gives what it stands for.
    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..=0x1f) => return Err(self.error("control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.error("the string has no end")),
            }
        }
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        if let Ok(text) = serde_json::from_str(&self.text[start..self.at]) {
            Ok(Cow::Owned(text))
        } else {
            self.at = start;
            Err(self.error("invalid string"))
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.code_unit(self.at)? {
                0 => return Err(self.error("NUL character in a string")),
                0xD800..=0xDBFF => {
                    let low = match self.bytes.get(self.at + 6..self.at + 8) {
                        Some(br"\u") => self.code_unit(self.at + 6)?,
                        _ => 0,
                    };
                    if !(0xDC00..=0xDFFF).contains(&low) {
                        return Err(self.error("lone surrogate in a string"));
                    }
                    self.at += 12;
                }
                0xDC00..=0xDFFF => return Err(self.error("lone surrogate in a string")),
                _ => self.at += 6,
            },
            _ => return Err(self.error("invalid escape in a string")),
        }
        Ok(())
    }

    /// The four hexadecimal digits of the `\u` escape at `at`.
    fn code_unit(&self, at: usize) -> Result<u16, JsonError> {
        self.bytes
            .get(at + 2..at + 6)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.error("invalid escape in a string"))
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        let leading_zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = self.digits()?;
        if leading_zero && whole > 1 {
            self.at = start;
            return Err(self.error("number with a leading zero"));
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mut exponent = false;
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            exponent = true;
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        // A double holds every number below 1e308: only longer ones need a look.
        if exponent || whole > 308 {
            let value: f64 = self.text[start..self.at].parse().unwrap_or(f64::INFINITY);
            if !value.is_finite() {
                self.at = start;
                return Err(self.error("number out of the range of a double"));
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let rest = &self.bytes[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            self.at = self.at.min(self.bytes.len());
            return Err(self.error("expected a digit"));
        }
        self.at += count;
        Ok(count)
    }

    fn literal(&mut self, word: &str) -> Result<(), JsonError> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("expected a value"))
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error(&self, message: impl Into<Cow<'static, str>>) -> JsonError {
        error_at(self.text, self.at, message.into())
    }
}

fn error_at(text: &str, at: usize, message: Cow<'static, str>) -> JsonError {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    // Continuation bytes of UTF-8 are not characters of their own.
    let column = 1 + before[line_start..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    JsonError { message, line, column }
}

/// A key as an error message may show it: escaped and short.
fn shown(key: &str) -> String {
    shorten(key, 40).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str, expected: Result<(), &str>) {
        let found = check(text, 1).map_err(|error| error.to_string());
        assert_eq!(found.as_ref().map(|_| ()).map_err(String::as_str), expected, "{text:.80}");
    }

    #[test]
    fn accepts_what_rfc_8259_accepts() {
        let nested = "[".repeat(64) + &"]".repeat(64);
        let long = "9".repeat(131_000) + "e-131000";
        for text in [
            "{}",
            " [ ] ",
            "null",
            "true",
            "false",
            "0",
            "-0",
            "-0.0",
            "1.10",
            "1e5",
            "1E+5",
            "1e-400",
            "18446744073709551616",
            r#""""#,
            r#""\u00e9\ud83d\ude00""#,
            r#"{"a":{"a":1},"b":[{"a":2}]}"#,
            r#""\/""#,
            "\"\u{2028}\"",
            &nested,
            &long,
        ] {
            check_text(text, Ok(()));
        }
    }

    #[test]
    fn refuses_the_rest_and_says_where() {
        let deep = "[".repeat(100_000);
        let wide: String = (0..40).map(|n| format!("\"k{n}\":0,")).collect();
        let huge = "9".repeat(400);
        for (text, error) in [
            ("", "expected a value: line 1 column 1"),
            ("\u{feff}{}", "expected a value: line 1 column 1"),
            ("{\n  \"é\": x}", "expected a value: line 2 column 8"),
            ("{} {}", "expected nothing after the value: line 1 column 4"),
            ("{'a':1}", "expected a key in double quotes: line 1 column 2"),
            ("{\"a\":1,}", "expected a key in double quotes: line 1 column 8"),
            ("{\"a\" 1}", "expected `:`: line 1 column 6"),
            ("{\"a\":1 \"b\":2}", "expected `,` or `}`: line 1 column 8"),
            ("[1,]", "expected a value: line 1 column 4"),
            ("[1 2]", "expected `,` or `]`: line 1 column 4"),
            ("[1", "expected `,` or `]`: line 1 column 3"),
            ("01", "number with a leading zero: line 1 column 1"),
            ("-", "expected a digit: line 1 column 2"),
            ("1.", "expected a digit: line 1 column 3"),
            ("1e", "expected a digit: line 1 column 3"),
            (".5", "expected a value: line 1 column 1"),
            ("+1", "expected a value: line 1 column 1"),
            ("NaN", "expected a value: line 1 column 1"),
            ("tru", "expected a value: line 1 column 1"),
            ("1e400", "number out of the range of a double: line 1 column 1"),
            (&huge, "number out of the range of a double: line 1 column 1"),
            ("\"a", "the string has no end: line 1 column 3"),
            ("\"a\nb\"", "control character in a string: line 1 column 3"),
            (r#""\x""#, "invalid escape in a string: line 1 column 2"),
            (r#""\u12g4""#, "invalid escape in a string: line 1 column 2"),
            (r#""\ud800""#, "lone surrogate in a string: line 1 column 2"),
            (r#""\udc00""#, "lone surrogate in a string: line 1 column 2"),
            (r#""\ud800\u0041""#, "lone surrogate in a string: line 1 column 2"),
            (r#""a\u0000""#, "NUL character in a string: line 1 column 3"),
            (r#"{"a":1,"a":2}"#, "duplicate key `a`: line 1 column 8"),
            (r#"{"a":1,"\u0061":2}"#, "duplicate key `a`: line 1 column 8"),
            (r#"[{"x":{"a":1,"a":2}}]"#, "duplicate key `a`: line 1 column 14"),
            (&format!("{{{wide}\"k39\":0}}"), "duplicate key `k39`: line 1 column 312"),
            (&deep, "nested deeper than 64 levels: line 1 column 65"),
        ] {
            check_text(text, Err(error));
        }
    }

    #[test]
    fn invalid_utf8_is_located() {
        for bytes in [&b"{\n\"\xff\"}"[..], b"{\n\"\xc0\x80\"}", b"{\n\"\xed\xa0\x80\"}"] {
            assert_eq!(utf8(bytes).unwrap_err().to_string(), "invalid UTF-8: line 2 column 2");
        }
    }
}
