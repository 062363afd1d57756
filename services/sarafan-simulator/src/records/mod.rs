//! What the source systems write, each in its own shape and words.

mod answers;
mod cases;
mod deals;
mod mailings;
mod members;
mod orders;
mod payments;
mod spend;
mod spoiled;

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

pub(crate) use answers::{About, AnswerRecord, Other, Person, Said};
pub(crate) use cases::CaseRecord;
pub(crate) use deals::DealRecord;
pub(crate) use mailings::MailingRecord;
pub(crate) use members::{MemberRecord, Profile};
pub(crate) use orders::{Buyer, Heartbeat, OrderContent, OrderLine, OrderRecord, Totals};
pub(crate) use payments::PaymentRecord;
pub(crate) use spend::{Clicks, SpendRecord};
pub(crate) use spoiled::{Fault, spoiled};

/// A source system, and the stream that it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// The shop: an order when it is placed, and what changes of it. Noise besides: heartbeats, a test store.
    Orders,
    /// The payment provider: money given back, in cents, times in milliseconds.
    Payments,
    /// The loyalty programme: change data of its members.
    Members,
    /// The mailing tool: questions sent, reminders, bounces.
    Mailings,
    /// The survey tool: answers; a comment may follow in a record of its own.
    Answers,
    /// The service desk: cases on bad answers.
    Cases,
    /// The advertising platform: clicks and what they cost, by campaign, day and region.
    Spend,
    /// The sales team's book: stages of deals.
    Deals,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Orders,
        Self::Payments,
        Self::Members,
        Self::Mailings,
        Self::Answers,
        Self::Cases,
        Self::Spend,
        Self::Deals,
    ];

    /// Its name: of the file, and of the source in the configuration of the demo shop.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Members => "members",
            Self::Mailings => "mailings",
            Self::Answers => "answers",
            Self::Cases => "cases",
            Self::Spend => "spend",
            Self::Deals => "deals",
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record on its way to the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where it goes.
    pub topic: Topic,
    /// When it arrives. What it speaks of may be long ago, and what was written before it may come after it.
    pub arrives: Timestamp,
    /// Its key, as the source system chooses it.
    pub key: String,
    /// One line of JSON; or, of a few, something that was meant to be one.
    pub value: String,
}

/// A record's text. Structs of texts and numbers: there is nothing in them that JSON could not hold.
pub(crate) fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// An instant, written as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Iso(pub(crate) Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An instant, written in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) Timestamp);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.as_millisecond())
    }
}
