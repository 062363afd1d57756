//! What a field may hold, and whether the core folds it or ClickHouse alone keeps it.

use super::{Instant, Money, Score};

/// One field of a subject: its one name through schema, mapping, memory, table and view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name, snake_case.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Who keeps it.
    pub role: Role,
}

/// Who keeps a field (DESIGN 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A figure needs it: merged in memory, a column of the entity's row.
    Metric,
    /// No figure needs it: straight to the details, joined by ClickHouse.
    Detail,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An instant, microseconds.
    Instant,
    /// An amount of money, `Decimal(18,4)`.
    Money,
    /// Free text.
    Text,
    /// One of a closed list of words.
    Code(&'static [&'static str]),
    /// A score 0..=10.
    Score,
    /// Yes or no.
    Flag,
    /// A list of texts.
    Texts,
    /// Lines of an order.
    Items,
    /// Named free texts, each with a life of its own: setting one leaves the others.
    Named,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Item {
    /// Stock-keeping unit.
    pub sku: String,
    /// Category, if known.
    pub category: Option<String>,
    /// Brand, if known.
    pub brand: Option<String>,
    /// Pieces, kilograms, ...: four decimals.
    pub quantity: Money,
    /// Price of one.
    pub price: Money,
    /// What the line costs; `quantity x price` unless the source says otherwise.
    pub amount: Money,
}

/// The value of a field in one record. A field that a record does not speak of is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// An explicit null: the field is emptied.
    Cleared,
    /// Of [`Kind::Instant`].
    Instant(Instant),
    /// Of [`Kind::Money`].
    Money(Money),
    /// Of [`Kind::Text`] and [`Kind::Code`].
    Text(String),
    /// Of [`Kind::Score`].
    Score(Score),
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Texts`].
    Texts(Vec<String>),
    /// Of [`Kind::Items`].
    Items(Vec<Item>),
}

impl FieldValue {
    /// Whether the value is one that a field of this kind may hold.
    pub fn fits(&self, kind: Kind) -> bool {
        match (self, kind) {
            (Self::Text(word), Kind::Code(words)) => words.contains(&word.as_str()),
            (Self::Cleared, _)
            | (Self::Instant(_), Kind::Instant)
            | (Self::Money(_), Kind::Money)
            | (Self::Text(_), Kind::Text | Kind::Named)
            | (Self::Score(_), Kind::Score)
            | (Self::Flag(_), Kind::Flag)
            | (Self::Texts(_), Kind::Texts)
            | (Self::Items(_), Kind::Items) => true,
            _ => false,
        }
    }
}
