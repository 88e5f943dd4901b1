//! TLS to both servers: a certificate is checked as far as the URL asks for it.

use std::path::{Path, PathBuf};

use crate::support::page_view;
use crate::support::process::{Process, command};
use crate::support::servers::{self, Postgres, Redis};

/// A certificate authority, and a certificate of it for that host.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    async fn new(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let openssl = async |arguments: &[&str]| {
            let output = tokio::process::Command::new("openssl")
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .await
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let authority = ["req", "-x509", "-subj", "/CN=an authority", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(&[&authority[..], &key].concat()).await;
        let name = format!("subjectAltName={host}");
        let signed = ["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=a server", "-addext", &name];
        let files = ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "server.key", "-out", "server.pem"];
        openssl(&[&signed[..], &files, &key].concat()).await;
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        path.to_str().unwrap().to_owned()
    }
}

/// How an event is answered by The Eye on those servers.
async fn answer(folder: &Path, variables: &[(&str, &str)]) -> u16 {
    let eye = Process::start_with(folder, &["--listen", "127.0.0.1:0"], variables).await;
    let request =
        reqwest::Client::new().post(format!("{}/events", eye.base)).header("content-type", "application/json");
    let answer = request.header("prefer", "wait=10").body(page_view().to_string()).send().await.unwrap();
    let status = answer.status().as_u16();
    eye.kill().await;
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_checked_as_sslmode_says() {
    let (certificates, other) = (Certificates::new("IP:127.0.0.1").await, Certificates::new("IP:127.0.0.1").await);
    let elsewhere = Certificates::new("DNS:elsewhere.example").await;
    let mut servers = Vec::new();
    for certificates in [&certificates, &elsewhere] {
        let (certificate, key) = (certificates.path("server.pem"), certificates.path("server.key"));
        let settings = [("ssl", "on"), ("ssl_cert_file", certificate.as_str()), ("ssl_key_file", key.as_str())];
        servers.push(Postgres::start_with(&settings).await);
    }
    let plain = Postgres::start().await;
    let (ca, other_ca, elsewhere_ca) = (certificates.path("ca.pem"), other.path("ca.pem"), elsewhere.path("ca.pem"));
    let full = |ca: &str| format!("sslmode=verify-full&sslrootcert={ca}");
    let signed = |ca: &str| format!("sslmode=verify-ca&sslrootcert={ca}");
    let rows = [
        (&servers[0], full(&ca), true),
        (&servers[0], full(&other_ca), false),
        (&servers[0], signed(&ca), true),
        (&servers[0], signed(&other_ca), false),
        (&servers[0], "sslmode=require".to_owned(), true),
        (&servers[0], "sslmode=verify-full&sslrootcert=system".to_owned(), false),
        (&servers[1], full(&elsewhere_ca), false),
        (&servers[1], signed(&elsewhere_ca), true),
        (&servers[1], format!("sslmode=require&sslrootcert={elsewhere_ca}"), true),
        (&servers[1], "sslmode=prefer".to_owned(), true),
        (&plain, full(&ca), false),
        (&plain, "sslmode=require".to_owned(), false),
        (&plain, "sslmode=prefer".to_owned(), true),
    ];
    for (server, parameters, expected) in rows {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("{}?{parameters}", server.url());
        let arguments = ["--listen", "127.0.0.1:0"];
        let mut eye = Process::spawn(command(folder.path(), &arguments, &[("EYE_DATABASE_URL", &url)]));
        let line =
            eye.line_with(&["the database is ready", "waiting for the database", "cannot use the database"]).await;
        assert_eq!(line.contains("is ready"), expected, "{parameters}: {line}");
        eye.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_checked_against_the_certificates_of_the_system() {
    let (certificates, other) = (Certificates::new("IP:127.0.0.1").await, Certificates::new("IP:127.0.0.1").await);
    let [certificate, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| certificates.path(name));
    let redis = Redis::start_with(&[
        ("tls-cert-file", &certificate),
        ("tls-key-file", &key),
        ("tls-ca-cert-file", &ca),
        ("tls-auth-clients", "no"),
    ])
    .await;
    assert!(redis.url().starts_with("rediss://"));
    let folder = tempfile::tempdir().unwrap();
    let (postgres, url, other_ca) = (servers::new_schema().await, redis.url(), other.path("ca.pem"));
    let variables =
        |ca| [("EYE_DATABASE_URL", postgres.as_str()), ("EYE_QUEUE_URL", url.as_str()), ("SSL_CERT_FILE", ca)];
    assert_eq!(answer(folder.path(), &variables(&ca)).await, 201);
    assert_eq!(answer(folder.path(), &variables(&other_ca)).await, 503);
}
