//! Who may do what: the real binary, with keys that its own command made.

mod browser;
mod keys;
mod limits;
mod matrix;
mod secrets;
mod sees;
mod sign_in;

use std::fmt::Write;
use std::path::Path;
use std::sync::Mutex;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use tempfile::TempDir;

use crate::support::Answer;
use crate::support::process::{Process, run};

/// A server in a folder of its own, and what its applications are called with.
struct Server {
    folder: TempDir,
    /// It ends with this.
    _process: Process,
    /// How it is reached, whatever it listens on.
    base: String,
    client: Client,
    /// All that it has said.
    answers: Mutex<String>,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Loopback,
    Everywhere,
}

impl Server {
    /// Starts one in that folder.
    async fn start(folder: TempDir, place: Where, arguments: &[&str]) -> Self {
        let listen = match place {
            Where::Loopback => "127.0.0.1:0",
            Where::Everywhere => "0.0.0.0:0",
        };
        let process = Process::start(folder.path(), &[&["--listen", listen], arguments].concat()).await;
        let base = process.base.replace("0.0.0.0", "127.0.0.1");
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { folder, _process: process, base, client, answers: Mutex::default() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn request(&self, method: Method, path: &str, key: Option<&str>) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match key {
            Some(key) => request.header(AUTHORIZATION, format!("Bearer {key}")),
            None => request,
        }
    }

    /// Sends a request. All that comes back is looked through when the server ends.
    async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await.unwrap() };
        let seen = answer.headers.iter().filter(|(name, _)| **name != SET_COOKIE);
        let mut answers = self.answers.lock().unwrap();
        seen.for_each(|(name, value)| writeln!(answers, "{name}: {value:?}").unwrap());
        writeln!(answers, "{}", answer.text).unwrap();
        answer
    }

    /// Posts something, and gives the answer.
    async fn post(&self, path: &str, key: Option<&str>, body: (&str, String), headers: &[(&str, &str)]) -> Answer {
        let (content_type, body) = body;
        let mut request = self.request(Method::POST, path, key).header(CONTENT_TYPE, content_type).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    async fn status(&self, path: &str, key: Option<&str>) -> u16 {
        self.send(self.request(Method::GET, path, key)).await.status
    }

    /// Asks until there is another answer than that one, and gives it.
    async fn until_not(&self, before: u16, path: &str, key: &str) -> u16 {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
        loop {
            looks.tick().await;
            let status = self.status(path, Some(key)).await;
            if status != before {
                return status;
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            secrets::found_nowhere(&self.answers.lock().unwrap(), &self.folder.path().join("data"));
        }
    }
}

/// Runs `the-eye apps` in a folder, and gives what it prints.
async fn apps(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, &[&["apps"], arguments].concat()).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    if ["create", "rotate"].contains(&arguments[0]) {
        secrets::remember(&printed);
    }
    printed
}

/// What it says where it cannot do that.
async fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments).await;
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}
