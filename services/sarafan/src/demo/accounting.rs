//! Where every source record went: into the tables, out by a rule, or to the dead letters.

use comfy_table::Table;
use sarafan_store::Store;

use super::Finding;
use super::data::DataSet;
use super::known::scalar;
use super::site::Site;
use crate::scrape::{scrape, sum};
use crate::terminal;

/// The way of one source's records.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    source: &'static str,
    sent: u64,
    in_the_tables: u64,
    filtered: u64,
    dead_letters: u64,
}

impl Account {
    fn accounted(&self) -> u64 {
        self.in_the_tables + self.filtered + self.dead_letters
    }
}

/// The table of accounts, and whether each adds up. Every record of the data sets is an entity of its own, so rows of
/// entities are records; `sent` are the records of the sets as they were sent, each once.
pub(crate) async fn accounting(site: &Site, sets: &[DataSet]) -> anyhow::Result<(Table, Vec<Finding>)> {
    let samples = scrape(site.ingest.address)?;
    let mut table = terminal::table([
        "source",
        "records sent",
        "in the tables",
        "filtered by rule",
        "dead letters",
        "accounted for",
    ]);
    let mut findings = Vec::new();
    for set in sets {
        let account = Account {
            source: set.source,
            sent: set.lines.len() as u64,
            in_the_tables: entities(&site.store, set.source).await?,
            filtered: sum(&samples, sarafan_ingest::FILTERED, &[("source", set.source)]) as u64,
            dead_letters: dead_letters(&site.store, set.source).await?,
        };
        let Account { sent, in_the_tables, filtered, dead_letters, .. } = account;
        let counts =
            [sent, in_the_tables, filtered, dead_letters, account.accounted()].map(|count| count.to_string());
        table.add_row([set.source.to_owned()].into_iter().chain(counts));
        findings.push(Finding {
            what: format!("{} of {} accounted for", set.what, set.source),
            expected: sent.to_string(),
            found: account.accounted().to_string(),
        });
    }
    Ok((table, findings))
}

async fn entities(store: &Store, source: &str) -> anyhow::Result<u64> {
    let count = |view: &str| format!("(SELECT count() FROM {view} WHERE source = '{source}')");
    let views = ["orders", "refunds", "survey_responses"].map(count).join(" + ");
    Ok(scalar(store, &format!("SELECT {views}")).await?.parse()?)
}

async fn dead_letters(store: &Store, source: &str) -> anyhow::Result<u64> {
    let sql =
        format!("SELECT sum(arraySum(mapValues(dead_letters))) FROM freshness WHERE source = '{source}'");
    Ok(scalar(store, &sql).await?.parse().unwrap_or(0))
}
