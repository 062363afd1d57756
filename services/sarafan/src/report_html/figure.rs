//! What a page is made of.

use serde_json::Value;

/// A number to look at first, with what it has to be read with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Card {
    /// What it is.
    pub(super) label: &'static str,
    /// The number.
    pub(super) value: String,
    /// Its unit; mostly none.
    pub(super) unit: String,
    /// Its interval, or what else says how sure it is.
    pub(super) sure: String,
    /// Of whom, how many, against what; a line each.
    pub(super) lines: Vec<String>,
}

/// Figures of one subject.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    /// Its heading.
    pub(super) title: &'static str,
    /// What it answers.
    pub(super) intro: &'static str,
    /// Its charts.
    pub(super) figures: Vec<Figure>,
}

/// A chart, and the same as a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// Which chart: the name that the script knows, once per page.
    pub(super) id: &'static str,
    /// What it shows.
    pub(super) title: String,
    /// Survey, population, period, n: what the figures are of.
    pub(super) about: String,
    /// The chart in one sentence, for whoever does not see it; empty when there is nothing to draw.
    pub(super) summary: String,
    /// What its colours and lines stand for.
    pub(super) legend: Vec<Key>,
    /// How to read it, or why there is nothing.
    pub(super) note: String,
    /// Its numbers.
    pub(super) table: Table,
    /// What the script draws; null when there is nothing to draw.
    pub(super) data: Value,
}

/// An entry of a legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// The mark: a class of the style sheet.
    pub(super) mark: String,
    /// What it stands for.
    pub(super) text: String,
}

impl Key {
    pub(super) fn new(mark: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mark: mark.into(), text: text.into() }
    }
}

/// Rows of formatted values under their headings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// What it lists.
    pub(super) caption: String,
    /// The headings; numbers to the right.
    pub(super) columns: Vec<Column>,
    /// One text per column. The first names the row.
    pub(super) rows: Vec<Vec<String>>,
}

/// A heading and how what stands under it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Words.
    Text(&'static str),
    /// Numbers.
    Number(&'static str),
}

impl Figure {
    /// A figure of which there is nothing, and why.
    pub(super) fn empty(id: &'static str, title: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            id,
            title: title.into(),
            about: String::new(),
            summary: String::new(),
            legend: Vec::new(),
            note: why.into(),
            table: Table::default(),
            data: Value::Null,
        }
    }
}
