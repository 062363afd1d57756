//! What people write.

/// Why somebody answers as they do, in the survey tool's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It came late.
    Delivery,
    /// It was broken.
    Quality,
    /// The people.
    Staff,
    /// What it costs.
    Price,
    /// What there is.
    Assortment,
}

impl Reason {
    /// The survey tool's code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Quality => "quality",
            Self::Staff => "staff",
            Self::Price => "price",
            Self::Assortment => "assortment",
        }
    }

    /// What a disappointed customer writes about it.
    pub(crate) const fn complaints(self) -> &'static [&'static str] {
        match self {
            Self::Delivery => &[
                "It came a week late and nobody told me.",
                "I took a day off for a delivery that did not come.",
                "Three delivery dates, none of them kept.",
                "The tracking said delivered; the parcel came two days later.",
            ],
            Self::Quality => &[
                "One of the two arrived broken.",
                "The seam came apart on the first day.",
                "Looks nothing like the picture.",
                "The lamp flickers, and the replacement does too.",
            ],
            Self::Staff => &[
                "Nobody at the service desk had time for me.",
                "I was sent from one counter to the next.",
                "The phone rings and rings.",
                "Was told that it is my own fault.",
            ],
            Self::Price => {
                &["Cheaper elsewhere, as I saw afterwards.", "The shipping costs more than the bowl."]
            }
            Self::Assortment => {
                &["Half of what I wanted was out of stock.", "The size I need is never there."]
            }
        }
    }

    /// What a pleased customer writes about it.
    pub(crate) const fn praises(self) -> &'static [&'static str] {
        match self {
            Self::Delivery => {
                &["Ordered on Monday, here on Tuesday.", "The driver carried it up to the third floor."]
            }
            Self::Quality => &["Heavy, well made, will outlive me.", "Even nicer than in the picture."],
            Self::Staff => &["They took their time and knew what they spoke of.", "The best advice in town."],
            Self::Price => &["A fair price for what it is.", "The discount made my day."],
            Self::Assortment => &["I always find something.", "The new colours are lovely."],
        }
    }
}

/// What a customer writes who gives no score.
pub(crate) const REMARKS: [&str; 3] =
    ["I have not opened the parcel yet.", "It was a present; I cannot say.", "Please do not write so often."];
