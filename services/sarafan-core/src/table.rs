//! Rows on their way to and from ClickHouse, by column: the language between the shard and the store.
//!
//! A [`TableSpec`] names the columns and their kinds; the migration of the same table declares the same, and a test
//! of the store compares the two. The core knows nothing of how a block is encoded.

use std::sync::Arc;

/// What a column holds, and so its type in ClickHouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// `Bool`.
    Flag,
    /// `Int8`.
    I8,
    /// `UInt16`.
    U16,
    /// `UInt32`.
    U32,
    /// `UInt64`.
    U64,
    /// `UInt128`.
    U128,
    /// `Int32`.
    I32,
    /// `Int64`.
    I64,
    /// `Date`, as days since 1970-01-01.
    Day,
    /// `DateTime64(6, 'UTC')`, as microseconds.
    Instant,
    /// `Decimal(18, 4)`, as units of 1/10 000.
    Money,
    /// `Decimal(38, 4)`, as units of 1/10 000.
    Total,
    /// `String`.
    Text,
    /// `LowCardinality(String)`.
    Category,
    /// `Array(String)`.
    Texts,
    /// `Array(UInt128)`.
    Stamps,
    /// `Array(Decimal(18, 4))`.
    Monies,
    /// `Array(Int64)`.
    Counts,
    /// `Array(Decimal(38, 4))`.
    Totals,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it may be NULL (never for lists).
    pub nullable: bool,
}

/// A table of `sarafan_store`.
#[derive(Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name.
    pub name: &'static str,
    /// Its columns, in the order of the rows.
    pub columns: Vec<ColumnSpec>,
}

/// One value of a row. The order is that of its variants and of what they hold: for maps, and no table's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// NULL.
    Null,
    /// Of every kind that is a number, a flag, a day, an instant or money. `UInt128` is bit-cast.
    Int(i128),
    /// Of [`ColumnKind::Text`] and [`ColumnKind::Category`].
    Text(Arc<str>),
    /// Of [`ColumnKind::Texts`].
    Texts(Vec<Arc<str>>),
    /// Of the other lists; `UInt128` is bit-cast.
    Ints(Vec<i128>),
}

/// The values of a column, one per row, and which of them are NULL (a default value stands in their place).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnData {
    /// Numbers of up to 64 bits; `UInt64` is bit-cast.
    Narrow(Vec<i64>),
    /// Numbers of 128 bits; `UInt128` is bit-cast.
    Wide(Vec<i128>),
    /// Texts.
    Text(Vec<Arc<str>>),
    /// Lists of texts.
    Texts(Vec<Vec<Arc<str>>>),
    /// Lists of numbers.
    Ints(Vec<Vec<i128>>),
}

/// A column with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// What it is.
    pub spec: ColumnSpec,
    /// Its values.
    pub data: ColumnData,
    /// One per row: whether it is NULL. Empty when the column is not nullable.
    pub nulls: Vec<bool>,
}

/// Rows of one table.
#[derive(Debug, Clone)]
pub struct Table {
    spec: Arc<TableSpec>,
    columns: Vec<Column>,
    rows: usize,
}

impl ColumnKind {
    /// The type in ClickHouse.
    pub const fn clickhouse_type(self) -> &'static str {
        match self {
            Self::Flag => "Bool",
            Self::I8 => "Int8",
            Self::U16 => "UInt16",
            Self::U32 => "UInt32",
            Self::U64 => "UInt64",
            Self::U128 => "UInt128",
            Self::I32 => "Int32",
            Self::I64 => "Int64",
            Self::Day => "Date",
            Self::Instant => "DateTime64(6, 'UTC')",
            Self::Money => "Decimal(18, 4)",
            Self::Total => "Decimal(38, 4)",
            Self::Text => "String",
            Self::Category => "LowCardinality(String)",
            Self::Texts => "Array(String)",
            Self::Stamps => "Array(UInt128)",
            Self::Monies => "Array(Decimal(18, 4))",
            Self::Counts => "Array(Int64)",
            Self::Totals => "Array(Decimal(38, 4))",
        }
    }

    fn empty(self) -> ColumnData {
        match self {
            Self::U128 | Self::Total => ColumnData::Wide(Vec::new()),
            Self::Text | Self::Category => ColumnData::Text(Vec::new()),
            Self::Texts => ColumnData::Texts(Vec::new()),
            Self::Stamps | Self::Monies | Self::Counts | Self::Totals => ColumnData::Ints(Vec::new()),
            _ => ColumnData::Narrow(Vec::new()),
        }
    }
}

impl ColumnSpec {
    /// A column that is never NULL.
    pub const fn new(name: &'static str, kind: ColumnKind) -> Self {
        Self { name, kind, nullable: false }
    }

    /// A column that may be NULL.
    pub const fn nullable(name: &'static str, kind: ColumnKind) -> Self {
        Self { name, kind, nullable: true }
    }

    /// The type in ClickHouse, `Nullable` included.
    pub fn clickhouse_type(&self) -> String {
        let plain = self.kind.clickhouse_type();
        match (self.nullable, self.kind) {
            (false, _) => plain.to_owned(),
            (true, ColumnKind::Category) => "LowCardinality(Nullable(String))".to_owned(),
            (true, _) => format!("Nullable({plain})"),
        }
    }
}

impl Column {
    fn push(&mut self, value: Value) {
        let null = matches!(value, Value::Null);
        if self.spec.nullable {
            self.nulls.push(null);
        }
        match (&mut self.data, value) {
            (ColumnData::Narrow(v), Value::Int(i)) => v.push(i as i64),
            (ColumnData::Narrow(v), _) => v.push(0),
            (ColumnData::Wide(v), Value::Int(i)) => v.push(i),
            (ColumnData::Wide(v), _) => v.push(0),
            (ColumnData::Text(v), Value::Text(t)) => v.push(t),
            (ColumnData::Text(v), _) => v.push(Arc::from("")),
            (ColumnData::Texts(v), Value::Texts(t)) => v.push(t),
            (ColumnData::Texts(v), _) => v.push(Vec::new()),
            (ColumnData::Ints(v), Value::Ints(i)) => v.push(i),
            (ColumnData::Ints(v), _) => v.push(Vec::new()),
        }
    }

    /// The value of a row; [`Value::Null`] beyond the last.
    pub fn value(&self, row: usize) -> Value {
        if self.nulls.get(row).copied().unwrap_or(false) {
            return Value::Null;
        }
        let found = match &self.data {
            ColumnData::Narrow(v) => v.get(row).map(|i| Value::Int(self.widen(*i))),
            ColumnData::Wide(v) => v.get(row).map(|i| Value::Int(*i)),
            ColumnData::Text(v) => v.get(row).map(|t| Value::Text(Arc::clone(t))),
            ColumnData::Texts(v) => v.get(row).map(|t| Value::Texts(t.clone())),
            ColumnData::Ints(v) => v.get(row).map(|i| Value::Ints(i.clone())),
        };
        found.unwrap_or(Value::Null)
    }

    fn widen(&self, bits: i64) -> i128 {
        if self.spec.kind == ColumnKind::U64 { i128::from(bits.cast_unsigned()) } else { i128::from(bits) }
    }

    fn append(&mut self, other: Self) {
        self.nulls.extend(other.nulls);
        match (&mut self.data, other.data) {
            (ColumnData::Narrow(a), ColumnData::Narrow(b)) => a.extend(b),
            (ColumnData::Wide(a), ColumnData::Wide(b)) => a.extend(b),
            (ColumnData::Text(a), ColumnData::Text(b)) => a.extend(b),
            (ColumnData::Texts(a), ColumnData::Texts(b)) => a.extend(b),
            (ColumnData::Ints(a), ColumnData::Ints(b)) => a.extend(b),
            _ => {}
        }
    }
}

impl Table {
    /// No rows yet.
    pub fn new(spec: &Arc<TableSpec>) -> Self {
        let column = |spec: &ColumnSpec| Column { spec: *spec, data: spec.kind.empty(), nulls: Vec::new() };
        Self { spec: Arc::clone(spec), columns: spec.columns.iter().map(column).collect(), rows: 0 }
    }

    /// What its columns are.
    pub fn spec(&self) -> &Arc<TableSpec> {
        &self.spec
    }

    /// The columns with their values.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row: one value per column, in their order. Missing values become NULL or the default.
    pub fn push(&mut self, row: impl IntoIterator<Item = Value>) {
        let mut values = row.into_iter();
        for column in &mut self.columns {
            column.push(values.next().unwrap_or(Value::Null));
        }
        debug_assert!(values.next().is_none(), "more values than columns in {}", self.spec.name);
        self.rows += 1;
    }

    /// Adds the rows of another table of the same spec (several partitions, one block).
    pub fn append(&mut self, other: Self) {
        debug_assert_eq!(self.spec, other.spec);
        self.rows += other.rows;
        for (mine, theirs) in self.columns.iter_mut().zip(other.columns) {
            mine.append(theirs);
        }
    }

    /// The values of a row, in the order of the columns.
    pub fn row(&self, row: usize) -> Vec<Value> {
        self.columns.iter().map(|column| column.value(row)).collect()
    }
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Text(Arc::from(text))
    }

    /// A number, or NULL.
    pub fn maybe(number: Option<impl Into<i128>>) -> Self {
        number.map_or(Self::Null, |n| Self::Int(n.into()))
    }
}
