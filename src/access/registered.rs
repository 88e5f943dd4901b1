//! What the store keeps of applications and their keys.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

use super::{KeyHash, Rate, Scope, Secret};
use crate::event::{Application, Timestamp};

/// All applications and keys there are.
#[derive(Debug, Clone)]
pub struct Registered {
    /// In order of their numbers.
    pub applications: Vec<Registration>,
    /// The secret of this store's processes.
    pub secret: Secret,
}

/// One application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Its number and its name.
    pub application: Arc<Application>,
    /// What it was registered for; nothing if it is only known by events that it sent, as those of another database.
    pub settings: Option<NewApplication>,
    /// Its keys, oldest first, those that have ended too.
    pub keys: Vec<KeptKey>,
}

/// What an application is registered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApplication {
    /// 1 to 100 characters.
    pub name: String,
    /// What its keys may be used for.
    pub scope: Scope,
    /// The sites whose pages may use them.
    pub origins: Vec<Origin>,
    /// How many events it may send.
    pub rate: Option<Rate>,
    /// The one application whose events its keys see; all where there is none.
    pub sees: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// One key of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKey {
    /// What is kept of it.
    pub hash: KeyHash,
    /// Its first characters.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is of no use, where that was said.
    pub ends_at: Option<Timestamp>,
}

/// Where a page comes from, as browsers say it (RFC 6454): scheme, host, and a port that is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

impl Registration {
    /// Whether one of its keys can be used.
    pub fn has_key(&self, now: Timestamp) -> bool {
        self.settings.is_some() && self.keys.iter().any(|key| key.is_good(now))
    }

    /// Its number, as identities have it.
    pub fn number(&self) -> NonZeroU32 {
        self.application.number
    }
}

impl KeptKey {
    /// Whether it can be used.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }
}

impl NewApplication {
    /// What is wrong with a name, if something is.
    ///
    /// # Errors
    /// Says what a name may be.
    pub fn check_name(name: &str) -> Result<(), String> {
        let plain = |character: char| character.is_alphanumeric() || "-_. ".contains(character);
        let fits = (1..=100).contains(&name.chars().count()) && name.trim() == name && name.chars().all(plain);
        match fits {
            true => Ok(()),
            false => Err("a name has 1 to 100 letters, digits, spaces and `-_.`".to_owned()),
        }
    }
}

impl Origin {
    /// As browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "an origin is a scheme and a host, such as https://shop.example or http://localhost:3000".to_owned();
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or_else(wrong)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = port.map(str::parse::<u16>).transpose().map_err(|_| wrong())?;
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            // What browsers send is in ASCII, `xn--` for all else.
            None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        };
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(wrong()),
        };
        match (is_host, port) {
            (false, _) => Err(wrong()),
            (true, Some(port)) if port != own_port => Ok(Self(format!("{scheme}://{host}:{port}"))),
            (true, _) => Ok(Self(format!("{scheme}://{host}"))),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(text.parse::<Origin>().ok().as_ref().map(Origin::as_str), expected, "{text}");
        };
        check("https://shop.example", Some("https://shop.example"));
        check("HTTPS://Shop.Example/", Some("https://shop.example"));
        check("https://shop.example:443", Some("https://shop.example"));
        check("http://shop.example:443", Some("http://shop.example:443"));
        check("http://localhost:3000", Some("http://localhost:3000"));
        check("http://[::1]:3000", Some("http://[::1]:3000"));
        check("http://[::1]", Some("http://[::1]"));
        for wrong in [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://*.shop.example",
            "https://shop.example/path",
            "https://a b",
            "ftp://shop.example",
            "https://shop.example:port",
            "https://shop.example:",
            "https://me@shop.example",
            "https://ü.example",
            "https://[shop]",
            "https://shop.example?x",
            "https://shop.example:99999",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_name_is_one_line_of_letters_and_digits() {
        for name in ["shop", "Shop 2", "käse-laden_1.0", &"x".repeat(100)] {
            assert_eq!(NewApplication::check_name(name), Ok(()), "{name}");
        }
        for name in ["", " shop", "shop ", "a\nb", "<b>", "a,b", &"x".repeat(101)] {
            assert!(NewApplication::check_name(name).is_err(), "{name}");
        }
    }
}
