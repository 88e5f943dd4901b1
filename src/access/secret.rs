//! Bytes that only The Eye's own processes know: what they sign and hash with.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// 256 random bits, made with the store and the same for all who share it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// Where the system has no random bytes to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The one that was kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What only its holder can say of these texts, for that purpose.
    pub fn sign(&self, purpose: &str, texts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length will do");
        for text in [purpose.as_bytes()].iter().chain(texts) {
            // The length before each: texts cannot be cut in another way.
            mac.update(&(text.len() as u64).to_be_bytes());
            mac.update(text);
        }
        mac.finalize().into_bytes().into()
    }

    /// Whether a signature is that of these texts, at the same pace whatever is wrong with it.
    pub fn signed(&self, purpose: &str, texts: &[&[u8]], signature: &[u8]) -> bool {
        self.sign(purpose, texts).as_slice().ct_eq(signature).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_purpose_and_of_texts_as_they_were_cut() {
        let secret = Secret::generate().unwrap();
        let signature = secret.sign("session", &[b"ab", b"c"]);
        assert!(secret.signed("session", &[b"ab", b"c"], &signature));
        for (purpose, texts) in [("session", [&b"a"[..], b"bc"]), ("other", [b"ab", b"c"])] {
            assert!(!secret.signed(purpose, &texts, &signature));
        }
        assert!(!secret.signed("session", &[b"ab", b"c"], &signature[..31]));
        assert!(!Secret::generate().unwrap().signed("session", &[b"ab", b"c"], &signature));
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }
}
