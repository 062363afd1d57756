//! The section `[topics]`: the topics that are Sarafan's own. Source topics are the user's and stand in `[[source]]`.

use serde::Deserialize;

/// Names of Sarafan's own topics, and how they are made when they are missing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicsSection {
    /// Canonical events, keyed by customer.
    pub events: String,
    /// Dead letters.
    pub dead_letters: String,
    /// Partitions of the canonical topic when it is made. It never grows: choose for the peak to come.
    pub partitions: u32,
    /// Replicas of each partition when topics are made.
    pub replication: u32,
}

impl Default for TopicsSection {
    fn default() -> Self {
        Self {
            events: "sarafan.events.v1".to_owned(),
            dead_letters: "sarafan.dlq.v1".to_owned(),
            partitions: 12,
            replication: 1,
        }
    }
}
