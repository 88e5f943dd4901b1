//! Strict JSON (RFC 8259 and the contract's further rules), checked on the raw bytes.
//!
//! It answers two questions at once: is this text allowed, and where do its parts lie. The parts
//! are slices of the input, so that `data` can be kept exactly as it was sent. It builds no tree
//! and changes nothing; what the parts mean is not decided here.
//!
//! Beyond RFC 8259 it refuses duplicate keys at any depth, more than [`MAX_DEPTH`] levels,
//! lone surrogates, the NUL character and numbers that no double can hold.

mod scanner;
mod token;

use std::borrow::Cow;

use super::errors::shorten;
pub(super) use scanner::Scanner;

/// Levels of nesting that an event may have; the event itself is level 1.
pub(super) const MAX_DEPTH: usize = 64;

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
