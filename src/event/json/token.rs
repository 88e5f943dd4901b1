//! Strings, numbers and words of a JSON text.

use std::borrow::Cow;

use super::{JsonError, Scanner};

impl<'a> Scanner<'a> {
    /// Reads a string and gives what it stands for.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain(&self.bytes[self.at..]);
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

    pub(super) fn number(&mut self) -> Result<(), JsonError> {
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

    pub(super) fn literal(&mut self, word: &str) -> Result<(), JsonError> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("expected a value"))
        }
    }
}

/// Bytes at the beginning of a string that end nothing, escape nothing and may stand there: as far as
/// that can be seen eight at a time.
fn plain(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    const TOP: u64 = EACH << 7;
    // The top bit of each byte that is less than `least`, and of none before the first such one.
    let less = |word: u64, least: u64| word.wrapping_sub(EACH * least) & !word & TOP;
    let is = |word: u64, byte: u8| less(word ^ (EACH * u64::from(byte)), 1);
    let (words, _) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = less(word, 0x20) | is(word, b'"') | is(word, b'\\');
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_stops_at_the_first_byte_that_needs_a_look() {
        for byte in 0..=255 {
            for at in 0..16 {
                let mut bytes = [b'~'; 16];
                bytes[at] = byte;
                bytes[15] = b'"';
                let special = at < 15 && matches!(byte, 0..=0x1f | b'"' | b'\\');
                assert_eq!(plain(&bytes), if special { at } else { 15 }, "{byte} at {at}");
            }
        }
        assert_eq!(plain(&[b'~'; 23]), 16, "the rest is looked at one by one");
    }
}
