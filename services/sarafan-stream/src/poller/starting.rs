//! Starting partitions where the owner says.

use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tracing::{debug, warn};

use super::Poller;
use crate::group::offsets_list;
use crate::partition::{Generation, TopicPartition};

/// How long a seek may take before it is tried again.
const SEEK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the client may be in no state to seek a partition that it was just given, before it is given it anew.
const STATE_PATIENCE: Duration = Duration::from_millis(500);

/// A partition that is to be read from an offset on.
#[derive(Debug)]
pub(crate) struct Starting {
    partition: TopicPartition,
    generation: Generation,
    offset: i64,
    since: Instant,
}

impl From<(TopicPartition, Generation, i64)> for Starting {
    fn from((partition, generation, offset): (TopicPartition, Generation, i64)) -> Self {
        Self { partition, generation, offset, since: Instant::now() }
    }
}

impl Poller {
    /// Seeks and resumes what waits to be started. Only after the seek may records pass: what was fetched before it
    /// has been thrown away by then.
    pub(super) fn try_starts(&mut self) {
        {
            let ownership = self.ownership.lock();
            self.starting.retain(|s| ownership.is_current(&s.partition, s.generation));
            // One that is read already goes on where it is by now.
            for start in &mut self.starting {
                start.offset = ownership.next(&start.partition).unwrap_or(start.offset);
            }
        }
        if self.starting.is_empty() {
            return;
        }
        let sought = offsets_list(self.starting.iter().map(|s| (&s.partition, Offset::Offset(s.offset))))
            .and_then(|list| self.consumer.seek_partitions(list, SEEK_TIMEOUT));
        let sought = match sought {
            Ok(sought) => sought,
            Err(error) => {
                warn!(%error, "partitions could not be started yet");
                self.metrics.retries_seek.inc();
                return;
            }
        };
        let starting = std::mem::take(&mut self.starting);
        let mut started = Vec::new();
        for start in starting {
            let Starting { partition, generation, offset, since } = &start;
            let outcome = match sought.find_partition(&partition.topic, partition.partition) {
                Some(element) => element.error().or_else(|error| self.start_anew(error, &start)),
                None => Err(KafkaError::Seek("the client left the partition out".to_owned())),
            };
            match outcome {
                Ok(()) if self.ownership.lock().start(partition, *generation, *offset) => {
                    started.push(start.partition);
                }
                Ok(()) => {}
                Err(error) => {
                    debug!(%partition, %error, waited = ?since.elapsed(), "not ready to start yet");
                    self.metrics.retries_seek.inc();
                    self.starting.push(start);
                }
            }
        }
        if !self.flow.is_paused() {
            self.resume(&started);
        }
    }

    /// A partition on which the client has given up cannot be sought: it is assigned anew, at the offset.
    fn start_anew(&self, error: KafkaError, start: &Starting) -> KafkaResult<()> {
        let given_up = error.rdkafka_error_code() == Some(RDKafkaErrorCode::State);
        if !given_up || start.since.elapsed() < STATE_PATIENCE {
            return Err(error);
        }
        let Starting { partition, offset, .. } = start;
        warn!(%partition, offset, "the client has given up the partition: it is assigned anew");
        let list = offsets_list([(partition, Offset::Offset(*offset))])?;
        self.consumer.incremental_unassign(&list)?;
        self.consumer.incremental_assign(&list)
    }

    /// True if the client complains of an offset that a partition does not hold, and may mean one that waits to be started.
    /// Such a one was assigned at a number that means nothing, and paused at once; a fetch that was under way by then comes
    /// back with the complaint if the topic has lost its first records.
    pub(super) fn is_of_a_held_partition(&self, error: &KafkaError) -> bool {
        let out_of_range = KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset);
        *error == out_of_range && self.ownership.lock().holds_any()
    }

    /// The client does not say of which partition it complains, and has given that one up. If it was one that is being
    /// read, it complains again when that is started again where it was.
    pub(super) fn start_again(&mut self) {
        debug!("an offset that is not there, perhaps of a partition that waits to be started");
        let reading = self.ownership.lock().reading();
        let known =
            |partition: &TopicPartition| self.starting.iter().any(|start| start.partition == *partition);
        let again: Vec<Starting> =
            reading.into_iter().filter(|(partition, ..)| !known(partition)).map(Starting::from).collect();
        self.starting.extend(again);
    }
}
