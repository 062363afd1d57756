//! Rows as a block of ClickHouse's Native format: built once, kept until acknowledged, re-sent unchanged.
//!
//! Column types are sent as the tables declare them, with one exception: `LowCardinality(String)` and
//! `LowCardinality(Nullable(String))` go as `String` and `Nullable(String)`, which ClickHouse converts exactly.

use std::sync::Arc;

use clickhouse::native::builder::{BlockBuilder, ColumnBuilder};
use clickhouse::native::encode::{Encode, ValueWriter};
use clickhouse::native::{Block, DataTypeNode};
use sarafan_core::table::{Column, ColumnData, ColumnKind, Table, TableSpec};

use crate::error::StoreError;
use crate::sql::quoted;

/// The rows of one table, encoded.
pub struct PreparedBlock {
    spec: Arc<TableSpec>,
    rows: usize,
    block: Block,
}

impl std::fmt::Debug for PreparedBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedBlock").field("table", &self.spec.name).field("rows", &self.rows).finish()
    }
}

impl PreparedBlock {
    /// Encodes the rows; `None` when there are none, since an empty block cannot be sent.
    ///
    /// # Errors
    /// [`StoreError::Value`] when a value is outside of what its column can hold.
    pub fn new(table: &Table) -> Result<Option<Self>, StoreError> {
        if table.is_empty() {
            return Ok(None);
        }
        let mut builder = BlockBuilder::new();
        for column in table.columns() {
            encode(&mut builder, table.spec().name, column)?;
        }
        let block = builder.build().map_err(|error| misfit(table.spec().name, &error))?;
        Ok(Some(Self { spec: Arc::clone(table.spec()), rows: table.len(), block }))
    }

    /// The table.
    pub fn table(&self) -> &'static str {
        self.spec.name
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn block(&self) -> &Block {
        &self.block
    }

    /// `(column, column, ...)`: named one by one, so that a column that the table lacks is an error.
    pub(crate) fn column_list(&self) -> String {
        let names: Vec<String> = self.spec.columns.iter().map(|column| quoted(column.name)).collect();
        format!("({})", names.join(", "))
    }
}

/// A Rust type for each ClickHouse type that has no type of its own in Rust.
macro_rules! types {
    ($($(#[$doc:meta])* $name:ident($bits:ty) = $clickhouse:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name(pub(crate) $bits);

        impl Encode for $name {
            fn produces() -> DataTypeNode {
                // A name that the client cannot read becomes a type that the builder refuses.
                DataTypeNode::new($clickhouse).unwrap_or(DataTypeNode::Dynamic)
            }

            fn encode(
                &self,
                writer: &mut ValueWriter<'_>,
            ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
                Ok(writer.write_fixed(&self.0.to_le_bytes())?)
            }
        }
    )*};
}

types! {
    /// Days since 1970-01-01.
    DayBits(u16) = "Date";
    /// Microseconds since 1970-01-01.
    InstantBits(i64) = "DateTime64(6, 'UTC')";
    /// Units of 1/10 000.
    MoneyBits(i64) = "Decimal(18, 4)";
    /// Units of 1/10 000.
    TotalBits(i128) = "Decimal(38, 4)";
}

/// The largest absolute value of `Decimal(18, 4)` and `Decimal(38, 4)`, which ClickHouse does not check in a block.
const MONEY_LIMIT: u128 = 10_u128.pow(18) - 1;
const TOTAL_LIMIT: u128 = 10_u128.pow(38) - 1;

fn encode(builder: &mut BlockBuilder, table: &'static str, column: &Column) -> Result<(), StoreError> {
    let mut target = Target { builder, table, column };
    match column.spec.kind {
        ColumnKind::Flag => target.numbers(|n| Some(n != 0)),
        ColumnKind::I8 => target.numbers(|n| i8::try_from(n).ok()),
        ColumnKind::U16 => target.numbers(|n| u16::try_from(n).ok()),
        ColumnKind::U32 => target.numbers(|n| u32::try_from(n).ok()),
        // The language of rows bit-casts what is unsigned.
        ColumnKind::U64 => target.numbers(|n| i64::try_from(n).ok().map(i64::cast_unsigned)),
        ColumnKind::U128 => target.numbers(|n| Some(n.cast_unsigned())),
        ColumnKind::I32 => target.numbers(|n| i32::try_from(n).ok()),
        ColumnKind::I64 => target.numbers(|n| i64::try_from(n).ok()),
        ColumnKind::Day => target.numbers(|n| u16::try_from(n).ok().map(DayBits)),
        ColumnKind::Instant => target.numbers(|n| i64::try_from(n).ok().map(InstantBits)),
        ColumnKind::Money => target.numbers(money),
        ColumnKind::Total => target.numbers(total),
        ColumnKind::Text | ColumnKind::Category => target.texts(),
        ColumnKind::Texts => target.text_lists(),
        ColumnKind::Stamps => target.number_lists(|n| Some(n.cast_unsigned())),
        ColumnKind::Monies => target.number_lists(money),
        ColumnKind::Counts => target.number_lists(|n| i64::try_from(n).ok()),
        ColumnKind::Totals => target.number_lists(total),
    }
}

fn money(units: i128) -> Option<MoneyBits> {
    let bits = i64::try_from(units).ok()?;
    (units.unsigned_abs() <= MONEY_LIMIT).then_some(MoneyBits(bits))
}

fn total(units: i128) -> Option<TotalBits> {
    (units.unsigned_abs() <= TOTAL_LIMIT).then_some(TotalBits(units))
}

/// One column on its way into the block.
struct Target<'a> {
    builder: &'a mut BlockBuilder,
    table: &'static str,
    column: &'a Column,
}

impl Target<'_> {
    fn numbers<T: Encode>(&mut self, convert: impl Fn(i128) -> Option<T>) -> Result<(), StoreError> {
        match &self.column.data {
            ColumnData::Narrow(values) => self.scalars(values.iter().map(|v| convert(i128::from(*v)))),
            ColumnData::Wide(values) => self.scalars(values.iter().map(|v| convert(*v))),
            _ => Err(self.wrong_shape()),
        }
    }

    fn texts(&mut self) -> Result<(), StoreError> {
        match &self.column.data {
            ColumnData::Text(values) => self.scalars(values.iter().map(|v| Some(v.as_ref()))),
            _ => Err(self.wrong_shape()),
        }
    }

    fn text_lists(&mut self) -> Result<(), StoreError> {
        match &self.column.data {
            ColumnData::Texts(values) => self
                .add(values.iter().map(|list| Some(list.iter().map(AsRef::as_ref).collect::<Vec<&str>>()))),
            _ => Err(self.wrong_shape()),
        }
    }

    fn number_lists<T: Encode>(&mut self, convert: impl Fn(i128) -> Option<T>) -> Result<(), StoreError> {
        match &self.column.data {
            ColumnData::Ints(values) => self
                .add(values.iter().map(|list| list.iter().map(|v| convert(*v)).collect::<Option<Vec<T>>>())),
            _ => Err(self.wrong_shape()),
        }
    }

    /// Values that may be NULL; the value in the place of a NULL is not looked at.
    fn scalars<T: Encode>(&mut self, values: impl Iterator<Item = Option<T>>) -> Result<(), StoreError> {
        if !self.column.spec.nullable {
            return self.add(values);
        }
        let nulls = self.column.nulls.iter().copied();
        if nulls.len() != self.rows() {
            return Err(self.wrong_shape());
        }
        self.add(values.zip(nulls).map(|(value, null)| if null { Some(None) } else { value.map(Some) }))
    }

    /// Adds every value; `None` is a value that the column cannot hold.
    fn add<T: Encode>(&mut self, values: impl Iterator<Item = Option<T>>) -> Result<(), StoreError> {
        let (table, name) = (self.table, self.column.spec.name);
        let column = self.builder.upsert_column::<T>(name);
        let mut column: ColumnBuilder<'_, T> = column.map_err(|error| misfit(table, &error))?;
        for (row, value) in values.enumerate() {
            let Some(value) = value else {
                let problem = format!("its value does not fit {}", self.column.spec.clickhouse_type());
                return Err(StoreError::Value { table, column: name, row, problem });
            };
            column.add(value).map_err(|error| misfit(table, error.as_ref()))?;
        }
        Ok(())
    }

    fn rows(&self) -> usize {
        match &self.column.data {
            ColumnData::Narrow(values) => values.len(),
            ColumnData::Wide(values) => values.len(),
            ColumnData::Text(values) => values.len(),
            ColumnData::Texts(values) => values.len(),
            ColumnData::Ints(values) => values.len(),
        }
    }

    fn wrong_shape(&self) -> StoreError {
        let problem = format!("its values are not those of a column {}", self.column.spec.clickhouse_type());
        StoreError::Value { table: self.table, column: self.column.spec.name, row: 0, problem }
    }
}

fn misfit(table: &str, error: &dyn std::error::Error) -> StoreError {
    StoreError::Mismatch { doing: format!("encode rows of {table}"), detail: error.to_string() }
}
