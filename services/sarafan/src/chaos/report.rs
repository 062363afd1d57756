//! What came of runs, as a table.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::{CellAlignment, Table};

use super::fault::Fault;
use super::run::Outcome;
use crate::terminal;

/// What is known of one fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Line {
    recoveries: Vec<Duration>,
    /// Verdicts of the runs that it was part of.
    lost: usize,
    double: usize,
    wrong: usize,
    /// Whether every audit found nothing.
    unclean: bool,
    /// The most memory of an ingest and of an aggregator in these runs, MiB.
    memory: [u64; 2],
}

impl Line {
    fn cells(mut self, fault: Fault) -> [String; 8] {
        self.recoveries.sort_unstable();
        let seconds = |at: Option<&Duration>| {
            at.map_or_else(|| "-".to_owned(), |at| format!("{:.1}", at.as_secs_f64()))
        };
        let median = self.recoveries.get(self.recoveries.len() / 2);
        [
            fault.name(),
            fault.how().to_owned(),
            self.recoveries.len().to_string(),
            format!("{}/{}/{}", self.lost, self.double, self.wrong),
            seconds(median),
            seconds(self.recoveries.last()),
            if self.unclean { "NO" } else { "yes" }.to_owned(),
            self.memory.map(|peak| peak.to_string()).join(" / "),
        ]
    }
}

/// A run's account stands on the line of every fault that it had.
fn lines(outcomes: &[Outcome]) -> BTreeMap<Fault, Line> {
    let mut lines: BTreeMap<Fault, Line> = BTreeMap::new();
    for outcome in outcomes {
        let mut faults: Vec<Fault> = outcome.injections.iter().map(|injection| injection.fault).collect();
        faults.sort_unstable();
        faults.dedup();
        for fault in faults {
            let line = lines.entry(fault).or_default();
            line.lost += outcome.account.lost.len();
            line.double += outcome.account.double.len();
            line.wrong += outcome.account.wrong.len();
            line.unclean |= !outcome.audit.is_empty();
            for (peak, command) in line.memory.iter_mut().zip(["ingest", "aggregate"]) {
                *peak = outcome.memory.get(command).copied().unwrap_or(0).max(*peak);
            }
            let of_it = outcome.injections.iter().filter(|injection| injection.fault == fault);
            line.recoveries.extend(of_it.map(|injection| injection.recovery));
        }
    }
    lines
}

const HEADER: [&str; 8] = [
    "fault",
    "how",
    "times",
    "lost/double/wrong",
    "recovery median, s",
    "worst, s",
    "audit clean",
    "MiB ingest / aggregator",
];

/// For a person at a terminal.
pub(crate) fn table(outcomes: &[Outcome]) -> Table {
    let mut table = terminal::table(HEADER);
    for (fault, line) in lines(outcomes) {
        table.add_row(line.cells(fault));
    }
    for index in 2..HEADER.len() {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// For deploy/RELIABILITY.md.
pub(crate) fn markdown(outcomes: &[Outcome]) -> String {
    let row = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let mut text = vec![row(&HEADER.map(str::to_owned)), "|---|---|---:|---:|---:|---:|---|---:|".to_owned()];
    text.extend(lines(outcomes).into_iter().map(|(fault, line)| {
        let mut cells = line.cells(fault);
        cells[0] = format!("`{}`", cells[0]);
        row(&cells)
    }));
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::account::Account;
    use super::super::run::Injection;
    use super::*;

    fn outcome(recoveries: &[(Fault, u64)], wrong: &[&str]) -> Outcome {
        let injection = |(fault, seconds): &(Fault, u64)| Injection {
            fault: *fault,
            note: String::new(),
            recovery: Duration::from_secs(*seconds),
        };
        let wrong: Vec<String> = wrong.iter().map(|&line| line.to_owned()).collect();
        let wrong_audit = wrong.clone();
        let account = Account { wrong, ..Account::default() };
        Outcome {
            injections: recoveries.iter().map(injection).collect(),
            account,
            audit: wrong_audit,
            memory: [("ingest", 40), ("aggregate", 90)].into(),
            ends: Vec::new(),
            kept: None,
        }
    }

    #[test]
    fn a_line_says_how_often_what_went_wrong_and_how_long_it_took() {
        let (kill, freeze) = (Fault::KillIngest, Fault::BrokerFreeze);
        let outcomes =
            [outcome(&[(kill, 3), (freeze, 9), (kill, 1)], &[]), outcome(&[(kill, 2)], &["a figure"])];
        let text = markdown(&outcomes);
        assert_eq!(text.lines().count(), 4);
        let last = text.lines().find(|line| line.starts_with("| `kill-ingest`")).unwrap();
        assert!(last.ends_with("| 3 | 0/0/1 | 2.0 | 3.0 | NO | 40 / 90 |"), "{last}");
        let other = text.lines().find(|line| line.starts_with("| `broker-freeze`")).unwrap();
        assert!(other.ends_with("| 1 | 0/0/0 | 9.0 | 9.0 | yes | 40 / 90 |"), "{other}");
    }
}
