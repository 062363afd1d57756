//! ClickHouse's settings, one file for both engines.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// Name of the settings file in the data folder.
pub(super) const FILE: &str = "config.xml";

/// Least severe messages that are logged.
pub(super) const LOG_LEVEL: &str = "warning";

/// What differs between two servers.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) http_port: u16,
    pub(super) tcp_port: u16,
    pub(super) memory_mib: u32,
    pub(super) keep_free_mib: u32,
}

/// ClickHouse's own folder under `folder`.
pub(super) fn data(folder: &Path) -> String {
    format!("{}/data/", folder.display())
}

/// Writes the settings into `folder`.
pub(super) fn write(folder: &Path, settings: &Settings) -> Result<()> {
    fs::create_dir_all(folder.join("data"))?;
    Ok(fs::write(folder.join(FILE), render(folder, settings))?)
}

/// Caches and pools are those of a small machine that has other things to do; the defaults are for a server of its
/// own. No system log tables: nobody reads them here, and their parts would be merged all the time.
fn render(folder: &Path, settings: &Settings) -> String {
    let Settings { http_port, tcp_port, memory_mib, keep_free_mib } = settings;
    let memory = u64::from(*memory_mib) << 20;
    let keep_free = u64::from(*keep_free_mib) << 20;
    let log = folder.join("clickhouse-server.log");
    let log = log.display();
    let data = data(folder);
    format!(
        "<clickhouse>
  <logger><level>{LOG_LEVEL}</level><log>{log}</log><console>0</console><size>50M</size><count>2</count></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http_port}</http_port>
  <tcp_port>{tcp_port}</tcp_port>
  <path>{data}</path>
  <tmp_path>{data}tmp/</tmp_path>
  <storage_configuration><disks><default><keep_free_space_bytes>{keep_free}</keep_free_space_bytes></default></disks></storage_configuration>
  <timezone>UTC</timezone>
  <max_server_memory_usage>{memory}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <background_message_broker_schedule_pool_size>4</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>2</background_distributed_schedule_pool_size>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>\
<quota>default</quota></default></users>
  <profiles><default><async_insert>0</async_insert></default></profiles>
  <quotas><default/></quotas>
  <user_directories><users_xml><path>{config}</path></users_xml></user_directories>
</clickhouse>
",
        config = folder.join(FILE).display(),
    )
}
