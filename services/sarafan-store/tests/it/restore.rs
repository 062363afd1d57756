//! What a restore reads.

use std::collections::BTreeMap;

use sarafan_core::definitions::Epoch;
use sarafan_core::rows;
use sarafan_core::table::{ColumnKind, Table, TableSpec, Value};
use sarafan_core::vocabulary::Subject;
use sarafan_store::{Height, Scope, Store};

use crate::migrated;

const EPOCH: i128 = 11;
const PARTITIONS: i128 = 4;

/// A row with these values and defaults elsewhere.
fn push(table: &mut Table, values: &[(&str, Value)]) {
    let spec = std::sync::Arc::clone(table.spec());
    table.push(spec.columns.iter().map(|column| {
        let given = values.iter().find(|(name, _)| *name == column.name);
        given.map_or_else(
            || if column.nullable { Value::Null } else { default(column.kind) },
            |(_, v)| v.clone(),
        )
    }));
}

fn default(kind: ColumnKind) -> Value {
    match kind {
        ColumnKind::Text | ColumnKind::Category => Value::text(""),
        ColumnKind::Texts => Value::Texts(Vec::new()),
        ColumnKind::Stamps | ColumnKind::Monies | ColumnKind::Counts | ColumnKind::Totals => {
            Value::Ints(Vec::new())
        }
        _ => Value::Int(0),
    }
}

fn keyed(epoch: i128, hash: i128, version: i128) -> Vec<(&'static str, Value)> {
    vec![
        ("epoch", Value::Int(epoch)),
        ("key", Value::text(&format!("c:{hash}"))),
        ("key_hash", Value::Int(hash)),
        ("version", Value::Int(version)),
    ]
}

fn order(table: &mut Table, epoch: i128, hash: i128, id: &str, version: i128, amount: i128) {
    let mut values = keyed(epoch, hash, version);
    values.extend([
        ("id", Value::text(id)),
        ("first_version", Value::Int(1)),
        ("stamp", Value::Int(u128::MAX.cast_signed() - version)),
        ("amount", Value::Int(amount)),
        ("currency", Value::text("RUB")),
        ("cleared", Value::Texts(vec!["store".into()])),
        // Derived: not a part of what is restored.
        ("nth", Value::Int(1)),
    ]);
    push(table, &values);
}

fn orders() -> &'static std::sync::Arc<TableSpec> {
    rows::entity_table(Subject::Order).unwrap()
}

fn scope(partitions: &[u16]) -> Scope {
    Scope {
        epoch: Epoch(u64::try_from(EPOCH).unwrap()),
        partitions: partitions.to_vec(),
        partition_count: u32::try_from(PARTITIONS).unwrap(),
    }
}

async fn read(store: &Store, scope: &Scope) -> BTreeMap<&'static str, Vec<Table>> {
    let mut found: BTreeMap<&'static str, Vec<Table>> = BTreeMap::new();
    store
        .read_entities(scope, |subject, partition, piece| {
            assert_eq!(piece.spec().columns.len(), rows::own_columns(subject));
            let hashes = column(std::slice::from_ref(&piece), "key_hash");
            let belongs =
                |hash: &Value| matches!(hash, Value::Int(h) if h % PARTITIONS == i128::from(partition));
            assert!(hashes.iter().all(belongs), "a piece is of one partition");
            found.entry(subject.name()).or_default().push(piece);
        })
        .await
        .unwrap();
    found
}

fn column<'a>(tables: &'a [Table], name: &str) -> Vec<Value> {
    let value = |table: &'a Table| {
        let at = table.spec().columns.iter().position(|column| column.name == name).unwrap();
        (0..table.len()).map(move |row| table.columns()[at].value(row))
    };
    tables.iter().flat_map(value).collect()
}

fn sorted(values: Vec<Value>) -> Vec<String> {
    let mut texts: Vec<String> = values.into_iter().map(|value| format!("{value:?}")).collect();
    texts.sort();
    texts
}

#[tokio::test]
async fn older_versions_other_partitions_and_other_epochs_are_hidden() {
    let store = migrated().await;
    let mut newer = Table::new(orders());
    order(&mut newer, EPOCH, 1, "a", 20, 700);
    order(&mut newer, EPOCH, 5, "b", 7, 200);
    store.insert(&newer).await.unwrap();
    // Late, and in a part of its own: what an older owner wrote.
    let mut older = Table::new(orders());
    order(&mut older, EPOCH, 1, "a", 10, 100);
    order(&mut older, EPOCH, 2, "c", 30, 300);
    order(&mut older, EPOCH + 1, 1, "a", 99, 900);
    store.insert(&older).await.unwrap();
    let found = read(&store, &scope(&[1])).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), [&"order"]);
    let found = &found["order"];
    assert_eq!(sorted(column(found, "amount")), ["Int(200)", "Int(700)"]);
    assert_eq!(sorted(column(found, "version")), ["Int(20)", "Int(7)"]);
    assert_eq!(column(found, "currency")[0], Value::text("RUB"));
    assert_eq!(column(found, "cleared")[0], Value::Texts(vec!["store".into()]));
    assert!(column(found, "stamp").contains(&Value::Int(u128::MAX.cast_signed() - 20)));
    assert!(read(&store, &scope(&[3])).await.is_empty());
    assert!(read(&store, &scope(&[])).await.is_empty());
}

#[tokio::test]
async fn a_large_restore_comes_in_bounded_pieces() {
    let store = migrated().await;
    let mut many = Table::new(orders());
    for n in 0..150_000 {
        order(&mut many, EPOCH, n, "x", n + 1, n);
    }
    store.insert(&many).await.unwrap();
    let found = read(&store, &scope(&[0, 1, 2, 3])).await;
    let pieces = &found["order"];
    assert_eq!(pieces.iter().map(Table::len).sum::<usize>(), 150_000);
    assert!(
        pieces.iter().all(|piece| piece.len() <= 70_000),
        "{:?}",
        pieces.iter().map(Table::len).collect::<Vec<_>>()
    );
    let sum: i128 = column(pieces, "amount").iter().map(|v| if let Value::Int(n) = v { *n } else { 0 }).sum();
    assert_eq!(sum, 149_999 * 150_000 / 2);
}

#[tokio::test]
async fn heights_say_per_partition_how_high_the_rows_of_a_table_reach() {
    let store = migrated().await;
    let figures = &*rows::CUSTOMER_FIGURES;
    for (hash, version) in [(1, 10), (1, 40), (5, 30), (2, 50), (3, 60)] {
        let mut table = Table::new(figures);
        push(&mut table, &keyed(EPOCH, hash, version));
        store.insert(&table).await.unwrap();
    }
    let found = store.heights(&scope(&[1, 2, 0]), figures).await.unwrap();
    let height = |partition, highest, rows| Height { partition, highest, rows };
    assert_eq!(found, [height(1, 40, 2), height(2, 50, 1)]);
    assert!(store.heights(&scope(&[1]), &rows::CUSTOMER_MONEY).await.unwrap().is_empty());
}

#[tokio::test]
async fn entities_are_counted_by_their_first_version_up_to_a_limit_of_each_partition() {
    let store = migrated().await;
    let first = |table: &mut Table, hash: i128, id: &str, first: i128, version: i128| {
        let mut values = keyed(EPOCH, hash, version);
        values.extend([("id", Value::text(id)), ("first_version", Value::Int(first))]);
        push(table, &values);
    };
    let big = i128::from(u64::MAX);
    let mut table = Table::new(orders());
    first(&mut table, 1, "a", 10, 10);
    first(&mut table, 1, "b", 20, big);
    first(&mut table, 5, "c", 21, 21);
    first(&mut table, 2, "d", 5, 5);
    store.insert(&table).await.unwrap();
    let mut again = Table::new(orders());
    first(&mut again, 1, "a", 10, 30);
    store.insert(&again).await.unwrap();
    let mut refunds = Table::new(rows::entity_table(Subject::Refund).unwrap());
    first(&mut refunds, 1, "e", 20, 20);
    store.insert(&refunds).await.unwrap();
    let count = async |limits: &[(u16, u64)]| {
        let limits: BTreeMap<u16, u64> = limits.iter().copied().collect();
        let partitions: Vec<u16> = limits.keys().copied().collect();
        store.entities_up_to(&scope(&partitions), &limits).await.unwrap()
    };
    assert_eq!(count(&[(1, 20), (2, 4), (3, 9)]).await, BTreeMap::from([(1, 3), (2, 0), (3, 0)]));
    assert_eq!(count(&[(1, u64::MAX)]).await, BTreeMap::from([(1, 4)]));
    assert!(count(&[]).await.is_empty());
}

#[tokio::test]
async fn a_restore_knows_the_highest_version_of_each_table_of_each_partition() {
    let store = migrated().await;
    let mut table = Table::new(orders());
    order(&mut table, EPOCH, 1, "a", 20, 0);
    order(&mut table, EPOCH, 5, "b", 70, 0);
    order(&mut table, EPOCH, 2, "c", 30, 0);
    store.insert(&table).await.unwrap();
    // A late row of an older owner: derived rows may be above all entities.
    let mut figures = Table::new(&rows::CUSTOMER_FIGURES);
    push(&mut figures, &keyed(EPOCH, 1, 90));
    store.insert(&figures).await.unwrap();
    let highest = store.read_entities(&scope(&[1, 3]), |_, _, _| {}).await.unwrap();
    assert_eq!(highest.keys().collect::<Vec<_>>(), [&1, &3]);
    let tables = |names: [(&str, u64); 7]| names.map(|(name, version)| (name.to_owned(), version)).into();
    let empty = [("survey_responses", 0), ("survey_invitations", 0), ("customers", 0), ("customer_money", 0)];
    let [responses, invitations, customers, money] = empty;
    let of = |orders, figures| {
        let (orders, figures) = (("orders", orders), ("customer_figures", figures));
        tables([orders, ("refunds", 0), responses, invitations, customers, figures, money])
    };
    assert_eq!(highest[&1], of(70, 90));
    assert_eq!(highest[&3], of(0, 0));
}

#[tokio::test]
async fn fields_of_details_come_back_by_partition_with_their_latest_values() {
    let store = migrated().await;
    let detail = |table: &mut Table, hash: i128, id: &str, field: &str, value: Value, stamp: i128| {
        let subject = Value::text("order");
        table.push([
            subject,
            Value::text("c:a"),
            Value::text(id),
            Value::text(field),
            value,
            Value::Int(stamp),
            Value::Int(hash),
        ]);
    };
    for (stamp, value) in [(2, Value::text("b")), (3, Value::Null), (1, Value::text("a"))] {
        let mut table = Table::new(&rows::DETAILS);
        detail(&mut table, 5, "1", "attributes.tier", value.clone(), stamp);
        detail(&mut table, 5, "1", "comment", value.clone(), stamp);
        detail(&mut table, 6, "2", "attributes.{x}", Value::text("d"), stamp);
        detail(&mut table, 7, "3", "attributes.tier", value, stamp);
        store.insert(&table).await.unwrap();
    }
    let fields = ["attributes.tier", "attributes.{x}"].map(str::to_owned).into();
    let mut found = Vec::new();
    store
        .read_fields(&scope(&[1, 2]), &fields, |partition, table| found.push((partition, table)))
        .await
        .unwrap();
    found.sort_by_key(|(partition, _)| *partition);
    let [(1, one), (2, two)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(column(std::slice::from_ref(one), "value"), [Value::Null]);
    assert_eq!(column(std::slice::from_ref(one), "stamp"), [Value::Int(3)]);
    assert_eq!(column(std::slice::from_ref(two), "value"), [Value::text("d")]);
}

#[tokio::test]
async fn arrivals_come_back_by_partition() {
    let store = migrated().await;
    for (partition, records, version) in [(0, 5, 1), (0, 6, 2), (2, 9, 1), (1, 1, 1)] {
        let mut table = Table::new(&rows::ARRIVALS);
        let number = |n: i128| Value::Int(n);
        table.push([
            Value::text("shop"),
            number(partition),
            Value::Null,
            number(7),
            number(records),
            number(version),
        ]);
        store.insert(&table).await.unwrap();
    }
    let found = store.read_arrivals(&[0, 2, 3]).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&0, &2]);
    assert_eq!(column(std::slice::from_ref(&found[&0]), "records"), [Value::Int(6)]);
    assert_eq!(column(std::slice::from_ref(&found[&2]), "last_received_at"), [Value::Int(7)]);
}
