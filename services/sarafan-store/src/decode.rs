//! A block of ClickHouse's Native format as rows of the core: the reverse of `block.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use clickhouse::native::decode::{Decode, ValueReader};
use clickhouse::native::{Block, DataTypeNode};
use rustc_hash::FxHashMap;
use sarafan_core::table::{ColumnKind, ColumnSpec, Table, TableSpec, Value};

use crate::error::StoreError;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The rows of a block whose columns are those of `spec`, in that order.
///
/// # Errors
/// [`StoreError::Mismatch`] when they are not.
pub(crate) fn rows(doing: &str, spec: &Arc<TableSpec>, block: &Block) -> Result<Table, StoreError> {
    let mut table = Table::new(spec);
    each_row(doing, spec, block, |_, row| table.push(row))?;
    Ok(table)
}

/// The rows of a block, apart by `partition`, the number in each row's column `column`.
///
/// # Errors
/// As [`rows`].
pub(crate) fn rows_by_partition(
    doing: &str,
    spec: &Arc<TableSpec>,
    block: &Block,
    column: &'static str,
    partition: impl Fn(u64) -> u16,
) -> Result<BTreeMap<u16, Table>, StoreError> {
    let mismatch = |detail: String| StoreError::Mismatch { doing: doing.to_owned(), detail };
    let column = block.column_by_name(column).ok_or_else(|| mismatch(format!("no column {column}")))?;
    let numbers = column.iter::<Whole>().map_err(|error| mismatch(error.to_string()))?;
    let partitions = numbers
        .map(|whole| whole.map(|whole| partition(u64::try_from(whole.0).unwrap_or_default())))
        .collect::<Result<Vec<u16>, _>>()
        .map_err(|error| mismatch(error.to_string()))?;
    let mut tables = BTreeMap::new();
    each_row(doing, spec, block, |row, values| {
        let Some(partition) = partitions.get(row) else { return };
        tables.entry(*partition).or_insert_with(|| Table::new(spec)).push(values);
    })?;
    Ok(tables)
}

/// Hands over the values of each row; nothing that was handed over counts after an error.
fn each_row(
    doing: &str,
    spec: &TableSpec,
    block: &Block,
    mut row_of: impl FnMut(usize, &mut dyn Iterator<Item = Value>),
) -> Result<(), StoreError> {
    let mismatch = |detail: String| StoreError::Mismatch { doing: doing.to_owned(), detail };
    if block.columns().len() != spec.columns.len() {
        return Err(mismatch(format!("{} columns, expected {}", block.columns().len(), spec.columns.len())));
    }
    let pairs = spec.columns.iter().zip(block.columns());
    let mut cells = pairs
        .map(|(column, data)| {
            Cells::of(column, data).map_err(|error| mismatch(format!("{}: {error}", column.name)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut failed = None;
    for row in 0..block.num_rows() {
        let mut values = cells.iter_mut().map(|cells| {
            cells.next().unwrap_or_else(|error| {
                failed.get_or_insert(error);
                Value::Null
            })
        });
        row_of(row, &mut values);
    }
    match failed {
        Some(error) => Err(mismatch(error.to_string())),
        None => Ok(()),
    }
}

/// The values of one column, one after the other.
enum Cells<'a> {
    Whole(Iter<'a, Whole>),
    MaybeWhole(Iter<'a, Option<Whole>>),
    Text(Iter<'a, &'a str>, Texts<'a>),
    MaybeText(Iter<'a, Option<&'a str>>, Texts<'a>),
    Wholes(Iter<'a, Vec<Whole>>),
    Texts(Iter<'a, Vec<&'a str>>, Texts<'a>),
}

type Iter<'a, T> = clickhouse::native::ColumnIter<'a, T>;

impl<'a> Cells<'a> {
    fn of(spec: &ColumnSpec, data: &'a clickhouse::native::Column) -> Result<Self, clickhouse::error::Error> {
        let texts = || {
            if spec.kind == ColumnKind::Text { Texts::Single } else { Texts::Repeated(FxHashMap::default()) }
        };
        Ok(match (spec.kind, spec.nullable) {
            (ColumnKind::Text | ColumnKind::Category, false) => Self::Text(data.iter()?, texts()),
            (ColumnKind::Text | ColumnKind::Category, true) => Self::MaybeText(data.iter()?, texts()),
            (ColumnKind::Texts, _) => Self::Texts(data.iter()?, texts()),
            (ColumnKind::Stamps | ColumnKind::Monies | ColumnKind::Counts | ColumnKind::Totals, _) => {
                Self::Wholes(data.iter()?)
            }
            (_, false) => Self::Whole(data.iter()?),
            (_, true) => Self::MaybeWhole(data.iter()?),
        })
    }

    fn next(&mut self) -> Result<Value, Failure> {
        const SHORT: &str = "fewer values than rows";
        Ok(match self {
            Self::Whole(iter) => Value::Int(iter.next().ok_or(SHORT)??.0),
            Self::MaybeWhole(iter) => {
                iter.next().ok_or(SHORT)??.map_or(Value::Null, |whole| Value::Int(whole.0))
            }
            Self::Text(iter, texts) => Value::Text(texts.shared(iter.next().ok_or(SHORT)??)),
            Self::MaybeText(iter, texts) => {
                iter.next().ok_or(SHORT)??.map_or(Value::Null, |text| Value::Text(texts.shared(text)))
            }
            Self::Wholes(iter) => {
                Value::Ints(iter.next().ok_or(SHORT)??.into_iter().map(|whole| whole.0).collect())
            }
            Self::Texts(iter, texts) => {
                Value::Texts(iter.next().ok_or(SHORT)??.into_iter().map(|text| texts.shared(text)).collect())
            }
        })
    }
}

/// Texts of a column as the core holds them; those that repeat are allocated once per block.
enum Texts<'a> {
    Single,
    Repeated(FxHashMap<&'a str, Arc<str>>),
}

impl<'a> Texts<'a> {
    fn shared(&mut self, text: &'a str) -> Arc<str> {
        match self {
            Self::Single => Arc::from(text),
            Self::Repeated(known) => Arc::clone(known.entry(text).or_insert_with(|| Arc::from(text))),
        }
    }
}

/// A number of any width as the language of rows has it: what is unsigned and wide is bit-cast.
struct Whole(i128);

impl<'a> Decode<'a> for Whole {
    fn compatible(data_type: &DataTypeNode) -> bool {
        width(data_type.remove_compatible_wrappers()).is_some()
    }

    fn decode(reader: &mut ValueReader<'a>) -> Result<Self, Failure> {
        let kind = width(reader.data_type().remove_compatible_wrappers());
        Ok(Self(match kind {
            Some(Width::Unsigned8) => i128::from(u8::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Signed8) => i128::from(i8::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Unsigned16) => i128::from(u16::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Unsigned32) => i128::from(u32::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Signed32) => i128::from(i32::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Unsigned64) => i128::from(u64::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Signed64) => i128::from(i64::from_le_bytes(*reader.read_bytes_fixed()?)),
            Some(Width::Wide) => i128::from_le_bytes(*reader.read_bytes_fixed()?),
            None => return Err(format!("{} is no number", reader.data_type()).into()),
        }))
    }
}

#[derive(Clone, Copy)]
enum Width {
    Unsigned8,
    Signed8,
    Unsigned16,
    Unsigned32,
    Signed32,
    Unsigned64,
    Signed64,
    Wide,
}

/// How a number of this type stands in a block; `None` for types that the tables do not use.
fn width(data_type: &DataTypeNode) -> Option<Width> {
    Some(match data_type {
        DataTypeNode::Bool => Width::Unsigned8,
        DataTypeNode::Int8 => Width::Signed8,
        DataTypeNode::UInt16 | DataTypeNode::Date => Width::Unsigned16,
        DataTypeNode::UInt32 => Width::Unsigned32,
        DataTypeNode::Int32 => Width::Signed32,
        DataTypeNode::UInt64 => Width::Unsigned64,
        DataTypeNode::Int64 | DataTypeNode::DateTime64(..) => Width::Signed64,
        DataTypeNode::UInt128 => Width::Wide,
        DataTypeNode::Decimal(precision, ..) if *precision <= 9 => Width::Signed32,
        DataTypeNode::Decimal(precision, ..) if *precision <= 18 => Width::Signed64,
        DataTypeNode::Decimal(precision, ..) if *precision <= 38 => Width::Wide,
        _ => return None,
    })
}
