//! A text in the place of a value: the same for equal values, and nothing without the key.
//!
//! It is `eye-hash:`, 32 hexadecimal digits of the value's HMAC, and 16 of the HMAC of those. By the second one a text
//! that was made here is known again and stays as it is, and who has no key cannot make one.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::super::super::json::{JsonType, Scanner};

const PREFIX: &str = "eye-hash:";

/// Bytes of a value's HMAC that are kept, and of the check on it.
const VALUE: usize = 16;
const CHECK: usize = 8;

/// What makes hashes nobody else can make: 32 random bytes. Another key makes other hashes of the same values.
#[derive(Clone)]
pub struct PrivacyKey([u8; 32]);

impl PrivacyKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for PrivacyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivacyKey(…)")
    }
}

/// A key, ready to be used.
#[derive(Clone)]
pub(in crate::event) struct Hasher {
    value: Hmac<Sha256>,
    check: Hmac<Sha256>,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(…)")
    }
}

impl Hasher {
    pub(in crate::event) fn new(key: &PrivacyKey) -> Self {
        let keyed = |purpose: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("a key may have any length");
            mac.update(purpose);
            mac
        };
        Self { value: keyed(b"value:"), check: keyed(b"check:") }
    }

    /// The hash of a JSON value; none if it is one of ours.
    pub(super) fn hash(&self, value: &str) -> Option<String> {
        let mut plain = Vec::with_capacity(value.len() + 16);
        write_plain(value, &mut plain);
        if JsonType::of(value) == JsonType::Str && self.is_ours(&plain[9..]) {
            return None;
        }
        let mut mac = self.value.clone();
        mac.update(&plain);
        let digits = hex(&mac.finalize().into_bytes()[..VALUE]);
        let mut check = self.check.clone();
        check.update(digits.as_bytes());
        Some(format!("{PREFIX}{digits}{}", hex(&check.finalize().into_bytes()[..CHECK])))
    }

    /// Whether a text was made here.
    pub(super) fn is_ours(&self, text: &[u8]) -> bool {
        let Some(rest) = text.strip_prefix(PREFIX.as_bytes()) else { return false };
        let Some((digits, check)) = rest.split_at_checked(2 * VALUE) else { return false };
        let Some(check) = unhex(check).filter(|check| check.len() == CHECK) else { return false };
        let mut mac = self.check.clone();
        mac.update(digits);
        // In a time that does not depend on how much of it is right.
        mac.verify_truncated_left(&check).is_ok()
    }
}

/// Appends a value so that equal ones are the same bytes and others are not: escapes resolved, numbers by their value,
/// members sorted by their names. Each part says how long it is.
fn write_plain(value: &str, out: &mut Vec<u8>) {
    match JsonType::of(value) {
        JsonType::Null => out.push(b'z'),
        JsonType::Bool => out.push(value.as_bytes()[0]),
        JsonType::Int | JsonType::Float => write_part(b'n', number(value).as_bytes(), out),
        JsonType::Str => {
            let text: String = serde_json::from_str(value).expect("it was scanned before");
            write_part(b's', text.as_bytes(), out);
        }
        JsonType::List => {
            out.push(b'[');
            let scanned = Scanner::new(value).items(1, |scanner| scanner.value(2).map(|item| write_plain(item, out)));
            scanned.expect("it was scanned before");
            out.push(b']');
        }
        JsonType::Dict => {
            let mut members = Vec::new();
            let scanned = Scanner::new(value).members(1, |name, value| members.push((name, value)));
            scanned.expect("it was scanned before");
            members.sort();
            out.push(b'{');
            for (name, value) in members {
                write_part(b's', name.as_bytes(), out);
                write_plain(value, out);
            }
            out.push(b'}');
        }
    }
}

fn write_part(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A number in one of its many spellings: digits that neither begin nor end with a nought, and the power of ten they
/// are multiplied by. It is not made a double, which would take some for equal that are not.
fn number(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    // An exponent that is no i128 belongs to a number that is equal to nothing but itself.
    let Ok(exponent) = exponent.parse::<i128>() else { return text.to_owned() };
    let shift = (digits.len() - significant.len()) as i128 - fraction.len() as i128;
    format!("{sign}{significant}e{}", exponent.saturating_add(shift))
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(byte: u8) -> Hasher {
        Hasher::new(&PrivacyKey::new([byte; 32]))
    }

    fn hash(value: &str) -> String {
        hasher(7).hash(value).unwrap()
    }

    #[test]
    fn a_hash_is_of_the_value_and_not_of_its_spelling() {
        for equal in [
            &[r#""é/a""#, r#""\u00e9\/a""#, r#""\u00E9/a""#][..],
            &["1", "1.0", "10e-1", "0.1E+1", "100e-2"],
            &["-12.50", "-1.25e1", "-125E-1"],
            &["0", "-0", "0.0", "0e99999999999999999999999999999999999999999999"],
            &["[1,\"a\"]", "[ 1.0 , \"\\u0061\" ]"],
            &[r#"{"a":1,"b":[]}"#, r#"{ "b" : [ ], "\u0061": 1 }"#],
        ] {
            equal.iter().for_each(|value| assert_eq!(hash(value), hash(equal[0]), "{value}"));
        }
    }

    #[test]
    fn other_values_have_other_hashes() {
        let values = [
            "1",
            "\"1\"",
            "[1]",
            "[\"1\"]",
            "[[1]]",
            "-1",
            "10",
            "0",
            "null",
            "\"null\"",
            "true",
            "false",
            "\"\"",
            "[]",
            "{}",
            "[1,1]",
            "[11]",
            r#"["a","b"]"#,
            r#"["ab"]"#,
            r#"[["a"],"b"]"#,
            r#"{"a":"b"}"#,
            r#"{"b":"a"}"#,
            "9007199254740992",
            "9007199254740993",
            "1e-400",
            "1e-99999999999999999999999999999999999999999999",
        ];
        let hashes: std::collections::BTreeSet<_> = values.into_iter().map(hash).collect();
        assert_eq!(hashes.len(), values.len());
    }

    #[test]
    fn one_of_ours_stays_and_nobody_else_makes_one() {
        let first = hash("\"a\"");
        assert_eq!(first.len(), PREFIX.len() + 48);
        assert_eq!(hasher(7).hash(&format!("\"{first}\"")), None);
        // However it is spelled.
        assert_eq!(hasher(7).hash(&format!("\"\\u0065{}\"", &first[1..])), None);
        assert!(hasher(8).hash(&format!("\"{first}\"")).is_some(), "another key's is not ours");
        for at in PREFIX.len()..first.len() {
            let mut other = first.clone().into_bytes();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let other = format!("\"{}\"", String::from_utf8(other).unwrap());
            assert!(hasher(7).hash(&other).is_some(), "{other}");
        }
        for other in [&first[..first.len() - 1], &format!("{first}0"), PREFIX, &first.to_uppercase()] {
            assert!(hasher(7).hash(&format!("\"{other}\"")).is_some(), "{other}");
        }
    }

    #[test]
    fn no_key_is_printed() {
        let key = PrivacyKey::new([77; 32]);
        assert!(!format!("{key:?} {:?}", Hasher::new(&key)).contains("77"));
    }
}
