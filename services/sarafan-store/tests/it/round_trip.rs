//! What is written is what is read back: every kind, its extremes, NULL.

use std::sync::Arc;

use sarafan_core::Epoch;
use sarafan_core::table::{ColumnKind, ColumnSpec, Table, TableSpec, Value};
use sarafan_store::{Class, PreparedBlock, Scope, Store, StoreError};

use crate::{migrated, run, value};

const KINDS: [ColumnKind; 20] = [
    ColumnKind::Flag,
    ColumnKind::I8,
    ColumnKind::U16,
    ColumnKind::U32,
    ColumnKind::U64,
    ColumnKind::U128,
    ColumnKind::I32,
    ColumnKind::I64,
    ColumnKind::Day,
    ColumnKind::Instant,
    ColumnKind::Money,
    ColumnKind::Total,
    ColumnKind::Text,
    ColumnKind::Category,
    ColumnKind::Texts,
    ColumnKind::Stamps,
    ColumnKind::Monies,
    ColumnKind::Counts,
    ColumnKind::Totals,
    // Again at the end, so that what follows a list is read from the right place.
    ColumnKind::U64,
];

const MONEY: i128 = 10_i128.pow(18) - 1;
const TOTAL: i128 = 10_i128.pow(38) - 1;

fn is_list(kind: ColumnKind) -> bool {
    kind.clickhouse_type().starts_with("Array")
}

/// One column of each kind, and a nullable one of each kind that may be NULL.
fn spec() -> Arc<TableSpec> {
    let name = |i: usize, suffix: &str| -> &'static str { format!("c{i}{suffix}").leak() };
    let mut columns = vec![ColumnSpec::new("key_hash", ColumnKind::U32)];
    for (i, kind) in KINDS.into_iter().enumerate() {
        columns.push(ColumnSpec::new(name(i, ""), kind));
        if !is_list(kind) {
            columns.push(ColumnSpec::nullable(name(i, "n"), kind));
        }
    }
    Arc::new(TableSpec { name: "every_kind", columns })
}

/// The lowest and the highest value of a kind, and one between.
fn extremes(kind: ColumnKind) -> [Value; 3] {
    let ints = |low: i128, high: i128| [Value::Int(low), Value::Int(high), Value::Int(1)];
    let lists =
        |low: i128, high: i128| [Value::Ints(vec![]), Value::Ints(vec![low, high, 0]), Value::Ints(vec![1])];
    match kind {
        ColumnKind::Flag => ints(0, 1),
        ColumnKind::I8 => ints(i8::MIN.into(), i8::MAX.into()),
        ColumnKind::U16 | ColumnKind::Day => ints(0, u16::MAX.into()),
        ColumnKind::U32 => ints(0, u32::MAX.into()),
        ColumnKind::U64 => ints(0, u64::MAX.into()),
        ColumnKind::U128 => ints(0, u128::MAX.cast_signed()),
        ColumnKind::I32 => ints(i32::MIN.into(), i32::MAX.into()),
        ColumnKind::I64 | ColumnKind::Instant => ints(i64::MIN.into(), i64::MAX.into()),
        ColumnKind::Money => ints(-MONEY, MONEY),
        ColumnKind::Total => ints(-TOTAL, TOTAL),
        ColumnKind::Text | ColumnKind::Category => {
            [Value::text(""), Value::text("пара 'слов' \\ \0 🙂"), Value::text(&"long ".repeat(60))]
        }
        ColumnKind::Texts => {
            let list = ["", "a'b", "ю"].map(Arc::from).to_vec();
            [Value::Texts(vec![]), Value::Texts(list), Value::Texts(vec![Arc::from("x".repeat(300))])]
        }
        ColumnKind::Stamps => lists(0, u128::MAX.cast_signed()),
        ColumnKind::Monies => lists(-MONEY, MONEY),
        ColumnKind::Counts => lists(i64::MIN.into(), i64::MAX.into()),
        ColumnKind::Totals => lists(-TOTAL, TOTAL),
    }
}

async fn create(store: &Store, spec: &TableSpec) {
    let columns: Vec<String> =
        spec.columns.iter().map(|c| format!("{} {}", c.name, c.clickhouse_type())).collect();
    let engine = "ReplacingMergeTree ORDER BY key_hash";
    run(store, &format!("CREATE TABLE {{store}}.{} ({}) ENGINE = {engine}", spec.name, columns.join(", ")))
        .await;
}

fn rows(spec: &Arc<TableSpec>) -> Table {
    let mut table = Table::new(spec);
    for row in 0..4 {
        let value = |column: &ColumnSpec| match (row, column.nullable) {
            (3, true) => Value::Null,
            (3, false) => extremes(column.kind)[1].clone(),
            _ => extremes(column.kind)[row].clone(),
        };
        table.push(std::iter::once(Value::Int(row as i128)).chain(spec.columns[1..].iter().map(value)));
    }
    table
}

#[tokio::test]
async fn every_kind_comes_back_as_it_was_written_with_extremes_and_nulls() {
    let (store, spec) = (migrated().await, spec());
    create(&store, &spec).await;
    let written = rows(&spec);
    store.insert(&written).await.unwrap();
    let all = Scope { epoch: Epoch(0), partitions: vec![0], partition_count: 1 };
    let read = store.read_details(&spec, &all).await.unwrap();
    assert_eq!(read.len(), written.len());
    for row in 0..written.len() {
        for (column, (a, b)) in spec.columns.iter().zip(written.row(row).into_iter().zip(read.row(row))) {
            assert_eq!(a, b, "row {row}, {} {}", column.name, column.clickhouse_type());
        }
    }
}

#[tokio::test]
async fn clickhouse_itself_sees_the_values_that_were_meant() {
    let (store, spec) = (migrated().await, spec());
    create(&store, &spec).await;
    store.insert(&rows(&spec)).await.unwrap();
    let at = |kind: ColumnKind| KINDS.iter().position(|k| *k == kind).unwrap();
    let show = async |kind: ColumnKind| {
        let sql = format!(
            "SELECT toString(c{}) FROM {{store}}.every_kind ORDER BY key_hash LIMIT 1 OFFSET 1",
            at(kind)
        );
        value(&store, &sql).await
    };
    assert_eq!(show(ColumnKind::Flag).await, "true");
    assert_eq!(show(ColumnKind::U64).await, u64::MAX.to_string());
    assert_eq!(show(ColumnKind::U128).await, u128::MAX.to_string());
    assert_eq!(show(ColumnKind::Day).await, "2149-06-06");
    assert_eq!(show(ColumnKind::Money).await, "99999999999999.9999");
    assert_eq!(show(ColumnKind::Total).await, "9999999999999999999999999999999999.9999");
    assert_eq!(show(ColumnKind::Counts).await, "[-9223372036854775808,9223372036854775807,0]");
    let instant = format!(
        "SELECT toString(c{}) FROM {{store}}.every_kind ORDER BY key_hash LIMIT 1 OFFSET 2",
        at(ColumnKind::Instant)
    );
    assert_eq!(value(&store, &instant).await, "1970-01-01 00:00:00.000001");
}

#[test]
fn a_value_that_its_column_cannot_hold_is_poison_and_says_where() {
    for (kind, wrong) in [
        (ColumnKind::I8, 128),
        (ColumnKind::Day, 65_536),
        (ColumnKind::Day, -1),
        (ColumnKind::U32, -1),
        (ColumnKind::Money, MONEY + 1),
        (ColumnKind::Total, TOTAL + 1),
    ] {
        let spec = Arc::new(TableSpec { name: "t", columns: vec![ColumnSpec::new("c", kind)] });
        let mut table = Table::new(&spec);
        table.push([Value::Int(1)]);
        table.push([Value::Int(wrong)]);
        let error = PreparedBlock::new(&table).unwrap_err();
        assert_eq!((error.class(), error.kind()), (Class::Poison, "value"), "{error}");
        assert!(matches!(error, StoreError::Value { table: "t", column: "c", row: 1, .. }), "{error}");
    }
}

#[test]
fn a_null_hides_whatever_stands_in_its_place() {
    let spec = Arc::new(TableSpec { name: "t", columns: vec![ColumnSpec::nullable("c", ColumnKind::Day)] });
    let mut table = Table::new(&spec);
    table.push([Value::Null]);
    assert_eq!(PreparedBlock::new(&table).unwrap().unwrap().rows(), 1);
    assert!(PreparedBlock::new(&Table::new(&spec)).unwrap().is_none(), "an empty block cannot be sent");
}
