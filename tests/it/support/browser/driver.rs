//! One chromedriver with one session, on a free port, and how both end.
//!
//! Each test has its own: under nextest a test is a process, and a shared one would have to outlive
//! it. Everything that the browser writes is in a temporary folder.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer or an end may take.
const BOUND: Duration = Duration::from_secs(60);

pub(super) struct Driver {
    child: Child,
    port: u16,
    session: String,
    client: reqwest::Client,
    /// The browser's profile and what else it writes.
    _folder: TempDir,
}

impl Driver {
    pub(super) async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("the-eye-browser.").tempdir().unwrap();
        let browser = browser_bound_to_its_driver(folder.path());
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "chromedriver", "--port=0"]).env("TMPDIR", folder.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let client = reqwest::Client::builder().timeout(BOUND).build().unwrap();
        let mut driver = Self { child, port: 0, session: String::new(), client, _folder: folder };
        driver.port = driver.port_it_names();
        let options = json!({
            "binary": browser,
            // No sandbox: it refuses to be made by root, as whom tests run in containers.
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--lang=en-GB"],
        });
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": logs });
        let session =
            driver.send(Method::POST, "/session", &json!({ "capabilities": { "alwaysMatch": wanted } })).await;
        let session = session.unwrap_or_else(|problem| panic!("Chromium does not start: {problem}"));
        driver.session = session["sessionId"].as_str().unwrap().to_owned();
        driver
    }

    /// Sends a command of the session; the error says what the browser says.
    pub(super) async fn session_command(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        self.send(method, &format!("/session/{}{path}", self.session), body).await
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let body = if method == Method::GET { String::new() } else { body.to_string() };
        let answer = self.client.request(method, url).body(body).send().await.unwrap();
        let done = answer.status().is_success();
        let mut answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let value = answer["value"].take();
        match done {
            true => Ok(value),
            false => Err(format!("{}: {}", value["error"], value["message"])),
        }
    }

    /// The port that it says it listens on.
    fn port_it_names(&mut self) -> u16 {
        let lines = BufReader::new(self.child.stdout.as_mut().expect("it is a pipe")).lines().map_while(Result::ok);
        let port = |line: String| line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok();
        lines.into_iter().find_map(port).unwrap_or_else(|| panic!("chromedriver does not start: {MISSING}"))
    }
}

impl Drop for Driver {
    /// Ends the browser, and then its driver, which else would leave it behind.
    fn drop(&mut self) {
        let shut_down = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(BOUND))?;
            stream.write_all(b"GET /shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            stream.read(&mut [0])
        };
        let _ = shut_down();
        let _ = self.child.kill();
        let _ = self.child.wait();
        // The folder can be removed once the last process is gone, which all hold this output.
        if let Some(mut stdout) = self.child.stdout.take() {
            let _ = stdout.read_to_end(&mut Vec::new());
        }
    }
}

const MISSING: &str =
    "the tests of pages need the Debian packages chromium and chromium-driver, which script/test installs";

/// A program that starts Chromium so that it is gone when its driver is, even when that is killed.
fn browser_bound_to_its_driver(folder: &Path) -> String {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let is_there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let name = names.iter().find(is_there).unwrap_or_else(|| panic!("{MISSING}"));
    let program = folder.join("browser");
    fs::write(&program, format!("#!/bin/sh\nexec setpriv --pdeathsig KILL -- {name} \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    program.to_str().unwrap().to_owned()
}
