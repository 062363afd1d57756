//! What must hold before anything is read or written: the store is one that this version understands, views show the
//! configured epoch, and the topic is the one that was registered.

use std::collections::BTreeSet;

use sarafan_core::Epoch;
use sarafan_store::{Generation, Store};
use sarafan_stream::{Admin, KafkaConfig};

use crate::config::{Beginning, Config};
use crate::fault::Fault;

/// The definitions must be those that views show: anything else would be refused by nobody and seen by nobody.
///
/// # Errors
/// [`Fault::OtherEpoch`], or why the store could not be read.
pub async fn check_epoch(store: &Store, configured: Epoch) -> Result<(), Fault> {
    let live = store.live_epoch().await?;
    if live == Some(configured) { Ok(()) } else { Err(other_epoch(configured, live)) }
}

fn other_epoch(configured: Epoch, live: Option<Epoch>) -> Fault {
    let live = live.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
    Fault::OtherEpoch { configured: configured.to_string(), live }
}

/// What a candidate begins with.
#[derive(Debug, Default)]
pub(crate) struct Base {
    /// The epoch whose entities are copied; without one it begins with the topic.
    pub(crate) epoch: Option<Epoch>,
    /// What these lack of what the definitions read: fields of details.
    pub(crate) filled_in: BTreeSet<String>,
}

/// The definitions must be those that views show, or those of a candidate that `sarafan rebuild` has registered.
///
/// # Errors
/// As [`check_epoch`].
pub(crate) async fn base(store: &Store, config: &Config) -> Result<Base, Fault> {
    let definitions = &config.definitions;
    let live = match store.live_epoch().await? {
        Some(live) if live == definitions.epoch => return Ok(Base::default()),
        Some(live) if store.epoch(definitions.epoch).await?.is_some() => live,
        live => return Err(other_epoch(definitions.epoch, live)),
    };
    let held = store.epoch(live).await?.and_then(|row| row.resolved());
    let base = match held.filter(|_| config.beginning == Beginning::Entities) {
        Some(held) => Base { epoch: Some(live), filled_in: definitions.fields_beyond(&held) },
        None => Base::default(),
    };
    if let Some(latest) = store.every_generation().await?.pop()
        && latest.generation > 0
        && base.epoch.is_none()
    {
        return Err(Fault::EarlierTopic { topic: latest.topic, generation: latest.generation });
    }
    let begins_with = match &base {
        Base { epoch: None, .. } => "the topic".to_owned(),
        Base { filled_in, .. } if filled_in.is_empty() => "the entities of the live one".to_owned(),
        Base { filled_in, .. } => format!("the entities of the live one, and {filled_in:?} from details"),
    };
    tracing::info!(candidate = %definitions.epoch, %live, begins_with, "a candidate epoch is built");
    Ok(base)
}

/// The canonical topic must have as many partitions as its registered generation.
///
/// # Errors
/// [`Fault::NotMigrated`], [`Fault::OtherGeneration`], [`Fault::OtherTopic`], or why the store or the topic could not be read.
pub async fn check_topic(store: &Store, kafka: &KafkaConfig, topic: &str) -> Result<Generation, Fault> {
    let topic = topic.to_owned();
    let generations = store.every_generation().await?;
    let Some(registered) = generations.iter().rfind(|known| known.topic == topic).cloned() else {
        return Err(Fault::NotMigrated { topic });
    };
    if let Some(latest) = generations.last().filter(|latest| latest.generation > registered.generation) {
        let (generation, ledger) = (registered.generation, latest.generation);
        return Err(Fault::OtherGeneration { topic, generation, ledger });
    }
    let found = Admin::open(kafka)?.describe(&topic).await?;
    let found = found.map_or(0, |info| info.partitions.len());
    if found != registered.partitions as usize || registered.partitions > u32::from(u16::MAX) {
        let (generation, registered) = (registered.generation, registered.partitions);
        return Err(Fault::OtherTopic { topic, found, generation, registered });
    }
    Ok(registered)
}
