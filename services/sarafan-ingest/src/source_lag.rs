//! How far ingest is behind each source, as gauges that are worked out when they are read: they grow even while nothing
//! else moves.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{GaugeVec, IntGaugeVec, Opts};
use sarafan_stream::{TopicPartition, Unread, Waiting};

use crate::metrics::{SOURCE_LAG_RECORDS, SOURCE_LAG_SECONDS};

/// Lag by source, over the partitions that this process owns.
pub(crate) struct SourceLag {
    unread: Unread,
    /// Topic -> source.
    sources: HashMap<String, String>,
    records: IntGaugeVec,
    seconds: GaugeVec,
    /// One scrape at a time fills the gauges.
    filling: Mutex<()>,
}

impl SourceLag {
    /// Of these topics with their sources.
    pub(crate) fn new(
        unread: Unread,
        sources: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, prometheus::Error> {
        let records = Opts::new(SOURCE_LAG_RECORDS, "Records of the source that were not read yet");
        let seconds = Opts::new(SOURCE_LAG_SECONDS, "Age of the oldest record that was not read yet");
        Ok(Self {
            unread,
            sources: sources.into_iter().collect(),
            records: IntGaugeVec::new(records, &["source"])?,
            seconds: GaugeVec::new(seconds, &["source"])?,
            filling: Mutex::new(()),
        })
    }

    /// Records and age of the oldest one in milliseconds, by source.
    fn by_source(&self, partitions: &[(TopicPartition, Waiting)], now_ms: i64) -> BTreeMap<&str, (i64, i64)> {
        let mut found: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (partition, waiting) in partitions {
            let Some(source) = self.sources.get(&*partition.topic) else { continue };
            let (records, oldest) = found.entry(source).or_default();
            *records += waiting.records;
            *oldest = (*oldest).max(waiting.age_ms(now_ms));
        }
        found
    }
}

impl Collector for SourceLag {
    fn desc(&self) -> Vec<&Desc> {
        [self.records.desc(), self.seconds.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let _one = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        self.records.reset();
        self.seconds.reset();
        for (source, (records, oldest_ms)) in self.by_source(&self.unread.partitions(), now_ms) {
            self.records.with_label_values(&[source]).set(records);
            self.seconds.with_label_values(&[source]).set(oldest_ms as f64 / 1e3);
        }
        [self.records.collect(), self.seconds.collect()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_as_late_as_its_latest_partition_and_lacks_the_records_of_all() {
        let sources = [("orders", "shop"), ("refunds", "shop"), ("answers", "surveys")];
        let sources = sources.map(|(topic, source)| (topic.to_owned(), source.to_owned()));
        let lag = SourceLag::new(Unread::default(), sources).unwrap();
        let waiting = |topic: &str, n, records, since_ms| {
            (TopicPartition::new(topic, n), Waiting { records, since_ms })
        };
        let partitions = [
            waiting("orders", 0, 3, 9_000),
            waiting("orders", 1, 0, 1_000),
            waiting("refunds", 0, 4, 8_000),
            waiting("answers", 0, 0, 2_000),
            waiting("somebody_elses", 0, 7, 0),
        ];
        let found = lag.by_source(&partitions, 10_000);
        assert_eq!(found, BTreeMap::from([("shop", (7, 2_000)), ("surveys", (0, 0))]));
    }
}
