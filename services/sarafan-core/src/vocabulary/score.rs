//! Scores and their groups.

/// A valid answer to "how likely is it that you would recommend": an integer 0..=10. 0 is a valid score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score(u8);

impl Score {
    /// A score, if it is one.
    pub fn new(value: i64) -> Option<Self> {
        u8::try_from(value).ok().filter(|v| *v <= 10).map(Self)
    }

    /// 0..=10.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// Its group (METRICS 2).
    pub const fn group(self) -> Group {
        match self.0 {
            0..=6 => Group::Detractor,
            7..=8 => Group::Passive,
            _ => Group::Promoter,
        }
    }
}

/// The group of a scored answer: 0-6 detractor, 7-8 passive, 9-10 promoter (METRICS 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// 0-6.
    Detractor,
    /// 7-8.
    Passive,
    /// 9-10.
    Promoter,
}

impl Group {
    /// The name in views, metrics and panels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detractor => "detractor",
            Self::Passive => "passive",
            Self::Promoter => "promoter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_a_valid_score_and_eleven_is_not() {
        let groups: Vec<_> = (0..=10).map(|v| Score::new(v).unwrap().group().name()).collect();
        assert_eq!(groups[..7], ["detractor"; 7]);
        assert_eq!(groups[7..9], ["passive"; 2]);
        assert_eq!(groups[9..], ["promoter"; 2]);
        assert!(Score::new(11).is_none() && Score::new(-1).is_none());
    }
}
