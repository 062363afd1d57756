//! Faults of ClickHouse.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::Stage;
use crate::chaos::site::{DISK_RESERVE_MIB, Site, execute};

/// How long an insert or a merge may be waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a dead ClickHouse stays away at most.
const AWAY: Duration = Duration::from_secs(5);
/// What is left of the disk: less than ClickHouse keeps free.
const HALF_OF_RESERVE: u64 = (DISK_RESERVE_MIB as u64) << 19;
/// Parts of one partition of a table above which inserts are refused.
const FEW_PARTS: u32 = 3;

/// SIGKILL while an insert of ours runs.
pub(super) fn kill_in_insert(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let store = stage.site.store.store_database();
    // Not this very query, which has the words in it too.
    let sql = format!(
        "SELECT count() > 0 FROM system.processes WHERE query ILIKE 'INSERT INTO%{store}%' AND query_kind = 'Insert'"
    );
    let seen = || Ok(stage.site.scalar(&sql)? == "true" || stage.site.scalar(&sql)? == "1");
    stage.wait("an insert", PATIENCE, seen)?;
    die_and_come_back(stage)
}

/// SIGKILL while a merge of ours runs. One is asked for, lest there be none for long.
pub(super) fn kill_in_merge(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let site = stage.site;
    let store = site.store.store_database().to_owned();
    let address = site.clickhouse_address()?;
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    let asked = thread::spawn(move || {
        // One merge may be over before anybody has seen it.
        for table in ["orders", "survey_responses", "customer_figures", "customer_money"].iter().cycle() {
            if told.load(Ordering::Acquire) {
                break;
            }
            // It is killed in the middle, or there was nothing to merge.
            let _ = execute(address, &format!("OPTIMIZE TABLE {store}.{table} FINAL"));
        }
    });
    let sql =
        format!("SELECT count() > 0 FROM system.merges WHERE database = '{}'", site.store.store_database());
    let seen = || Ok(matches!(site.scalar(&sql)?.as_str(), "true" | "1"));
    let waited = stage.wait("a merge", PATIENCE, seen);
    over.store(true, Ordering::Release);
    let said = waited.and_then(|()| die_and_come_back(stage));
    asked.join().map_err(|_| anyhow::anyhow!("the thread that asks for merges panicked"))?;
    said
}

fn die_and_come_back(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    stage.site.clickhouse.kill()?;
    let away = stage.up_to(AWAY);
    thread::sleep(away);
    stage.site.clickhouse.restart()?;
    Ok(format!("away {:.1} s and a start", away.as_secs_f64()))
}

/// Connections stay open, and nobody answers.
pub(super) fn freeze(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    stage.site.clickhouse.freeze()?;
    stage.last();
    stage.site.clickhouse.thaw()?;
    Ok(format!("for {} s", stage.hold.as_secs()))
}

/// Fills the disk into the reserve, so that ClickHouse refuses to begin anything, and gives it back.
pub(super) fn fill_disk(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let disk = stage.site.disk.as_ref().context("this site was started without a small disk")?;
    let ballast = disk.ballast();
    let filled = disk.available().and_then(|free| fill(&ballast, free.saturating_sub(HALF_OF_RESERVE)));
    stage.last();
    std::fs::remove_file(&ballast)?;
    Ok(format!("{} MB taken for {} s", filled? >> 20, stage.hold.as_secs()))
}

/// Writes so many bytes; says how many.
fn fill(path: &Path, bytes: u64) -> anyhow::Result<u64> {
    let mut zeros = std::io::repeat(0).take(bytes);
    Ok(std::io::copy(&mut zeros, &mut File::create(path)?)?)
}

/// Merges stand still and the limit of parts is low, until inserts are refused.
pub(super) fn too_many_parts(stage: &mut Stage<'_>) -> anyhow::Result<String> {
    let site = stage.site;
    let tables = tables(site)?;
    for table in &tables {
        site.execute(&format!("SYSTEM STOP MERGES {table}"))?;
        let limits = format!("parts_to_delay_insert = {FEW_PARTS}, parts_to_throw_insert = {FEW_PARTS}");
        site.execute(&format!("ALTER TABLE {table} MODIFY SETTING {limits}"))?;
    }
    stage.last();
    let most = site.scalar(&format!(
        "SELECT max(parts) FROM (SELECT count() AS parts FROM system.parts WHERE database = '{}' AND active GROUP BY table, partition)",
        site.store.store_database()
    ))?;
    for table in &tables {
        site.execute(&format!(
            "ALTER TABLE {table} RESET SETTING parts_to_delay_insert, parts_to_throw_insert"
        ))?;
        site.execute(&format!("SYSTEM START MERGES {table}"))?;
    }
    ensure!(most.parse::<u32>()? >= FEW_PARTS, "there were {most} parts at most: nothing was refused");
    Ok(format!("{most} parts, for {} s", stage.hold.as_secs()))
}

/// Our tables, but the ledger and what else stands beside the data.
fn tables(site: &Site) -> anyhow::Result<Vec<String>> {
    let sql = "SELECT name FROM system.tables WHERE database = {store:String} AND engine LIKE '%MergeTree' ORDER BY name";
    let store = site.store.store_database();
    let rows = site.block_on(site.store.query(sql, &[("store", store)]))?;
    Ok((0..rows.rows.len()).filter_map(|row| Some(format!("{store}.{}", rows.text(row, "name")?))).collect())
}
