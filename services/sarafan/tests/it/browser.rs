//! A headless Chromium, driven over its DevTools protocol: pages at a width, in a colour scheme, on paper.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sarafan_localstack::{Launch, Process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

const PATIENCE: Duration = Duration::from_secs(60);

/// Without a sandbox, which root may not have: it is only shown pages of ours. It asks nobody for anything.
const ARGUMENTS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "about:blank",
];

/// How a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// CSS pixels.
    pub(crate) width: u32,
    /// `light` or `dark`.
    pub(crate) scheme: &'static str,
    /// `screen` or `print`.
    pub(crate) media: &'static str,
}

/// A browser with one tab. It ends with the test.
pub(crate) struct Browser {
    socket: WebSocket<TcpStream>,
    tab: String,
    calls: u64,
    complaints: Vec<String>,
    // The process goes before its folder.
    _process: Process,
    _folder: TempDir,
}

impl Browser {
    /// Starts the Chromium of this machine; says so and gives none where there is none.
    pub(crate) fn start() -> Option<Self> {
        let Some(program) = chromium() else {
            eprintln!("skipped: there is no chromium, chromium-browser or google-chrome on the PATH");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let profile = folder.path().join("profile");
        let mut arguments = vec![format!("--user-data-dir={}", profile.display())];
        arguments.extend(ARGUMENTS.map(str::to_owned));
        let launch = Launch { program, arguments, environment: Vec::new(), folder: folder.path().to_owned() };
        let process = Process::new("chromium", launch);
        let place = profile.join("DevToolsActivePort");
        process.start(PATIENCE, || port_and_path(&place).is_some()).unwrap();
        let (port, path) = port_and_path(&place).unwrap();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = tungstenite::client(format!("ws://127.0.0.1:{port}{path}"), stream).unwrap();
        let mut browser = Self {
            socket,
            tab: String::new(),
            calls: 0,
            complaints: Vec::new(),
            _process: process,
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        browser.tab = browser.call("Target.attachToTarget", attach)["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, json!({}));
        }
        Some(browser)
    }

    /// Opens a file, looked at in a way, and waits until it has loaded.
    pub(crate) fn open(&mut self, file: &Path, view: View) {
        let size =
            json!({ "width": view.width, "height": 900, "deviceScaleFactor": 1, "mobile": view.width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!([{ "name": "prefers-color-scheme", "value": view.scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "media": view.media, "features": scheme }));
        self.complaints.clear();
        let opened = self.call("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        assert!(opened["errorText"].is_null(), "{opened}");
        self.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done(0) : addEventListener('load', () => done(0)))",
        );
    }

    /// Opens an address in a window of that size, and waits until its page has loaded.
    pub(crate) fn visit(&mut self, url: &str, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let opened = self.call("Page.navigate", json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{opened}");
        self.evaluate(
            "new Promise(done => document.readyState === 'complete' ? done(0) : addEventListener('load', () => done(0)))",
        );
    }

    /// Makes the window as high as the page, so that all of it can be looked at.
    pub(crate) fn stretch(&mut self, view: View) {
        let height = self.evaluate("document.documentElement.scrollHeight").as_u64().unwrap();
        let size = json!({ "width": view.width, "height": height, "deviceScaleFactor": 1, "mobile": view.width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        // Two frames: one in which the page learns its size, one in which what follows from it is drawn.
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))",
        );
    }

    /// The value of an expression, awaited if it is a promise.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut found = self.call("Runtime.evaluate", parameters);
        assert!(found["exceptionDetails"].is_null(), "{}", found["exceptionDetails"]);
        found["result"]["value"].take()
    }

    /// What the page wrote to the console as errors or warnings since it was opened.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        // Whatever was said before this answer has been read with it.
        self.evaluate("0");
        self.complaints.clone()
    }

    /// A picture of the window, PNG in base 64.
    pub(crate) fn picture(&mut self) -> String {
        self.call("Page.captureScreenshot", json!({ "format": "png" }))["data"].as_str().unwrap().to_owned()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut call = json!({ "id": self.calls, "method": method, "params": parameters });
        if !self.tab.is_empty() {
            call["sessionId"] = json!(self.tab);
        }
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.complaints.extend(complaint(&answer));
        }
    }
}

/// What an event has to say against the page.
fn complaint(event: &Value) -> Option<String> {
    let found = &event["params"];
    let is_bad = |level: &Value| ["error", "warning", "assert"].iter().any(|bad| level == bad);
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(found["exceptionDetails"].to_string()),
        "Runtime.consoleAPICalled" if is_bad(&found["type"]) => Some(found["args"].to_string()),
        "Log.entryAdded" if is_bad(&found["entry"]["level"]) => Some(found["entry"]["text"].to_string()),
        _ => None,
    }
}

fn chromium() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut all = std::env::split_paths(&paths).flat_map(|folder| names.map(|name| folder.join(name)));
    all.find(|path| path.is_file())
}

/// Where the browser listens, once it has written both lines.
fn port_and_path(file: &Path) -> Option<(u16, String)> {
    let text = std::fs::read_to_string(file).ok()?;
    let (port, path) = text.split_once('\n')?;
    Some((port.parse().ok()?, path.trim().to_owned())).filter(|(_, path)| !path.is_empty())
}
