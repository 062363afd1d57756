//! Bands: in which words an NPS is called good or bad (METRICS 2, reference lines).

use serde::Deserialize;

/// A preset of bands. The views give the words; a figure is the same under both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// `below 0`, `0 to 50`, `50 to 80`, `above 80`.
    #[default]
    Bain,
    /// `very bad` (below 0), `bad` (below 60), `between` (below 80), `good`.
    Strict,
}

impl Band {
    /// The name in the configuration and in the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bain => "bain",
            Self::Strict => "strict",
        }
    }
}
