//! A headless Chromium, driven over WebDriver: what a person would do with a page, and what the
//! browser says of it.
//!
//! The protocol is JSON over HTTP and is spoken here with the client that the tests have already.
//! fantoccini would bring 25 more crates (an older `http` and two older `icu` families among them)
//! and thirtyfour 12; both leave DevTools commands and logs, which is half of what is wanted here,
//! to be sent as raw JSON all the same.

mod driver;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

use driver::Driver;

/// How long a page may take to become what a test waits for.
const BOUND: Duration = Duration::from_secs(10);

/// The name that the protocol gives to a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window. It ends with its test, however that ends.
pub struct Browser(Driver);

/// What pages are looked at on.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    pub name: &'static str,
    pub width: u32,
    pub height: u32,
    /// Pixels of the device to one of CSS.
    pub scale: u32,
    /// What the system wishes for: `light` or `dark`.
    pub scheme: &'static str,
}

/// Screens on which every page has to be usable.
pub const SCREENS: [Screen; 4] = [
    Screen { name: "phone-light", width: 360, height: 800, scale: 2, scheme: "light" },
    Screen { name: "phone-dark", width: 360, height: 800, scale: 2, scheme: "dark" },
    Screen { name: "desktop-light", width: 1280, height: 800, scale: 1, scheme: "light" },
    Screen { name: "desktop-dark", width: 1280, height: 800, scale: 1, scheme: "dark" },
];

impl Browser {
    pub async fn start() -> Self {
        Self(Driver::start().await)
    }

    /// Goes there, and returns when all of it is loaded.
    pub async fn open(&self, url: &str) {
        self.command(Method::POST, "/url", json!({ "url": url })).await;
    }

    /// Where it is.
    pub async fn url(&self) -> String {
        text(self.command(Method::GET, "/url", Value::Null).await)
    }

    /// Runs a script in the page, whatever the page's policy: its body, with `arguments`. A promise that it
    /// returns is waited for.
    pub async fn run(&self, script: &str, arguments: impl Into<Vec<Value>>) -> Value {
        let arguments: Vec<Value> = arguments.into();
        self.command(Method::POST, "/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Waits until an expression is true in the page.
    pub async fn wait_for(&self, expression: &str) {
        let script = format!("return Boolean({expression})");
        let mut looks = interval(Duration::from_millis(20));
        let waiting = async {
            while self.run(&script, []).await != true {
                looks.tick().await;
            }
        };
        if timeout(BOUND, waiting).await.is_err() {
            panic!("`{expression}` did not become true on {}: {}", self.url().await, self.text().await);
        }
    }

    /// All text of the page, seen or not.
    pub async fn text(&self) -> String {
        text(self.run("return document.body.textContent", []).await)
    }

    /// The text of the first element of a selector.
    pub async fn text_of(&self, css: &str) -> String {
        text(self.run("return arguments[0].textContent", [self.find(css).await]).await)
    }

    /// A property of each element of a selector.
    pub async fn all(&self, css: &str, property: &str) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map(element => String(element[arguments[1]]))";
        let values = self.run(script, [css.into(), property.into()]).await;
        serde_json::from_value(values).unwrap()
    }

    /// Clicks on the first element of a selector, as a mouse does; where a page follows, waits for it.
    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        self.command(Method::POST, &format!("/element/{}/click", id(&element)), json!({})).await;
    }

    /// Types into a field what it is to hold. A date and a time are picked: which keys do that is for the language
    /// of the system to say.
    pub async fn fill(&self, css: &str, value: &str) {
        let element = self.find(css).await;
        let pick = "const [field, value] = arguments; return field.type.startsWith('date') && !!(field.value = value)";
        if self.run(pick, [element.clone(), value.into()]).await != true {
            self.command(Method::POST, &format!("/element/{}/clear", id(&element)), json!({})).await;
            self.command(Method::POST, &format!("/element/{}/value", id(&element)), json!({ "text": value })).await;
        }
    }

    /// Presses a key so often, given as the character that the protocol has for it (`\u{e004}` is Tab).
    pub async fn press(&self, key: char, times: usize) {
        let stroke = ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key }));
        let strokes: Vec<Value> = stroke.iter().cycle().take(2 * times).cloned().collect();
        let actions = json!([{ "type": "key", "id": "keyboard", "actions": strokes }]);
        self.command(Method::POST, "/actions", json!({ "actions": actions })).await;
    }

    /// Pages are shown on this from now on.
    pub async fn look_on(&self, screen: Screen) {
        let Screen { width, height, scale, scheme, .. } = screen;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// A picture of the page from its top, at most three screens high: a PNG.
    pub async fn picture(&self, screen: Screen) -> Vec<u8> {
        let height = self.run("return document.documentElement.scrollHeight", []).await.as_u64().unwrap();
        let height = height.clamp(screen.height.into(), u64::from(screen.height) * 3);
        let clip = json!({ "x": 0, "y": 0, "width": screen.width, "height": height, "scale": 1 });
        let options = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", options).await;
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }

    /// Sends a command of the DevTools protocol.
    pub async fn devtools(&self, name: &str, parameters: Value) -> Value {
        self.command(Method::POST, "/goog/cdp/execute", json!({ "cmd": name, "params": parameters })).await
    }

    /// What the console has said since this was last asked.
    pub async fn console(&self) -> Vec<String> {
        let lines = self.log("browser").await;
        lines.iter().map(|line| text(line["message"].clone())).collect()
    }

    /// The URLs of all that was requested since this was last asked.
    pub async fn requests(&self) -> Vec<String> {
        let events = self.log("performance").await.into_iter().map(|line| {
            let event: Value = serde_json::from_str(line["message"].as_str().unwrap()).unwrap();
            event["message"].clone()
        });
        let requests = events.filter(|event| event["method"] == "Network.requestWillBeSent");
        requests.map(|event| text(event["params"]["request"]["url"].clone())).collect()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        serde_json::from_value(self.command(Method::POST, "/se/log", json!({ "type": kind })).await).unwrap()
    }

    /// The first element of a selector, as the protocol refers to it.
    async fn find(&self, css: &str) -> Value {
        let what = json!({ "using": "css selector", "value": css });
        match self.0.session_command(Method::POST, "/element", &what).await {
            Ok(element) => element,
            Err(problem) => panic!("{problem}\non {}: {}", self.url().await, self.text().await),
        }
    }

    async fn command(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.0.session_command(method, path, &body).await;
        answer.unwrap_or_else(|problem| panic!("{path}: {problem}"))
    }
}

fn id(element: &Value) -> &str {
    element[ELEMENT].as_str().unwrap()
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => panic!("it is no text: {other}"),
    }
}
