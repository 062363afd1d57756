//! The two data sets, as they come from their sources.

use std::io::Read as _;

use anyhow::Context as _;
use flate2::read::GzDecoder;
use jiff::civil::{Date, date};
use serde_json::Value;

const INVOICES: &[u8] = include_bytes!("../../../../deploy/demo/online_retail_invoices.ndjson.gz");
const ANSWERS: &str = include_str!("../../../../deploy/demo/airport_survey.ndjson");

/// One source and its records.
#[derive(Debug, Clone)]
pub(crate) struct DataSet {
    /// The source, as the configuration names it.
    pub(crate) source: &'static str,
    /// Its topic.
    pub(crate) topic: &'static str,
    /// What a person calls its records.
    pub(crate) what: &'static str,
    /// Records in the order of their days.
    pub(crate) lines: Vec<SourceLine>,
}

/// A record as its source wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceLine {
    /// The day it speaks of.
    pub(crate) day: Date,
    /// The customer, or the record itself when it names none.
    pub(crate) person: String,
    /// The record.
    pub(crate) text: String,
}

impl DataSet {
    /// The first and the last day.
    pub(crate) fn days(&self) -> Option<(Date, Date)> {
        Some((self.lines.first()?.day, self.lines.last()?.day))
    }

    /// How many days to add for it to end on `today`.
    pub(crate) fn shift_to(&self, today: Date) -> anyhow::Result<i32> {
        let (_, last) = self.days().with_context(|| format!("{} has no records", self.source))?;
        Ok(last.until(today)?.get_days())
    }

    /// Takes the last tenth away, which is handed out.
    pub(crate) fn split_tail(&mut self) -> Vec<SourceLine> {
        self.lines.split_off(self.lines.len() - self.lines.len() / 10)
    }
}

/// Both data sets. They have nothing to do with each other.
pub(crate) fn data_sets() -> anyhow::Result<[DataSet; 2]> {
    let mut invoices = String::new();
    GzDecoder::new(INVOICES).read_to_string(&mut invoices).context("the demo's invoices")?;
    Ok([
        DataSet {
            source: "online_retail",
            topic: "demo.invoices",
            what: "invoices",
            lines: lines(&invoices, invoice)?,
        },
        DataSet {
            source: "airport_survey",
            topic: "demo.answers",
            what: "answers",
            lines: lines(ANSWERS, answer)?,
        },
    ])
}

fn lines(text: &str, read: fn(&Value) -> Option<(Date, String)>) -> anyhow::Result<Vec<SourceLine>> {
    let line = |text: &str| {
        let (day, person) =
            read(&serde_json::from_str(text)?).with_context(|| format!("no record: {text}"))?;
        Ok(SourceLine { day, person, text: text.to_owned() })
    };
    let mut lines = text.lines().map(line).collect::<anyhow::Result<Vec<_>>>()?;
    lines.sort_by_key(|line| line.day);
    Ok(lines)
}

fn invoice(record: &Value) -> Option<(Date, String)> {
    let day = record["at"].as_str()?.get(..10)?.parse().ok()?;
    let own = || format!("invoice {}", record["invoice"].as_str().unwrap_or_default());
    Some((day, record["customer"].as_str().map_or_else(own, str::to_owned)))
}

/// The file says the day of May alone.
fn answer(record: &Value) -> Option<(Date, String)> {
    let day: i8 = record["interview_date"].as_str()?.parse().ok()?;
    let year = i16::try_from(record["year"].as_i64()?).ok()?;
    Some((date(year, 5, day), format!("respondent {}", record["respondent"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_hold_what_is_known_of_them() {
        let [invoices, answers] = data_sets().unwrap();
        assert_eq!((invoices.lines.len(), answers.lines.len()), (25_900, 2_809));
        assert_eq!(invoices.days(), Some((date(2010, 12, 1), date(2011, 12, 9))));
        assert_eq!(answers.days(), Some((date(2018, 5, 1), date(2018, 5, 31))));
    }

    #[test]
    fn a_shift_lets_the_last_day_be_today() {
        let [invoices, _] = data_sets().unwrap();
        let today = date(2026, 3, 1);
        let shift = invoices.shift_to(today).unwrap();
        let (_, last) = invoices.days().unwrap();
        assert_eq!(last.checked_add(jiff::Span::new().days(shift)).unwrap(), today);
    }

    #[test]
    fn the_tail_is_the_latest_tenth() {
        let [mut invoices, _] = data_sets().unwrap();
        let tail = invoices.split_tail();
        assert_eq!((invoices.lines.len(), tail.len()), (23_310, 2_590));
        assert!(invoices.lines.last().unwrap().day <= tail[0].day);
    }
}
