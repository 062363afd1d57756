//! What a process says of itself on `/metrics`.

use std::net::SocketAddr;

use crate::http::get;

/// One sample: a name with its labels, and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The metric.
    pub name: String,
    /// Its labels, as they are written between the braces.
    pub labels: String,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// Whether the label `name` has this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.labels.contains(&format!("{name}=\"{value}\""))
    }
}

/// The samples of the process that listens on `address`.
///
/// # Errors
///
/// When it does not answer.
pub fn scrape(address: SocketAddr) -> anyhow::Result<Vec<Sample>> {
    Ok(parse(&get(address, "/metrics")?))
}

/// Whether the process that listens on `address` says that it is ready.
pub fn is_ready(address: SocketAddr) -> bool {
    get(address, "/readyz").is_ok()
}

/// The sum of a metric over its samples that have all of these labels.
pub fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let fits =
        |sample: &&Sample| sample.name == name && labels.iter().all(|(name, value)| sample.has(name, value));
    samples.iter().filter(fits).map(|sample| sample.value).sum()
}

fn parse(text: &str) -> Vec<Sample> {
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}');
        Some(Sample { name: name.to_owned(), labels: labels.to_owned(), value: value.parse().ok()? })
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_by_name_and_labels() {
        let samples = parse(
            "# HELP a A\n# TYPE a counter\na{source=\"shop\",rule=\"x\"} 3\na{source=\"shop\",rule=\"y\"} 4\na{source=\"b\"} 1\nb 0.5\n",
        );
        assert_eq!(sum(&samples, "a", &[("source", "shop")]), 7.0);
        assert_eq!(sum(&samples, "a", &[]), 8.0);
        assert_eq!(sum(&samples, "b", &[]), 0.5);
        assert_eq!(sum(&samples, "c", &[]), 0.0);
    }
}
