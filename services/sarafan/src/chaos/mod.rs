//! Faults on real processes while data flows: a real Kafka, a real ClickHouse behind a proxy of ours, two ingests and two
//! aggregators that are started again when they end, as any orchestrator does it. Nobody else helps.
//!
//! The simulated shop writes its history into the source topics all the time. A seed decides which fault comes when and
//! how; after each, the time is taken until the views show everything that had arrived by its end. At the end
//! [`account`] asks for every source record and every entity, and compares every view with a program that reads the
//! shop's own files ([`crate::oracle`]); and `sarafan audit --deep` has to find nothing ([`audited`]).

mod account;
mod audited;
mod fault;
mod feed;
mod inject;
mod member;
mod memory;
mod outbox;
mod proxy;
mod recovery;
mod report;
mod run;
mod site;
mod spoil;

pub(crate) use fault::Fault;
pub(crate) use report::{markdown, table};
pub(crate) use run::{Ending, Limit, Outcome, Plan, run};
