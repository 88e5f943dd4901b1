//! JSON laid out for people, and texts made harmless for terminals and pages.
//!
//! The layout works on the text, so that numbers keep their digits.

/// A piece of a valid JSON text, without the white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `{` or `[`, with something inside.
    Open(&'a str),
    /// `}` or `]`.
    Close(&'a str),
    /// `{}` or `[]`.
    Empty(&'static str),
    /// `,`
    Comma,
    /// The name of a member, with its quotes.
    Key(&'a str),
    /// A string, with its quotes.
    Text(&'a str),
    /// A number.
    Number(&'a str),
    /// `true`, `false` or `null`.
    Literal(&'a str),
}

/// The tokens of a JSON text, in order.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(json: &'a str) -> Self {
        Self { rest: json }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        token
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_space();
        let first = *self.rest.as_bytes().first()?;
        Some(match first {
            b'{' | b'[' => {
                let open = self.take(1);
                self.skip_space();
                match self.rest.as_bytes().first() {
                    Some(b'}') => {
                        self.take(1);
                        Token::Empty("{}")
                    }
                    Some(b']') => {
                        self.take(1);
                        Token::Empty("[]")
                    }
                    _ => Token::Open(open),
                }
            }
            b'}' | b']' => Token::Close(self.take(1)),
            b',' => {
                self.take(1);
                Token::Comma
            }
            b'"' => {
                let text = self.take(string_length(self.rest));
                self.skip_space();
                match self.rest.strip_prefix(':') {
                    Some(rest) => {
                        self.rest = rest;
                        Token::Key(text)
                    }
                    None => Token::Text(text),
                }
            }
            _ => {
                let end = |character: char| matches!(character, ',' | ']' | '}' | ' ' | '\t' | '\n' | '\r');
                let text = self.take(self.rest.find(end).unwrap_or(self.rest.len()));
                if first.is_ascii_alphabetic() { Token::Literal(text) } else { Token::Number(text) }
            }
        })
    }
}

/// Lays out a valid JSON text with two spaces a level.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    for token in Tokens::of(json) {
        match token {
            Token::Open(bracket) => {
                out.push_str(bracket);
                depth += 1;
                new_line(&mut out, depth);
            }
            Token::Close(bracket) => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push_str(bracket);
            }
            Token::Comma => {
                out.push(',');
                new_line(&mut out, depth);
            }
            Token::Key(text) => {
                push_escaped(&mut out, text);
                out.push_str(": ");
            }
            Token::Text(text) => push_escaped(&mut out, text),
            Token::Empty(text) | Token::Number(text) | Token::Literal(text) => out.push_str(text),
        }
    }
    out
}

/// A line's end, and the white space before the next one.
pub(super) fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A text in which no character controls a terminal or turns what follows it round.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_escaped(&mut out, text);
    out
}

/// Whether a character is not seen, or changes how others are seen: controls, line separators, bidi
/// marks, blanks of no width and the characters that tags are made of.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The escape that JSON has for a character.
pub(super) fn push_escape(out: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match is_hidden(character) {
            true => push_escape(out, character),
            false => out.push(character),
        }
    }
}

/// The length of the string that a text begins with, both quotes included.
fn string_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_keeps_every_digit_and_every_string() {
        let json = r#"{"a":[ 1.10,-0 ,18446744073709551616],"b":{ },"c":[],"d":"x, {\" : ]\\","e":null}"#;
        insta::assert_snapshot!(pretty(json), @r#"
        {
          "a": [
            1.10,
            -0,
            18446744073709551616
          ],
          "b": {},
          "c": [],
          "d": "x, {\" : ]\\",
          "e": null
        }
        "#);
    }

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(pretty("\"a\u{202e}b\u{85}\""), r#""a\u202eb\u0085""#);
        assert_eq!(escape("a\x1b[31m\n\u{feff}é"), r"a\u001b[31m\u000a\ufeffé");
        assert_eq!(escape("\u{e0041}👋"), r"\udb40\udc41👋");
    }

    #[test]
    fn what_is_cut_off_is_laid_out_as_far_as_it_goes() {
        for json in ["", "{", "[1,", "\"a", "\"a\\", "}", "{\"a\":"] {
            pretty(json);
        }
    }
}
