//! Alertmanager as it is deployed, with somebody who listens at each of its receivers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sarafan_localstack::{Alertmanager, Checker, alertmanager, silent};
use serde_json::{Value, json};

use crate::world::deploy;

/// Receiver and name of an alert, in the order in which they were told.
type Told = Arc<Mutex<Vec<(String, String)>>>;

/// The deployed routing and those whom it tells.
pub(crate) struct Receivers {
    pub(crate) alertmanager: Alertmanager,
    told: Told,
}

impl Receivers {
    /// Starts Alertmanager with `deploy/alertmanager/alertmanager.yml`: each receiver gets an address, and a message waits
    /// for others of its group for a second, not for half a minute and more. Routes and inhibitions stay as they are. None
    /// on a machine that has no Alertmanager and cannot build one.
    pub(crate) fn start() -> Option<Self> {
        let program = match alertmanager(&silent).unwrap() {
            Checker::Program(program) => program,
            Checker::Missing(line) => {
                eprintln!("not tested: who is told of alerts: {line}");
                return None;
            }
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let text = std::fs::read_to_string(deploy("alertmanager/alertmanager.yml")).unwrap();
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        hasten(&mut config["route"]);
        for receiver in config["receivers"].as_array_mut().unwrap() {
            let url = format!("http://{address}/{}", receiver["name"].as_str().unwrap());
            receiver["webhook_configs"] = json!([{ "url": url }]);
        }
        let told = Told::default();
        let listening = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // What went wrong is sent again.
                let _ = listen(stream, &listening);
            }
        });
        // JSON is YAML with the quoting done.
        let alertmanager = Alertmanager::start(&program, &config.to_string(), &silent).unwrap();
        Some(Self { alertmanager, told })
    }

    /// Whether a receiver was told of an alert.
    pub(crate) fn was_told(&self, receiver: &str, alert: &str) -> bool {
        self.told.lock().unwrap().iter().any(|told| told.0 == receiver && told.1 == alert)
    }

    /// All that were told of an alert.
    pub(crate) fn told_of(&self, alert: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let mut receivers: Vec<_> = told.iter().filter(|t| t.1 == alert).map(|t| t.0.clone()).collect();
        receivers.sort();
        receivers.dedup();
        receivers
    }
}

/// A route and those below it: how long a group waits.
fn hasten(route: &mut Value) {
    for wait in ["group_wait", "group_interval"] {
        if route.get(wait).is_some() {
            route[wait] = json!("1s");
        }
    }
    for below in route["routes"].as_array_mut().into_iter().flatten() {
        hasten(below);
    }
}

/// One message: its path is the receiver, its body the alerts.
fn listen(stream: TcpStream, told: &Told) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let receiver = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(found) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = found.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let message: Value = serde_json::from_slice(&body)?;
    for alert in message["alerts"].as_array().into_iter().flatten() {
        let name = alert["labels"]["alertname"].as_str().unwrap_or_default();
        told.lock().unwrap().push((receiver.clone(), name.to_owned()));
    }
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
