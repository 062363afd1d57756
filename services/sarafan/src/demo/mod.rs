//! The demo: real Kafka, real ClickHouse, both services, both real data sets and the simulated shop, on this machine.

mod accounting;
mod data;
mod feed;
mod known;
mod monitoring;
mod sample;
mod shop;
mod site;
mod stage;
mod tail;

pub(crate) use accounting::accounting;
pub(crate) use data::{DataSet, SourceLine, data_sets};
pub(crate) use feed::{feed, wait_for_ingest, wait_for_views};
pub(crate) use known::{known_figures, recorded_nps};
pub(crate) use monitoring::Monitoring;
pub(crate) use sample::sample;
pub(crate) use shop::Shop;
pub(crate) use site::{Plan, Site};
pub(crate) use stage::{Data, Stage};
pub(crate) use tail::stream_tail;

use comfy_table::Table;

use crate::terminal;

/// Something that has to be so, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) what: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

impl Finding {
    pub(crate) fn holds(&self) -> bool {
        self.expected == self.found
    }
}

/// Findings as a table: expected beside found.
pub(crate) fn table(findings: &[Finding]) -> Table {
    let mut table = terminal::table(["figure", "expected", "found", ""]);
    for finding in findings {
        let mark = if finding.holds() { "" } else { "DIFFERS" };
        table.add_row([finding.what.as_str(), &finding.expected, &finding.found, mark]);
    }
    for index in [1, 2] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    table
}
