//! Values that can be compared, sorted and printed: what rows of either side are turned into.

use std::fmt;

use sarafan_core::table::{Table, Value};

/// One value of a row.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Plain {
    /// NULL.
    Null,
    /// Numbers, flags, days, instants, money.
    Int(i128),
    /// Text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of numbers.
    Ints(Vec<i128>),
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Text(t) => write!(f, "{t:?}"),
            Self::Texts(t) => write!(f, "{t:?}"),
            Self::Ints(i) => write!(f, "{i:?}"),
        }
    }
}

impl From<Value> for Plain {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(i) => Self::Int(i),
            Value::Text(t) => Self::Text(t.to_string()),
            Value::Texts(t) => Self::Texts(t.iter().map(ToString::to_string).collect()),
            Value::Ints(i) => Self::Ints(i),
        }
    }
}

impl From<&Plain> for Value {
    fn from(plain: &Plain) -> Self {
        match plain {
            Plain::Null => Self::Null,
            Plain::Int(i) => Self::Int(*i),
            Plain::Text(t) => Self::text(t),
            Plain::Texts(t) => Self::Texts(t.iter().map(|t| t.as_str().into()).collect()),
            Plain::Ints(i) => Self::Ints(i.clone()),
        }
    }
}

impl Plain {
    /// A text, or NULL.
    pub(crate) fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Null, |t| Self::Text(t.to_owned()))
    }

    /// A number, or NULL.
    pub(crate) fn int(number: Option<impl Into<i128>>) -> Self {
        number.map_or(Self::Null, |n| Self::Int(n.into()))
    }

    /// A flag.
    pub(crate) fn flag(flag: bool) -> Self {
        Self::Int(i128::from(flag))
    }

    /// The number in it.
    pub(crate) fn number(&self) -> i128 {
        match self {
            Self::Int(i) => *i,
            other => panic!("{other:?} is no number"),
        }
    }

    /// The text in it.
    pub(crate) fn as_text(&self) -> &str {
        match self {
            Self::Text(t) => t,
            other => panic!("{other:?} is no text"),
        }
    }
}

/// The rows of a table.
pub(crate) fn rows(table: &Table) -> impl Iterator<Item = Vec<Plain>> + '_ {
    (0..table.len()).map(|row| table.row(row).into_iter().map(Plain::from).collect())
}
