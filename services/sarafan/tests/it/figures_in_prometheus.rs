//! The recorded figures, on the real program: those of the views while the counts are whole, and otherwise none.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sarafan_localstack::{Prometheus, Target};

use crate::monitoring::{MINUTES_TO_SECONDS, fires, start, target, value};
use crate::world::{Service, World, deploy, record};

/// METRICS 2: 10 detractors, 20 passives, 70 promoters.
const SCORES: [(usize, u8); 3] = [(10, 3), (20, 8), (70, 10)];
const KNOWN: [(&str, f64); 3] =
    [("sarafan:nps", 60.0), ("sarafan:nps_low", 45.270), ("sarafan:nps_high", 71.235)];
const SERIES: &str = r#"{survey="after_delivery", population="customers", window_days="30", period="rolling", dimension="all"}"#;
/// What the objective allows until a figure is absent.
const A_MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_recorded_nps_is_that_of_the_view_or_absent_whoever_dies_or_lingers() {
    let text = std::fs::read_to_string(deploy("config/minimal.toml")).unwrap();
    let world = World::migrated("figures", &text, &[]);
    let ingest = world.start("ingest", "ingest", &[]);
    let [first, second] = ["first", "second"].map(|name| world.start("aggregate", name, &[]));
    let targets: Vec<Target> =
        [&first, &second].map(|service| target("sarafan-aggregator", service.address)).to_vec();
    let prometheus = start(&world, &targets, MINUTES_TO_SECONDS);
    send_answers(&world);
    let known = |figure: &str| value(&prometheus, &format!("{figure}{SERIES}"));
    world.wait_until("the figure is known", || known("sarafan:nps") == Some(60.0));
    for (figure, expected) in KNOWN {
        let found = known(figure).unwrap();
        assert!((found - expected).abs() < 6e-4, "{figure}: {found}");
        let view = world.scalar(&format!(
            "SELECT {} FROM nps WHERE survey = 'after_delivery' AND population = 'customers' AND window_days = 30 AND dimension = 'all'",
            figure.trim_start_matches("sarafan:")
        ));
        assert!(
            (found - view.parse::<f64>().unwrap()).abs() < 1e-9,
            "{figure}: {found}, the view says {view}"
        );
    }

    let (seen, over) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| watch(&prometheus, &seen, &over));
        let watched = Watched { over: &over };
        a_killed_owner_makes_it_absent(&world, &prometheus, &first);
        a_stale_exporter_makes_it_absent(&world, &prometheus, &targets, &second);
        no_aggregator_makes_it_absent_and_is_an_alert(&world, &prometheus, &second);
        drop(watched);
    });
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from(["60".to_owned()]), "other values than the known one");
    ingest.stop();
}

/// Ends the watching, also when a test fails in between.
struct Watched<'a> {
    over: &'a AtomicBool,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Collects every value that the figure ever has.
fn watch(prometheus: &Prometheus, seen: &Mutex<BTreeSet<String>>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        if let Some(value) = value(prometheus, &format!("sarafan:nps{SERIES}")) {
            seen.lock().unwrap().insert(value.to_string());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn send_answers(world: &World) {
    let topic = world.source_topic(1);
    let now = jiff::Timestamp::now();
    let scores = SCORES.iter().flat_map(|(count, score)| std::iter::repeat_n(score, *count));
    let answer = |(number, score): (usize, &u8)| {
        let line = format!(
            r#"{{"answer_id": "a{number}", "customer_id": "c{number}", "answered_at": "{now}", "score": {score}}}"#
        );
        record(&topic, line)
    };
    world.produce(scores.enumerate().map(answer));
    world.wait_for_views(100);
}

fn whole(prometheus: &Prometheus) -> bool {
    value(prometheus, &format!("sarafan:nps{SERIES}")).is_some()
}

fn wait_until_absent(world: &World, prometheus: &Prometheus, since: Instant, why: &str) {
    world.wait_until(why, || !whole(prometheus));
    assert!(since.elapsed() < A_MINUTE, "{why}: {:?}", since.elapsed());
}

/// SIGKILL: until the other has its partitions there is no figure.
fn a_killed_owner_makes_it_absent(world: &World, prometheus: &Prometheus, owner: &Service) {
    let since = Instant::now();
    owner.process.kill().unwrap();
    wait_until_absent(world, prometheus, since, "the NPS is absent after a kill");
    world.wait_until("the other has all partitions", || whole(prometheus));
}

/// Somebody serves what an owner once said.
fn a_stale_exporter_makes_it_absent(
    world: &World,
    prometheus: &Prometheus,
    targets: &[Target],
    owner: &Service,
) {
    let copy = metrics_of(owner.address);
    assert!(copy.contains("sarafan_partition_live"), "{copy}");
    let lingering = Lingering::serve(copy);
    let since = Instant::now();
    let with_copy = [targets, &[target("sarafan-aggregator", lingering.address)]].concat();
    prometheus.scrape(&with_copy).unwrap();
    wait_until_absent(world, prometheus, since, "the NPS is absent beside a stale copy");
    prometheus.scrape(targets).unwrap();
    world.wait_until("the copy is forgotten", || whole(prometheus));
}

fn no_aggregator_makes_it_absent_and_is_an_alert(world: &World, prometheus: &Prometheus, last: &Service) {
    let since = Instant::now();
    last.process.kill().unwrap();
    wait_until_absent(world, prometheus, since, "the NPS is absent without aggregators");
    world.wait_until("operators are told", || {
        fires(prometheus, "SarafanServiceMissing", &[("role", "aggregator"), ("deployment", "test")])
            && fires(prometheus, "SarafanTargetDown", &[("deployment", "test")])
    });
}

fn metrics_of(address: SocketAddr) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// A server that says the same to everybody, until the process ends.
struct Lingering {
    address: SocketAddr,
}

impl Lingering {
    fn serve(text: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let head =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n";
                // A scrape that went away is repeated a second later.
                if stream.read(&mut request).is_ok() {
                    let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{text}", text.len());
                }
            }
        });
        Self { address }
    }
}
