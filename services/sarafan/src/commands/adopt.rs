//! `sarafan adopt`

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table};
use sarafan_aggregator::{Plan, Prospect, index_again};
use sarafan_core::as_of;
use sarafan_core::tenure::{Adoption, Entry, Refusal, Trust};
use sarafan_store::Store;

use super::block_on;
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::CheckFailed;
use crate::terminal::{self, Unit};

const EXAMPLES: &str = "\
Examples:
  sarafan adopt                      after ClickHouse was restored: what there is, and what would be read again
  sarafan adopt --yes                do it
  sarafan adopt --from-start --yes   when the ledger was not backed up first, or rows were lost

Without --yes nothing is changed. With it, views are empty until the aggregators have taken their partitions again and
read again what the tables lack: those that run begin within seconds, those that were stopped may be started before or
after. Nothing is counted twice by that. The index of dead letters is written again from their topic.

A partition goes on from the ledger where the tables hold all that the ledger speaks of: so it is after a backup in
which the ledger was copied first. Else it is read from the start of its topic. Where the topic no longer begins
there, or is another one, the store cannot be made whole: nothing is changed, and the exit code is 1.";

/// Arguments of `sarafan adopt`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Do it. Without, only say what would be done.
    #[arg(long)]
    yes: bool,
    /// Do not believe the ledger: have every partition read from the start of its topic.
    #[arg(long)]
    from_start: bool,
}

/// Looks, says what it found, and does it if it was told to.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let trust = if arguments.from_start { Trust::Nothing } else { Trust::Ledger };
    block_on(async {
        let store = Store::new(&deployment.clickhouse)?;
        let plan = look(&deployment, &store, trust).await?;
        terminal::say(table(&plan).to_string())?;
        for line in reasons(&plan) {
            terminal::say(line)?;
        }
        let refused = plan.refused().count();
        if refused > 0 {
            let of = plan.partitions.len();
            return Err(CheckFailed(format!(
                "{refused} of {of} partitions cannot be adopted; nothing was changed"
            ))
            .into());
        }
        if !arguments.yes {
            return Ok(terminal::say("Nothing was changed; `sarafan adopt --yes` does it.")?);
        }
        plan.carry_out(&store).await.context("adopt the store; it is safe to run this again")?;
        let letters = index_again(&store, &deployment.kafka, &deployment.topics.dead_letters)
            .await
            .context("write the index of dead letters again; it is safe to run this again")?;
        terminal::say(format!("{letters} dead letters are in the index."))?;
        let said = format!(
            "The store has incarnation {:016x} (it was {:016x}). Views are empty until the aggregators have taken their \
             partitions again.",
            plan.incarnation, plan.found
        );
        Ok(terminal::say(said)?)
    })
}

async fn look(deployment: &Deployment, store: &Store, trust: Trust) -> anyhow::Result<Plan> {
    let Deployment { kafka, topics, definitions, .. } = deployment;
    let bar = terminal::bar("looking at the store", None, Unit::Records);
    let step = |what: &str| {
        bar.set_prefix(format!("looking at {what}"));
        bar.tick();
    };
    let plan = Plan::make(store, kafka, &topics.events, definitions, trust, step).await?;
    bar.finish_and_clear();
    Ok(plan)
}

/// One line per partition.
fn table(plan: &Plan) -> Table {
    let header = [
        "partition",
        "ledger at",
        "entities by ledger",
        "entities found",
        "highest row at",
        "topic from",
        "topic to",
        "read again from",
        "records again",
        "",
    ];
    let mut table = terminal::table(header);
    for prospect in &plan.partitions {
        table.add_row(row(prospect));
    }
    for column in table.column_iter_mut().take(header.len() - 1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(Prospect { partition, base, found, outcome }: &Prospect) -> Vec<String> {
    let highest = found.highest.values().max().map_or(0, |version| as_of(*version).1);
    let by_ledger = |of: fn(&Entry) -> u64| base.as_ref().map_or("-".to_owned(), |base| of(base).to_string());
    let again = |of: fn(&Adoption, u64) -> u64| match outcome {
        Ok(adoption) => of(adoption, found.high).to_string(),
        Err(_) => "-".to_owned(),
    };
    vec![
        partition.to_string(),
        by_ledger(|base| base.position),
        by_ledger(|base| base.entities),
        found.entities_at_base.to_string(),
        highest.to_string(),
        found.low.to_string(),
        found.high.to_string(),
        again(|adoption, _| adoption.resume_at()),
        again(|adoption, high| high.saturating_sub(adoption.resume_at())),
        verdict(outcome).to_owned(),
    ]
}

fn verdict(outcome: &Result<Adoption, Refusal>) -> &'static str {
    match outcome {
        Ok(Adoption { doubt: None, .. }) => "good",
        Ok(Adoption { doubt: Some(_), .. }) => "from the start",
        Err(_) => "REFUSED",
    }
}

/// Why partitions are refused or read from the start.
fn reasons(plan: &Plan) -> Vec<String> {
    let reason = |prospect: &Prospect| match &prospect.outcome {
        Ok(Adoption { doubt: Some(doubt), .. }) => Some(format!("read from the start: {}", doubt.finding())),
        Ok(_) => None,
        Err(refusal) => Some(format!("refused: {refusal}")),
    };
    let lines = plan.partitions.iter().filter_map(|p| Some((p.partition, reason(p)?)));
    lines.map(|(partition, reason)| format!("Partition {partition} is {reason}.")).collect()
}
