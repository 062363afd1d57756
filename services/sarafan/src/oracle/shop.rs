//! Runs the shop's program on the files of the simulated shop.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use jiff::civil::Date;
use sarafan_core::definitions::Definitions;
use sarafan_store::Store;

use super::compare::{Comparison, compare_each};
use super::contracts::{CONTRACTS, SHOP_CONTRACTS};
use super::recount::{Figures, PROGRAM, configuration, no_python};

const SHOP: &str = include_str!("../../tests/oracle/shop");

/// Computes the figures of the simulated shop, as of a day, from the files in `shop` that `sarafan simulate --out` made:
/// from what its source systems wrote, without our mapping. `folder` takes the program; it needs Python 3 and nothing
/// else.
///
/// # Errors
///
/// When there is no Python, or the program fails: its own words are in the error.
pub fn shop_figures(
    shop: &Path,
    definitions: &Definitions,
    as_of: Date,
    folder: &Path,
) -> anyhow::Result<Figures> {
    std::fs::write(folder.join("recount.py"), PROGRAM)?;
    std::fs::write(folder.join("shop.py"), SHOP)?;
    std::fs::write(folder.join("recount.json"), configuration(definitions)?.to_string())?;
    let mut command = Command::new("python3");
    command.args(["shop.py", "--recount", "recount.py", "--config", "recount.json"]);
    command.args(["--as-of", &as_of.to_string()]).arg(std::path::absolute(shop)?);
    let output = command.current_dir(folder).stdin(Stdio::null()).output().map_err(no_python)?;
    if !output.status.success() {
        bail!("the shop's program failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the shop's program printed no figures")
}

/// Compares every view that the shop's program knows: those of the recount, and what it counts besides.
///
/// # Errors
///
/// When a view cannot be read, or the figures lack one.
pub async fn compare_shop(store: &Store, figures: &Figures) -> anyhow::Result<Vec<Comparison>> {
    compare_each(store, figures, CONTRACTS.iter().chain(SHOP_CONTRACTS)).await
}
