//! A `postgres://` URL, read: where the server is, and how the connection to it is secured.
//!
//! The words are libpq's. `sslmode` and `sslrootcert` are read here, since the driver knows only
//! some of them; all else is the driver's to read. Messages never show the URL: it may hold a
//! password.

use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// How long a connection may take to be made, and what is sent may stay unanswered.
const CONNECT: Duration = Duration::from_secs(5);
const UNANSWERED: Duration = Duration::from_secs(15);

/// What a URL says.
#[derive(Debug, Clone)]
pub(super) struct Url {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    /// Nothing: `disable`, `prefer`, and `require` where no certificates are named.
    Unchecked,
    /// That it is signed by one we trust: `verify-ca`.
    Signed(Roots),
    /// That it is also the host's: `verify-full`.
    Full(Roots),
}

/// Which certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the system.
    System,
    /// Those of a PEM file.
    File(PathBuf),
}

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let mut mode = "prefer".to_owned();
        let mut roots = None;
        let mut rest = Vec::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value =
                || percent_decode_str(value).decode_utf8().map_err(|_| format!("{name} is no text")).map(String::from);
            match name {
                "sslmode" => mode = value()?,
                "sslrootcert" => roots = Some(value()?),
                _ => rest.push(parameter),
            }
        }
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // What the driver says names the parameter; its own words are only «invalid configuration string».
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        })?;
        if config.get_hosts().is_empty() {
            return Err("it names no host".to_owned());
        }
        if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            return Err("its host holds an `@`: write that of a password as %40".to_owned());
        }
        let (driver, tls) = secured(&mode, roots)?;
        config.ssl_mode(driver);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNANSWERED);
        }
        config.keepalives_idle(UNANSWERED);
        if config.get_application_name().is_none() {
            config.application_name("the-eye");
        }
        Ok(Self { config, tls })
    }

    /// The server and the database, without secrets, for people.
    pub(super) fn name(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        });
        let ports = self.config.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let hosts: Vec<_> = hosts.enumerate().map(|(index, host)| format!("{host}:{}", port(index))).collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("postgres://{}/{database}", hosts.join(","))
    }
}

fn secured(mode: &str, roots: Option<String>) -> Result<(SslMode, Tls), String> {
    let named = roots.map(|roots| if roots == "system" { Roots::System } else { Roots::File(roots.into()) });
    let trusted = || named.clone().unwrap_or(Roots::System);
    Ok(match mode {
        "disable" => (SslMode::Disable, Tls::Unchecked),
        "prefer" => (SslMode::Prefer, Tls::Unchecked),
        // As libpq does it: certificates that are named are asked for.
        "require" => (SslMode::Require, named.clone().map_or(Tls::Unchecked, Tls::Signed)),
        "verify-ca" => (SslMode::Require, Tls::Signed(trusted())),
        "verify-full" => (SslMode::Require, Tls::Full(trusted())),
        _ => return Err("sslmode must be disable, prefer, require, verify-ca or verify-full".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, mode: SslMode, tls: Tls) {
        let url = Url::parse(url).unwrap();
        assert_eq!((url.config.get_ssl_mode(), url.tls), (mode, tls));
    }

    #[test]
    fn sslmode_has_libpqs_words() {
        let file = || Roots::File("/ca.pem".into());
        check("postgres://h/d", SslMode::Prefer, Tls::Unchecked);
        check("postgres://h/d?sslmode=disable", SslMode::Disable, Tls::Unchecked);
        check("postgres://h/d?sslmode=require", SslMode::Require, Tls::Unchecked);
        check("postgres://h/d?sslmode=require&sslrootcert=/ca.pem", SslMode::Require, Tls::Signed(file()));
        check("postgres://h/d?sslmode=verify-ca&sslrootcert=%2Fca.pem", SslMode::Require, Tls::Signed(file()));
        check("postgres://h/d?sslmode=verify-full", SslMode::Require, Tls::Full(Roots::System));
        check("postgres://h/d?sslrootcert=system&sslmode=verify-full", SslMode::Require, Tls::Full(Roots::System));
        for url in [
            "postgres://h/d?sslmode=yes",
            "postgres://h/d?unknown=1",
            "postgres:///d",
            "postgres://h:port/d",
            "postgres://a:b@c@h/d",
        ] {
            assert!(Url::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn names_have_no_secrets() {
        let name = |url| Url::parse(url).unwrap().name();
        assert_eq!(name("postgres://me:secret@one:1,two:2/d?connect_timeout=3"), "postgres://one:1,two:2/d");
        assert_eq!(name("postgresql://me:secret@host"), "postgres://host:5432/me");
        let error = Url::parse("postgres://me:secret@host/d?sslmode=x").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
