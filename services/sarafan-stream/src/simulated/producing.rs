//! Producers: their records wait here until whoever drives the simulation says what becomes of them.

use std::collections::BTreeMap;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::cluster::{Brokers, Cluster, Process};
use super::log::Written;
use super::requests::{Body, How, Request, RequestId, Requests};
use crate::frontier::Receipt;
use crate::outlet::{Deliveries, Outlet};
use crate::partition::TopicPartition;
use crate::planted::planted;
use crate::producer::ProducerRecord;

/// One producer of one run of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProducerId(pub(super) u64);

/// A record on its way. Those of one producer and one partition arrive in order, as an idempotent producer's do.
pub(super) struct Sending {
    producer: ProducerId,
    partition: TopicPartition,
    written: Written,
    bytes: u64,
    receipt: Receipt,
    /// None once its producer was told, or is no more.
    deliveries: Option<Deliveries>,
    appended: bool,
}

impl Sending {
    pub(super) fn abandoned(&self) -> bool {
        self.deliveries.is_none()
    }

    /// Its producer is no more: what was sent may still arrive.
    pub(super) fn abandon(&mut self) {
        self.deliveries = None;
    }

    fn way(&self) -> (ProducerId, &TopicPartition) {
        (self.producer, &self.partition)
    }

    fn append(&mut self, brokers: &mut Brokers) {
        if !self.appended
            && let Some(log) = brokers.log_mut(&self.partition)
        {
            let written = std::mem::take(&mut self.written);
            log.append(&self.partition.topic, self.partition.partition, written);
            self.appended = true;
        }
    }

    fn acknowledge(&mut self) {
        if let Some(deliveries) = self.deliveries.take() {
            deliveries.acknowledged(&self.partition.topic, self.bytes, &self.receipt);
        }
    }

    fn fail(&mut self) {
        if let Some(deliveries) = self.deliveries.take() {
            let source = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
            deliveries.failed(&self.partition.topic, &source);
        }
    }
}

/// The records that can be spoken of: of each producer and partition the first, and the first that was not appended.
pub(super) fn speakable<'a>(
    sent: impl Iterator<Item = (&'a RequestId, &'a Request)>,
) -> impl Iterator<Item = RequestId> {
    let mut speakable = Vec::new();
    // Whether one was met that is not appended.
    let mut ways: BTreeMap<(ProducerId, &TopicPartition), bool> = BTreeMap::new();
    for (id, request) in sent {
        let Body::Produce(sending) = &request.body else { continue };
        let met = ways.get(&sending.way()).copied();
        if met.is_none() || (met == Some(false) && !sending.appended) {
            speakable.push(*id);
        }
        ways.insert(sending.way(), met == Some(true) || !sending.appended);
    }
    speakable.into_iter()
}

/// What becomes of a record; it is given back if it is still on its way.
pub(super) fn answer(
    brokers: &mut Brokers,
    id: RequestId,
    mut sending: Sending,
    how: How,
) -> Option<Sending> {
    let repeated = sending.appended;
    if how.is_done() {
        sending.append(brokers);
    }
    let abandoned = sending.abandoned();
    match how {
        How::Unanswered => return (!abandoned).then_some(sending),
        How::Late => {
            sending.fail();
            return (!sending.appended).then_some(sending);
        }
        How::AnswerLost => sending.fail(),
        How::Refused => {
            sending.fail();
            // The connection broke: nothing that its producer sent behind it arrives before it.
            if abandoned {
                brokers.requests.drop_way(&sending);
            }
        }
        How::Done | How::Twice | How::Stale | How::Overslept => {
            // An acknowledgement speaks for everything before it; a repetition is recognised by the brokers.
            brokers.requests.acknowledge_before(id, &sending);
            sending.acknowledge();
            if repeated && planted("planted::retry_renumbers") {
                brokers.requests.mistake_next(&sending);
            }
        }
    }
    None
}

#[cfg(test)]
impl Sending {
    /// Acknowledged and not there: what no broker may do.
    pub(super) fn lose(mut self) {
        self.acknowledge();
    }
}

impl Requests {
    fn on_way<'a>(&'a mut self, of: &'a Sending) -> impl Iterator<Item = (RequestId, &'a mut Sending)> {
        self.sent.iter_mut().filter_map(|(id, request)| match &mut request.body {
            Body::Produce(sending) if sending.way() == of.way() => Some((*id, sending)),
            _ => None,
        })
    }

    /// Nobody hears any more what becomes of a producer's records. Those that have arrived are done with.
    pub(super) fn abandon(&mut self, producer: ProducerId) {
        self.sent.retain(|_, request| match &mut request.body {
            Body::Produce(sending) if sending.producer == producer => {
                sending.abandon();
                !sending.appended
            }
            _ => true,
        });
    }

    fn drop_way(&mut self, of: &Sending) {
        let dropped: Vec<RequestId> = self.on_way(of).map(|(id, _)| id).collect();
        for id in dropped {
            self.sent.remove(&id);
        }
    }

    /// A repetition that got the number of the record behind it: the brokers take that one for the repetition, and say that
    /// they have it.
    fn mistake_next(&mut self, of: &Sending) {
        let next = self.on_way(of).find(|(_, sending)| !sending.appended).map(|(id, sending)| {
            sending.acknowledge();
            id
        });
        next.map(|id| self.sent.remove(&id));
    }

    fn acknowledge_before(&mut self, last: RequestId, of: &Sending) {
        let appended: Vec<RequestId> = self
            .on_way(of)
            .filter(|(id, sending)| *id < last && sending.appended)
            .map(|(id, sending)| {
                sending.acknowledge();
                id
            })
            .collect();
        for id in appended {
            self.sent.remove(&id);
        }
    }
}

/// The outlet of a simulated producer.
pub(super) struct SimulatedOutlet {
    pub(super) cluster: Cluster,
    pub(super) process: Process,
    pub(super) producer: ProducerId,
    /// How many records may be on their way.
    pub(super) room: u32,
    pub(super) deliveries: Deliveries,
}

impl Outlet for SimulatedOutlet {
    fn send(&self, record: &ProducerRecord, receipt: &Receipt) -> Result<(), KafkaError> {
        let mut state = self.cluster.lock();
        let (_, brokers) = state.parts();
        // Counted already, as the caller does before it sends.
        if self.deliveries.shared.in_flight() > self.room {
            return Err(KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
        }
        let partition = brokers
            .partition_of(record)
            .ok_or(KafkaError::MessageProduction(RDKafkaErrorCode::UnknownTopic))?;
        let bytes = record.key.as_ref().map_or(0, Vec::len) + record.value.as_ref().map_or(0, Vec::len);
        let sending = Sending {
            producer: self.producer,
            partition,
            written: Written {
                key: record.key.clone(),
                value: record.value.clone(),
                headers: record.headers.clone(),
                timestamp_ms: record.timestamp_ms.or(Some(brokers.now_ms())),
                by_broker: false,
            },
            bytes: bytes as u64,
            receipt: receipt.clone(),
            deliveries: Some(self.deliveries.clone()),
            appended: false,
        };
        if brokers.is_dead(self.producer) {
            return Ok(());
        }
        brokers.requests.send(self.process, Body::Produce(sending));
        Ok(())
    }
}

/// The last clone of the producer has gone: what is on its way may still arrive, and nobody hears of it.
impl Drop for SimulatedOutlet {
    fn drop(&mut self) {
        let mut state = self.cluster.lock();
        state.parts().1.end_producer(self.producer);
    }
}
