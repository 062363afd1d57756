//! Environment variables that point to components that are already on this machine.

use std::path::PathBuf;

/// Folder of an installed Kafka; its `libs` folder is used instead of a download.
pub const KAFKA_HOME: &str = "KAFKA_HOME";
/// Folder of Kafka's jars; wins over [`KAFKA_HOME`].
pub const KAFKA_LIBS: &str = "SARAFAN_KAFKA_LIBS";
/// Path of a `libchdb.so`, or of a folder that holds one.
pub const CHDB_LIB: &str = "SARAFAN_CHDB_LIB";
/// Path of a ClickHouse program; wins over one on the `PATH` and over the library.
pub const CLICKHOUSE_BIN: &str = "SARAFAN_CLICKHOUSE_BIN";
/// Path of a Prometheus program; wins over one on the `PATH`. `promtool` is looked for beside it.
pub const PROMETHEUS_BIN: &str = "SARAFAN_PROMETHEUS_BIN";
/// Home folder of a Grafana, which `sarafan demo` then starts; wins over the one whose program is on the `PATH`.
pub const GRAFANA_HOME: &str = "SARAFAN_GRAFANA_HOME";
/// Folder of Grafana's plugins, the ClickHouse data source among them; `data/plugins` of its home else.
pub const GRAFANA_PLUGINS: &str = "SARAFAN_GRAFANA_PLUGINS";
/// Path of an `amtool` program; wins over one on the `PATH`.
pub const AMTOOL_BIN: &str = "SARAFAN_AMTOOL_BIN";
/// Path of an Alertmanager program; wins over an `alertmanager` on the `PATH`.
pub const ALERTMANAGER_BIN: &str = "SARAFAN_ALERTMANAGER_BIN";
/// Path of a Helm program; wins over one on the `PATH`.
pub const HELM_BIN: &str = "SARAFAN_HELM_BIN";
/// Path of a Docker Compose program that stands alone; wins over a `docker-compose` on the `PATH`.
pub const DOCKER_COMPOSE_BIN: &str = "SARAFAN_DOCKER_COMPOSE_BIN";
/// Address (`host:port`) of a running Kafka that tests use instead of starting one.
pub const TEST_KAFKA: &str = "SARAFAN_TEST_KAFKA";
/// Address (`http://host:port`) of a running ClickHouse that tests use instead of starting one.
pub const TEST_CLICKHOUSE: &str = "SARAFAN_TEST_CLICKHOUSE";

/// The path that a variable names, unless it is unset or empty.
pub(crate) fn path(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The text that a variable holds, unless it is unset or empty.
pub(crate) fn text(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
