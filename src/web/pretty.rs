//! JSON laid out for people, and texts made harmless for terminals and pages.
//!
//! The layout works on the text, so that numbers keep their digits.

/// Lays out a valid JSON text with two spaces a level.
pub(super) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => (),
            '{' | '[' => {
                out.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = characters.next_if(|&next| next == '}' || next == ']') {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => string(&mut out, &mut characters),
            other => out.push(other),
        }
    }
    out
}

/// A text in which no character controls a terminal or turns what follows it round.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_safe(&mut out, character);
    }
    out
}

fn string(out: &mut String, characters: &mut impl Iterator<Item = char>) {
    out.push('"');
    while let Some(character) = characters.next() {
        push_safe(out, character);
        match character {
            '"' => return,
            '\\' => out.extend(characters.next()),
            _ => (),
        }
    }
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Control characters, line separators and marks that are not seen but change what is seen.
fn push_safe(out: &mut String, character: char) {
    let hidden = character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    match hidden {
        true => out.push_str(&format!("\\u{:04x}", u32::from(character))),
        false => out.push(character),
    }
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
    }
}
