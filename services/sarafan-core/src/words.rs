//! Words that the fold compares with, interned once.

use crate::definitions::{Definitions, Scale};
use crate::vocabulary::{COUNTED_STATUSES, Symbol, Symbols};

/// Symbols of the words that decide what counts.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) empty: Symbol,
    pub(crate) unknown: Symbol,
    pub(crate) all: Symbol,
    pub(crate) sale: Symbol,
    pub(crate) delivered: Symbol,
    counted: [Symbol; 5],
    /// The declared surveys, and whether each has an NPS.
    surveys: Vec<(Symbol, bool)>,
    pub(crate) headline: Option<Symbol>,
}

impl Words {
    pub(crate) fn new(definitions: &Definitions, symbols: &mut Symbols) -> Self {
        let surveys = definitions.surveys.iter();
        Self {
            empty: symbols.intern(""),
            unknown: symbols.intern("unknown"),
            all: symbols.intern("all"),
            sale: symbols.intern("sale"),
            delivered: symbols.intern("delivered"),
            counted: COUNTED_STATUSES.map(|status| symbols.intern(status)),
            surveys: surveys.map(|s| (symbols.intern(&s.id), s.scale == Scale::ZeroToTen)).collect(),
            headline: definitions.headline_survey().map(|s| symbols.intern(&s.id)),
        }
    }

    /// Whether an order of this status counts.
    pub(crate) fn is_counted(&self, status: Symbol) -> bool {
        self.counted.contains(&status)
    }

    /// Whether the survey is declared.
    pub(crate) fn is_declared(&self, survey: Symbol) -> bool {
        self.surveys.iter().any(|(s, _)| *s == survey)
    }

    /// Whether the survey has an NPS.
    pub(crate) fn has_nps(&self, survey: Symbol) -> bool {
        self.surveys.iter().any(|(s, nps)| *s == survey && *nps)
    }
}
