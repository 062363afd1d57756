//! `sarafan gc`

use comfy_table::{CellAlignment, Table};
use indicatif::HumanBytes;
use sarafan_aggregator::group_of;
use sarafan_core::Epoch;
use sarafan_store::{HeldEpoch, Store};
use sarafan_stream::Admin;

use super::block_on;
use super::rebuild::drop_unused;
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  sarafan gc --dry-run      what there is, and what would be dropped
  sarafan gc                drop epochs that nobody has shown or written for a day
  sarafan gc --hours 168    keep them for a week, so that the step back to them is short

An epoch is what one set of definitions ([metrics], [[survey]], [[dimension]]) has made of the records: a complete copy. Never
dropped: the one that views show, one that members of its consumer group build, one that was shown or written to within
the time. The cells of earlier terms are collected by the aggregators themselves.";

/// Arguments of `sarafan gc`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only say what would be dropped.
    #[arg(long)]
    dry_run: bool,
    /// How long an epoch must have been out of use.
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    hours: u64,
}

/// Why an epoch stays, or that it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Shown,
    Built,
    Recent,
    Goes,
}

impl Fate {
    fn of(held: &HeldEpoch, members: usize, seconds: u64) -> Self {
        if held.live {
            Self::Shown
        } else if members > 0 {
            Self::Built
        } else if held.quiet_seconds.min(held.switched_seconds) < seconds {
            // When views were switched the last time, it may have been the one that they had shown.
            Self::Recent
        } else {
            Self::Goes
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Shown => "stays: views show it",
            Self::Built => "stays: its group has members",
            Self::Recent => "stays: in use lately",
            Self::Goes => "goes",
        }
    }
}

/// Looks, says what there is, and drops what is out of use.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    block_on(async {
        let store = Store::new(&deployment.clickhouse)?;
        let admin = Admin::open(&deployment.kafka)?;
        let mut found = Vec::new();
        for held in store.held_epochs().await? {
            let group = group_of(&deployment.groups.aggregator, Epoch(held.epoch));
            let members = admin.members(&group).await?;
            let fate = Fate::of(&held, members, arguments.hours.saturating_mul(3600));
            found.push((held, group, fate));
        }
        terminal::say(table(&found).to_string())?;
        let going: Vec<_> = found.iter().filter(|(_, _, fate)| *fate == Fate::Goes).collect();
        if arguments.dry_run {
            return Ok(terminal::say(format!(
                "{} would be dropped; nothing was changed",
                epochs(going.len())
            ))?);
        }
        for (held, group, _) in &going {
            drop_unused(&admin, &store, group, Epoch(held.epoch)).await?;
        }
        Ok(terminal::say(format!("{} dropped", epochs(going.len())))?)
    })
}

fn epochs(count: usize) -> String {
    if count == 1 { "1 epoch".to_owned() } else { format!("{count} epochs") }
}

fn table(found: &[(HeldEpoch, String, Fate)]) -> Table {
    let mut table = terminal::table(["epoch", "rows", "size", "last written", ""]);
    for (held, _, fate) in found {
        table.add_row([
            Epoch(held.epoch).to_string(),
            held.rows.to_string(),
            HumanBytes(held.bytes).to_string(),
            format!("{} ago", indicatif::HumanDuration(std::time::Duration::from_secs(held.quiet_seconds))),
            fate.text().to_owned(),
        ]);
    }
    for column in table.column_iter_mut().skip(1).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_shows_builds_or_has_lately_used_goes() {
        let held = |live, quiet_seconds, switched_seconds| HeldEpoch {
            epoch: 1,
            live,
            rows: 0,
            bytes: 0,
            quiet_seconds,
            switched_seconds,
        };
        let fate = |held, members| Fate::of(&held, members, 100);
        assert_eq!(fate(held(true, 1_000, 1_000), 0), Fate::Shown);
        assert_eq!(fate(held(false, 1_000, 1_000), 1), Fate::Built);
        assert_eq!(fate(held(false, 99, 1_000), 0), Fate::Recent);
        assert_eq!(fate(held(false, 1_000, 99), 0), Fate::Recent, "it was shown until just now");
        assert_eq!(fate(held(false, 100, 100), 0), Fate::Goes);
    }
}
