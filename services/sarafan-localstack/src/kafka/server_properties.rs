//! The broker's settings.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// The files that a broker reads at its start.
#[derive(Debug)]
pub(super) struct Files {
    properties: String,
    logging: String,
    data: PathBuf,
}

impl Files {
    /// Path of the broker's settings.
    pub(super) fn properties(&self) -> &str {
        &self.properties
    }

    /// Path of the logging settings.
    pub(super) fn logging(&self) -> &str {
        &self.logging
    }

    /// Whether the data folder has been given its cluster id.
    pub(super) fn is_formatted(&self) -> bool {
        self.data.join("meta.properties").is_file()
    }
}

/// Writes the settings into `folder`.
pub(super) fn write(folder: &Path, port: u16, controller_port: u16) -> Result<Files> {
    let data = folder.join("data");
    let properties = folder.join("server.properties");
    let logging = folder.join("log4j2.properties");
    fs::write(&properties, server(&data, port, controller_port))?;
    fs::write(&logging, LOGGING)?;
    Ok(Files { properties: properties.display().to_string(), logging: logging.display().to_string(), data })
}

/// Retention is off and timestamps are unbounded, because demo and test data carry the times at which things really
/// happened, years ago. Segments are small and topic deletion is quick, because tests make many topics.
fn server(data: &Path, port: u16, controller_port: u16) -> String {
    let data = data.display();
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller_port}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}\n\
         advertised.listeners=CLIENTS://127.0.0.1:{port}\n\
         inter.broker.listener.name=CLIENTS\n\
         listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={data}\n\
         auto.create.topics.enable=false\n\
         num.partitions=4\n\
         default.replication.factor=1\n\
         min.insync.replicas=1\n\
         offsets.topic.replication.factor=1\n\
         offsets.topic.num.partitions=4\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         transaction.state.log.num.partitions=4\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         group.min.session.timeout.ms=1000\n\
         log.retention.ms=-1\n\
         log.retention.bytes=-1\n\
         log.segment.delete.delay.ms=1000\n\
         log.message.timestamp.before.max.ms=9223372036854775807\n\
         log.message.timestamp.after.max.ms=9223372036854775807\n\
         log.cleaner.dedupe.buffer.size=16777216\n\
         num.network.threads=2\n\
         num.io.threads=4\n\
         controlled.shutdown.enable=false\n"
    )
}

const LOGGING: &str = "\
status=error
shutdownHook=disable
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
";
