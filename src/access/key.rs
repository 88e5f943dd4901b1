//! A key as an application holds it: `eye_w_` and 48 characters (base64url), which are 32 random bytes and 4 of a
//! checksum.
//!
//! The checksum tells a key that was cut or mistyped from one that is not known, without a look anywhere, and
//! lets a scanner of repositories tell a key from any other text.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Random bytes of a key.
const RANDOM: usize = 32;

/// Characters of a key that lists show: those that say its scope, and eight that tell it from others.
const SHOWN: usize = 6 + 8;

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Sending events, and nothing else. Pages that anyone can read hold such keys.
    Write,
    /// Reading.
    Read,
    /// Reading, sending again what was refused, and erasing.
    Admin,
}

/// A key, which is secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    scope: Scope,
    text: String,
}

/// What is kept of a key.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Write, Self::Read, Self::Admin];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// The scope that a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// How keys of it begin.
    fn mark(self) -> &'static str {
        match self {
            Self::Write => "eye_w_",
            Self::Read => "eye_r_",
            Self::Admin => "eye_a_",
        }
    }
}

impl Key {
    /// A new one.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn generate(scope: Scope) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM + 4];
        getrandom::fill(&mut bytes[..RANDOM])?;
        let sum = checksum(scope, &bytes[..RANDOM]);
        bytes[RANDOM..].copy_from_slice(&sum);
        Ok(Self { scope, text: format!("{}{}", scope.mark(), URL_SAFE_NO_PAD.encode(bytes)) })
    }

    /// The key that a text is; `None` if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let scope = Scope::ALL.into_iter().find(|scope| text.starts_with(scope.mark()))?;
        let bytes = URL_SAFE_NO_PAD.decode(&text[scope.mark().len()..]).ok()?;
        let (random, sum) = bytes.split_at_checked(RANDOM)?;
        (sum == checksum(scope, random)).then(|| Self { scope, text: text.to_owned() })
    }

    /// What it may be used for, by what it says itself.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// What is kept of it. It is random enough that no dictionary finds it by its hash.
    pub fn hash(&self) -> KeyHash {
        KeyHash(Sha256::digest(&self.text).into())
    }

    /// Its first characters, by which lists name it.
    pub fn prefix(&self) -> &str {
        &self.text[..SHOWN]
    }

    /// The key itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl KeyHash {
    /// The one that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// In constant time: how far two of them are alike cannot be learnt by measuring.
impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}…)", self.prefix())
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

fn checksum(scope: Scope, random: &[u8]) -> [u8; 4] {
    let digest = Sha256::new().chain_update(scope.mark()).chain_update(random).finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_made() {
        for scope in Scope::ALL {
            let key = Key::generate(scope).unwrap();
            assert_eq!(key.reveal().len(), 54);
            assert_eq!(Key::parse(key.reveal()), Some(key.clone()));
            assert_eq!(Key::parse(key.reveal()).unwrap().hash(), key.hash());
            assert_eq!(Scope::parse(scope.as_str()), Some(key.scope()));
        }
        assert_ne!(Key::generate(Scope::Read).unwrap().hash(), Key::generate(Scope::Read).unwrap().hash());
    }

    #[test]
    fn what_was_cut_mistyped_or_made_up_is_no_key() {
        let key = Key::generate(Scope::Write).unwrap().reveal().to_owned();
        for cut in 0..key.len() {
            assert_eq!(Key::parse(&key[..cut]), None, "{cut}");
        }
        for at in 0..key.len() {
            let other = if key.as_bytes()[at] == b'A' { "B" } else { "A" };
            let mistyped = format!("{}{other}{}", &key[..at], &key[at + 1..]);
            assert_eq!(Key::parse(&mistyped), None, "{at}");
        }
        for made_up in
            ["", "eye_w_", "eye_x_AAAA", "é", &format!("{key}A"), &format!(" {key}"), &key.replace("_w_", "_a_")]
        {
            assert_eq!(Key::parse(made_up), None, "{made_up}");
        }
    }

    #[test]
    fn nothing_that_is_printed_for_developers_has_the_key() {
        let key = Key::generate(Scope::Admin).unwrap();
        let printed = format!("{key:?} {:?}", key.hash());
        assert!(!printed.contains(&key.reveal()[SHOWN..]));
        assert_eq!(printed, format!("Key({}…) KeyHash(…)", key.prefix()));
    }
}
