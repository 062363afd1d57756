//! A topic that takes no record any more: the brokers refuse every batch as too large, whoever sends it and whenever. What it
//! holds stays and can be read.

use std::collections::BTreeMap;

use rdkafka::admin::{AdminOptions, AlterConfig, ConfigSource, ResourceSpecifier};
use rdkafka::error::KafkaError;

use crate::admin::{Admin, REQUEST_TIMEOUT};
use crate::error::StreamError;

const LARGEST: &str = "max.message.bytes";
/// Every batch has some bytes.
const NONE: &str = "0";

impl Admin {
    /// Has the brokers refuse whatever is written to a topic from now on. Its other settings stay.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers refused or did not answer.
    pub async fn close_topic(&self, topic: &str) -> Result<(), StreamError> {
        self.set_largest(topic, NONE).await
    }

    /// Lets a topic take records again, batches of up to so many bytes. Nothing is changed in one that does.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers refused or did not answer.
    pub async fn reopen_topic(&self, topic: &str, largest: u64) -> Result<bool, StreamError> {
        let closed = self.is_closed(topic).await?;
        if closed {
            self.set_largest(topic, &largest.to_string()).await?;
        }
        Ok(closed)
    }

    /// Whether a topic was closed.
    ///
    /// # Errors
    ///
    /// [`StreamError::Request`] if the brokers did not say: a user needs the right to describe the topic's settings.
    pub async fn is_closed(&self, topic: &str) -> Result<bool, StreamError> {
        Ok(self.own_settings(topic).await?.get(LARGEST).is_some_and(|largest| largest == NONE))
    }

    async fn set_largest(&self, topic: &str, largest: &str) -> Result<(), StreamError> {
        let request = || format!("changing `{LARGEST}` of topic `{topic}`");
        // The request replaces all that was set.
        let mut settings = self.own_settings(topic).await?;
        settings.insert(LARGEST.to_owned(), largest.to_owned());
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic));
        let change = settings.iter().fold(change, |change, (name, value)| change.set(name, value));
        let answers = self.admin.alter_configs([&change], &options()).await;
        let answers = answers.map_err(StreamError::request(request()))?;
        match answers.into_iter().next() {
            Some(Err((_, code))) => {
                Err(StreamError::Request { request: request(), source: KafkaError::AdminOp(code) })
            }
            _ => Ok(()),
        }
    }

    /// What was set of the topic itself.
    async fn own_settings(&self, topic: &str) -> Result<BTreeMap<String, String>, StreamError> {
        let request = || format!("asking for the settings of topic `{topic}`");
        let answers = self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &options()).await;
        let answers = answers.map_err(StreamError::request(request()))?;
        let found = match answers.into_iter().next() {
            Some(Ok(found)) => found,
            Some(Err(code)) => {
                return Err(StreamError::Request { request: request(), source: KafkaError::AdminOp(code) });
            }
            None => return Ok(BTreeMap::new()),
        };
        let own = found.entries.into_iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
        Ok(own.filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT))
}
