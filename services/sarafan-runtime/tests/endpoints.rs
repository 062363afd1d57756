//! `/metrics`, `/livez` and `/readyz` over real HTTP.
#![allow(clippy::unwrap_used)] // In helpers of tests too, where the lint does not see a test.

use std::net::SocketAddr;
use std::time::Duration;

use sarafan_runtime::service::{Identity, Service, ServiceConfig};
use sarafan_runtime::shutdown::Shutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Status line and body of a GET.
async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

async fn service(shutdown: &Shutdown) -> Service {
    let identity = Identity { role: "ingest", version: "1.2.3" };
    Service::start_with(&ServiceConfig::default(), &identity, shutdown.clone()).await.unwrap()
}

#[tokio::test]
async fn metrics_are_served_as_text() {
    let service = service(&Shutdown::new()).await;
    let counter = prometheus::IntCounter::new("records_total", "Records.").unwrap();
    service.registry().register(Box::new(counter.clone())).unwrap();
    counter.inc_by(3);
    let (status, body) = get(service.address(), "/metrics").await;
    assert_eq!(status, "HTTP/1.0 200 OK");
    assert!(body.contains("\nrecords_total 3\n"), "{body}");
    assert!(body.contains("sarafan_build_info{role=\"ingest\",version=\"1.2.3\"} 1"), "{body}");
}

#[tokio::test]
async fn readiness_lists_what_is_missing_and_ends_with_the_shutdown() {
    let shutdown = Shutdown::new();
    let service = service(&shutdown).await;
    let consumer = service.health().condition("consumer");
    let (status, body) = get(service.address(), "/readyz").await;
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.0 503 Service Unavailable", "consumer: has not started\n")
    );
    consumer.ready();
    assert_eq!(get(service.address(), "/readyz").await, ("HTTP/1.0 200 OK".to_owned(), "ready\n".to_owned()));
    shutdown.request("test");
    while get(service.address(), "/readyz").await.0 != "HTTP/1.0 503 Service Unavailable" {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(service.address(), "/readyz").await.1, "running: draining\n");
    assert!(get(service.address(), "/metrics").await.1.contains("\nsarafan_draining 1\n"));
    assert_eq!(get(service.address(), "/livez").await, ("HTTP/1.0 200 OK".to_owned(), "alive\n".to_owned()));
}

#[tokio::test]
async fn a_task_that_is_silent_for_too_long_makes_the_process_not_alive_until_it_beats() {
    let service = service(&Shutdown::new()).await;
    let task = service.health().heartbeat("consumer", Duration::from_millis(100));
    let mut answer = get(service.address(), "/livez").await;
    while answer.0 != "HTTP/1.0 503 Service Unavailable" {
        tokio::task::yield_now().await;
        answer = get(service.address(), "/livez").await;
    }
    assert_eq!(answer.1, "consumer: silent for 0 s\n");
    // Alive for as long as the silence may last, which is longer than asking takes.
    let task = {
        task.finish();
        service.health().heartbeat("consumer", Duration::from_secs(60))
    };
    task.beat();
    assert_eq!(get(service.address(), "/livez").await.1, "alive\n");
}

#[tokio::test]
async fn an_address_in_use_is_refused_with_its_key() {
    let first = service(&Shutdown::new()).await;
    let config = ServiceConfig { listen: first.address(), ..ServiceConfig::default() };
    let identity = Identity { role: "ingest", version: "1.2.3" };
    let error = Service::start_with(&config, &identity, Shutdown::new()).await.unwrap_err();
    assert_eq!(error.kind(), "listen");
    assert!(error.to_string().ends_with("choose another `service.listen`"), "{error}");
}
