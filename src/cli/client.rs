//! What commands ask of a server that runs: only that may write to an embedded queue.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::Failure;
use crate::config::{Config, Secret};

/// How long a request may take; to put a large file together anew takes its time.
const PATIENCE: Duration = Duration::from_secs(60);
const LONG_PATIENCE: Duration = Duration::from_secs(3600);

/// How often a request is tried, and how long between: the server says a second.
const TRIES: usize = 30;
const PAUSE: Duration = Duration::from_secs(1);

/// Where the server is, and with which key it is asked.
#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct ServerArguments {
    /// Where the server is [default: http:// and the address of --listen]
    #[arg(long)]
    url: Option<String>,

    /// An admin key, where the server asks for one; the variable is seen by nobody else
    #[arg(long, env = "EYE_KEY", hide_env_values = true)]
    key: Option<Secret>,
}

/// A client of one server.
pub(super) struct Client {
    agent: Agent,
    root: String,
    key: Option<Secret>,
}

impl Client {
    pub(super) fn new(arguments: ServerArguments, config: &Config) -> Self {
        let ServerArguments { url, key } = arguments;
        let root = url.unwrap_or_else(|| format!("http://{}", config.listen));
        Self { agent: agent(), root: root.trim_end_matches('/').to_owned(), key }
    }

    /// Posts JSON, and gives the answer.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<String, Failure> {
        self.ask(path, |url| {
            let request = self.agent.post(url).header("Content-Type", "application/json");
            self.with_key(request.header("Accept", "application/json")).send(body)
        })
    }

    /// Deletes something, and gives the answer.
    pub(super) fn delete(&self, path: &str) -> Result<String, Failure> {
        self.ask(path, |url| {
            let request = self.agent.delete(url).config().timeout_global(Some(LONG_PATIENCE)).build();
            self.with_key(request.header("Accept", "application/json")).call()
        })
    }

    /// Asks; again, where the server has no room for it just now.
    fn ask(
        &self,
        path: &str,
        send: impl Fn(&str) -> Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<String, Failure> {
        let url = format!("{}{path}", self.root);
        // What is asked for may be somebody's name.
        let failed = |problem: String| Failure::Other(format!("cannot ask {}: {problem}", self.root));
        for _ in 0..TRIES {
            let mut answer = send(&url).map_err(|error| failed(error.to_string()))?;
            let text = answer.body_mut().read_to_string().map_err(|error| failed(error.to_string()))?;
            if answer.status().is_success() {
                return Ok(text);
            }
            if answer.status() != 503 {
                return Err(failed(format!("the server answered {}: {}", answer.status().as_u16(), plain(&text))));
            }
            std::thread::sleep(PAUSE);
        }
        Err(failed("the server has no room, or its database is away".to_owned()))
    }

    fn with_key<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.key {
            Some(key) => request.header("Authorization", format!("Bearer {}", key.reveal())),
            None => request,
        }
    }
}

/// That no server of The Eye would answer so.
pub(super) fn not_ours() -> Failure {
    Failure::Other("that is no server of The Eye".to_owned())
}

/// A text in which nothing controls the terminal.
pub(super) fn plain(text: &str) -> String {
    let escaped = |character: char| match character {
        ' '..='~' => character.to_string(),
        other => other.escape_unicode().to_string(),
    };
    text.chars().map(escaped).collect()
}

fn agent() -> Agent {
    let certificates = rustls_native_certs::load_native_certs().certs;
    let certificates: Vec<_> = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Agent::config_builder().tls_config(tls).timeout_global(Some(PATIENCE)).http_status_as_error(false);
    config.build().into()
}
