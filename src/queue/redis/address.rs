//! A `redis://` URL, read: where the server is, and what is before all keys in it.

use redis::{Client, IntoConnectionInfo};

use super::link::message;

/// A URL that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the queue `{server}`: {problem}")]
pub struct RedisOpenError {
    /// The server.
    pub server: String,
    /// What is wrong.
    pub problem: String,
}

/// The server of a URL, and the prefix of the keys in it. Messages never show the URL: it may hold
/// a password.
pub(super) fn client(url: &str) -> Result<(Client, String), RedisOpenError> {
    let failed = |problem: String| RedisOpenError { server: "redis:".to_owned(), problem };
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut prefix = "eye".to_owned();
    let mut rest = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("prefix", value)) if !value.is_empty() => value.clone_into(&mut prefix),
            Some(("protocol", _)) => rest.push(parameter),
            _ => return Err(failed("it knows the parameters `prefix` and `protocol` alone".to_owned())),
        }
    }
    let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    if url.starts_with("rediss:") {
        // rustls panics where two are compiled in and none is chosen; a host's own choice stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let info = url.into_connection_info().map_err(|error| failed(message(&error)))?;
    let client = Client::open(info).map_err(|error| failed(message(&error)))?;
    Ok((client, prefix))
}

/// The server, without secrets, for people.
pub(super) fn name(client: &Client) -> String {
    format!("redis://{}", client.get_connection_info().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_a_prefix_and_messages_no_secrets() {
        let prefix = |url| client(url).map(|(_, prefix)| prefix).map_err(|error| error.to_string());
        assert_eq!(prefix("redis://me:secret@host/1"), Ok("eye".to_owned()));
        assert_eq!(prefix("redis://host?prefix=other&protocol=resp3"), Ok("other".to_owned()));
        for url in ["redis://me:secret@host?wrong=1", "redis://me:secret@:port", "redis://me:secret@host/number"] {
            let error = prefix(url).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(name(&client("rediss://me:secret@host:7/1").unwrap().0), "redis://host:7");
    }
}
