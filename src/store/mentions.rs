//! Whether a refused body that nobody could read is a session's: it has the session's id as a whole JSON string that is
//! not the name of a member, or as a form's value.
//!
//! Such a body is no JSON as a whole, so a string may begin at every quotation mark.

use percent_encoding::percent_decode_str;

/// What a session is called in bodies.
const NAME: &str = "session_id";

/// Whether a body names that session.
pub(crate) fn mentions(body: &[u8], session_id: &str) -> bool {
    let body = String::from_utf8_lossy(body);
    let behind_quotes = || body.match_indices('"').map(|(at, _)| &body[at + 1..]);
    behind_quotes().any(|rest| is_string(rest, session_id) || is_number(rest, session_id))
        || body.split('&').any(|pair| is_form_value(pair, session_id))
        || body.split("name=").skip(1).any(|part| is_part(part, session_id))
}

/// Whether a string that begins there is the id, with white space around it at most.
fn is_string(rest: &str, session_id: &str) -> bool {
    let (mut chars, mut wanted) = (rest.chars(), session_id);
    while let Some(next) = chars.next() {
        let character = match next {
            '"' => return wanted.is_empty() && !chars.as_str().trim_start().starts_with(':'),
            '\\' => match escaped(&mut chars) {
                Some(character) => character,
                None => return false,
            },
            other => other,
        };
        match wanted.strip_prefix(character) {
            Some(rest) => wanted = rest,
            None if is_space(character) && (wanted.is_empty() || wanted.len() == session_id.len()) => (),
            None => return false,
        }
    }
    false
}

/// What stands behind a backslash.
fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'u' => {
            let first = hex(chars)?;
            let second = match first {
                0xd800..0xdc00 if chars.next() == Some('\\') && chars.next() == Some('u') => Some(hex(chars)?),
                _ => None,
            };
            char::decode_utf16([first].into_iter().chain(second)).next()?.ok()
        }
        other => Some(other),
    }
}

fn hex(chars: &mut std::str::Chars<'_>) -> Option<u16> {
    let digits = chars.as_str().get(..4)?;
    *chars = chars.as_str()[4..].chars();
    u16::from_str_radix(digits, 16).ok()
}

/// Whether the name of the field begins there, and a number that is the id stands behind it.
fn is_number(rest: &str, session_id: &str) -> bool {
    let value = rest.strip_prefix(NAME).and_then(|rest| rest.strip_prefix('"'));
    let value = value.and_then(|rest| rest.trim_start().strip_prefix(':')).map(str::trim_start);
    let behind = value.and_then(|value| value.strip_prefix(session_id));
    behind.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "+-._".contains(next)))
}

/// Whether a pair of a form is the field with the id.
fn is_form_value(pair: &str, session_id: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    let read = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    // A value may be as large as a body is, and an id is not.
    name.len() <= 3 * NAME.len()
        && value.len() <= 64 + 9 * session_id.len()
        && read(name) == NAME
        && read(value).trim_matches(is_space) == session_id
}

/// Whether a part of a multipart form, from its name on, is the field with the id.
fn is_part(part: &str, session_id: &str) -> bool {
    let is_named = part.trim_start_matches('"').strip_prefix(NAME);
    let is_named = is_named.is_some_and(|rest| rest.starts_with(['"', '\r', '\n', ';']));
    let value = || {
        let (_, value) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
        value.split_once("\n--").map(|(value, _)| value)
    };
    is_named && value().is_some_and(|value| value.trim_matches(is_space) == session_id)
}

/// White space that is cut off around the id: Unicode's, and four separators.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_session_is_found_as_a_whole_text_however_it_is_written() {
        for (session_id, body) in [
            ("abc", r#"{"session_id":"abc","#),
            ("abc", r#"x"abc""#),
            ("abc", r#"{"session_id": "\u0061\u0062c"}"#),
            ("abc", r#"{"session_id":"  abc\n "}"#),
            ("a\"b\\", r#"{"session_id":"a\"b\\"}"#),
            ("é\u{1f600}/", r#"{"session_id":"\u00e9\ud83d\ude00\/"}"#),
            ("é\u{1f600}/", "{\"session_id\":\"é\u{1f600}/\"}"),
            ("123", r#"{"session_id" : 123, "name": }"#),
            ("1.5", r#"{"session_id":1.5}"#),
            ("a b&c", "name=x&session_id=a+b%26c&data=%7B"),
            ("é", "session%5Fid=%C3%A9"),
            ("abc", "--x\r\nContent-Disposition: form-data; name=\"session_id\"\r\n\r\nabc\r\n--x--"),
        ] {
            assert!(mentions(body.as_bytes(), session_id), "{session_id} in {body}");
        }
    }

    #[test]
    fn a_part_of_another_text_is_not_it() {
        for (session_id, body) in [
            ("abc", r#"{"session_id":"abcd"}"#),
            ("timestamp", r#"{"session_id":"a","timestamp" : 1,"#),
            ("abc", r#"{"session_id":"xabc"}"#),
            ("abc", r#"{"name":abc,"session_id":"abc"#),
            ("12", r#"{"session_id":123,"data":12}"#),
            ("1", r#"{"session_id":1.5}"#),
            ("abc", "name=abc&session_id=abcd"),
            ("abc", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nabc\r\n--x--"),
            ("abc", "\\u\"\\ud800\"\\ud83d\\\"\""),
        ] {
            assert!(!mentions(body.as_bytes(), session_id), "{session_id} in {body}");
        }
        assert!(!mentions(&[0xff, b'"', 0xc3], "abc"));
        // Quotation marks without end cost no more than their number.
        assert!(!mentions("\\\"".repeat(100_000).as_bytes(), "abc"));
    }
}
