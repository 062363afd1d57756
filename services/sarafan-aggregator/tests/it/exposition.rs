//! What an aggregator says of itself on `/metrics`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Labels and value of each sample of one name.
pub(crate) type Samples = Vec<(BTreeMap<String, String>, f64)>;

/// The samples of a process, by name; nothing if nobody listens.
pub(crate) async fn scrape(address: SocketAddr) -> BTreeMap<String, Samples> {
    let mut found: BTreeMap<String, Samples> = BTreeMap::new();
    let text = get(address).await.unwrap_or_default();
    for line in text.lines().filter(|line| line.starts_with("sarafan_")) {
        let Some((series, value)) = line.rsplit_once(' ') else { continue };
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let label = |pair: &str| {
            let (name, value) = pair.split_once("=\"")?;
            Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
        };
        let labels = labels.trim_end_matches('}').split(',').filter_map(label).collect();
        found.entry(name.to_owned()).or_default().push((labels, value.parse().unwrap()));
    }
    found
}

async fn get(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Scrapes until `wanted` holds; the last scrape after two minutes, for machines are busy.
pub(crate) async fn until(
    address: SocketAddr,
    wanted: impl Fn(&BTreeMap<String, Samples>) -> bool,
) -> BTreeMap<String, Samples> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let found = scrape(address).await;
        if wanted(&found) || Instant::now() > deadline {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The partitions that are exported, and whether each is live.
pub(crate) fn partitions(scrape: &BTreeMap<String, Samples>) -> BTreeMap<u16, bool> {
    let samples = scrape.get(sarafan_aggregator::PARTITION_LIVE).cloned().unwrap_or_default();
    samples.into_iter().map(|(labels, value)| (labels["partition"].parse().unwrap(), value > 0.0)).collect()
}

/// Lines of a metric: the values of these labels, then the value; zeros are left out.
pub(crate) fn lines(scrape: &BTreeMap<String, Samples>, name: &str, labels: &[&str]) -> BTreeSet<String> {
    let samples = scrape.get(name).cloned().unwrap_or_default();
    let line = |(found, value): (BTreeMap<String, String>, f64)| {
        let mut cells: Vec<String> = labels.iter().map(|label| found[*label].clone()).collect();
        cells.push(format!("{value:.4}"));
        (value != 0.0).then(|| cells.join(" "))
    };
    samples.into_iter().filter_map(line).collect()
}
