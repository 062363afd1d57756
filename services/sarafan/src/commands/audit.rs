//! `sarafan audit`

use std::time::{Duration, Instant};

use anyhow::Context as _;
use comfy_table::CellAlignment;
use sarafan_runtime::service::{Identity, Service};
use sarafan_runtime::shutdown::Shutdown;

use super::block_on;
use crate::audit::metrics::Metrics;
use crate::audit::{Audit, Extent, Finding};
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::{CheckFailed, line};
use crate::terminal::{self, Unit};

const EXAMPLES: &str = "\
Examples:
  sarafan audit                       recount every figure from the facts, beside the running system
  sarafan audit --deep                and read the topics from their start: every record accounted for
  sarafan audit --watch --every 900   for ever, with metrics on [service] listen and an alert (SarafanAuditDifference)

Reads only. A difference is reported when it holds still: the same values after the flush that may have been under way.
Ends with 1 when anything differs. What to do then: deploy/RUNBOOK.md, SarafanAuditDifference.";

/// Arguments of `sarafan audit`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Read the canonical topic, the dead letters and the source topics from their start too. Memory is that of the state of
    /// one partition.
    #[arg(long)]
    deep: bool,
    /// Audit again and again, with metrics, until told to stop.
    #[arg(long)]
    watch: bool,
    /// Seconds from the end of an audit to the next.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, requires = "watch")]
    every: u64,
    /// Seconds that a difference may go on moving before it is left for the next audit.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// About how many entities ClickHouse recounts in one query; its memory follows, about 1 GB for a million.
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    entities_at_once: u64,
    /// Differences to print of each check.
    #[arg(long, value_name = "N", default_value_t = 10)]
    show: usize,
}

/// Audits once, or for ever.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    let extent = Extent {
        deep: arguments.deep,
        patience: Duration::from_secs(arguments.patience),
        entities_at_once: arguments.entities_at_once,
    };
    if arguments.watch {
        sarafan_runtime::tracing::init(&deployment.service.log)?;
        let every = Duration::from_secs(arguments.every);
        return block_on(async { watch(&deployment, extent, every, Shutdown::on_signals()?).await });
    }
    let bar = terminal::bar("audit", Some(0), Unit::Checks);
    let findings = block_on(async {
        let audit = Audit::new(&deployment, extent)?;
        let told = |done: usize, total: usize, next: &str| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
            bar.set_prefix(next.to_owned());
        };
        audit.run(told).await
    })?;
    bar.finish_and_clear();
    terminal::say(table_of(&findings).to_string())?;
    if findings.iter().any(|finding| finding.differing > 0) {
        terminal::say(differences(&findings, arguments.show).to_string())?;
    }
    verdict(&findings)
}

fn verdict(findings: &[Finding]) -> anyhow::Result<()> {
    let differing: u64 = findings.iter().map(|finding| finding.differing).sum();
    let checks: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.differing > 0)
        .map(|finding| finding.check.as_str())
        .collect();
    if differing == 0 {
        return Ok(());
    }
    let text = format!(
        "{differing} differences in {}; what to do: deploy/RUNBOOK.md, SarafanAuditDifference",
        checks.join(", ")
    );
    Err(CheckFailed(text).into())
}

fn table_of(findings: &[Finding]) -> comfy_table::Table {
    let mut table = terminal::table(["", "check", "compared", "differ", "moving", "left out"]);
    for finding in findings {
        let state = match finding {
            Finding { differing: 1.., .. } => "BAD",
            Finding { left_out, .. } if !left_out.is_empty() => "-",
            Finding { moving: 1.., .. } => "look",
            _ => "good",
        };
        let numbers = [finding.compared, finding.differing, finding.moving].map(|number| number.to_string());
        let row = [state.to_owned(), finding.check.clone()].into_iter().chain(numbers);
        table.add_row(row.chain([finding.left_out.clone()]));
    }
    for column in 2..5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn differences(findings: &[Finding], show: usize) -> comfy_table::Table {
    let mut table = terminal::table(["check", "where", "held", "should be"]);
    for finding in findings {
        for found in finding.differences.iter().take(show) {
            table.add_row([&finding.check, &found.place, &found.held, &found.recounted]);
        }
        let hidden = finding.differing.saturating_sub(finding.differences.len().min(show) as u64);
        if hidden > 0 {
            table.add_row([finding.check.as_str(), &format!("and {hidden} more"), "", ""]);
        }
    }
    table
}

/// Audits until `shutdown`. An audit that cannot be finished is logged and counted; the next one may.
async fn watch(
    deployment: &Deployment,
    extent: Extent,
    every: Duration,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let identity = Identity { role: "audit", version: env!("CARGO_PKG_VERSION") };
    let service = Service::start_with(&deployment.service, &identity, shutdown.clone()).await?;
    let metrics = Metrics::register(service.registry()).context("register the metrics")?;
    let audit = Audit::new(deployment, extent)?;
    loop {
        let began = Instant::now();
        let found = tokio::select! {
            found = audit.run(|_, _, _| {}) => found,
            () = shutdown.requested() => return Ok(()),
        };
        match found {
            Ok(findings) => {
                let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64();
                metrics.show(&findings, now);
                report(&findings, began.elapsed());
            }
            Err(error) => {
                metrics.failed();
                tracing::error!(error = line(&error), "the audit could not be finished; trying again later");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = shutdown.requested() => return Ok(()),
        }
    }
}

/// Into the log: one line for each difference that is told, and one at the end.
fn report(findings: &[Finding], took: Duration) {
    const MOST: usize = 10;
    for finding in findings {
        for found in finding.differences.iter().take(MOST) {
            tracing::error!(
                check = finding.check,
                place = found.place,
                held = found.held,
                should_be = found.recounted,
                "difference"
            );
        }
    }
    let sum = |of: fn(&Finding) -> u64| findings.iter().map(of).sum::<u64>();
    tracing::info!(
        compared = sum(|f| f.compared),
        differing = sum(|f| f.differing),
        moving = sum(|f| f.moving),
        seconds = took.as_secs(),
        "audit finished"
    );
}
