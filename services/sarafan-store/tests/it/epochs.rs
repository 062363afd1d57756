//! What epochs hold, and dropping one without touching another.

use std::sync::Arc;

use sarafan_core::definitions::{Definitions, Epoch, MetricsSection};
use sarafan_core::table::{Table, Value};
use sarafan_core::{Placement, Shard, Tenancy, rows};
use sarafan_store::{HeldEpoch, Store};

use crate::{migrated, value};

fn definitions(timezone: &str) -> Definitions {
    let metrics = MetricsSection { timezone: timezone.to_owned(), ..MetricsSection::default() };
    Definitions::resolve(metrics, Vec::new(), &[]).unwrap()
}

/// An epoch with a row of a customer, a marker in every rollup, and a row of the ledger.
async fn filled(store: &Store, timezone: &str) -> Epoch {
    let definitions = definitions(timezone);
    let epoch = definitions.epoch;
    store.register_epoch(&definitions).await.unwrap();
    let placement = Placement { epoch, generation: 0, partition: 0, partitions: 1 };
    let tenancy = Tenancy { term: 1, owner: 7, incarnation: 0 };
    for table in Shard::new(Arc::new(definitions), placement).markers(&tenancy) {
        store.insert(&table).await.unwrap();
    }
    let mut money = Table::new(&rows::CUSTOMER_MONEY);
    let mut row = vec![Value::Int(epoch.0.into()), Value::text("c:1"), Value::Int(5), Value::Int(9)];
    row.push(Value::Texts(Vec::new()));
    row.extend((0..7).map(|_| Value::Ints(Vec::new())));
    money.push(row);
    store.insert(&money).await.unwrap();
    let claim = sarafan_core::tenure::Claim::on(&[], placement, 7, 0);
    store.write_ledger(epoch, std::slice::from_ref(&claim.entry)).await.unwrap();
    epoch
}

fn of(held: &[HeldEpoch], epoch: Epoch) -> &HeldEpoch {
    held.iter().find(|held| held.epoch == epoch.0).unwrap()
}

#[tokio::test]
async fn an_epoch_is_dropped_whole_and_no_other_is_touched() {
    let store = migrated().await;
    let (old, new) = (filled(&store, "UTC").await, filled(&store, "Europe/Moscow").await);
    store.set_live_epoch(new).await.unwrap();
    let before = store.held_epochs().await.unwrap();
    assert_eq!(before.len(), 2);
    assert!(before[0].live && before[0].epoch == new.0 && !of(&before, old).live);
    assert!(before.iter().all(|held| held.rows > 1 && held.bytes > 0), "{before:?}");
    assert!(before.iter().all(|held| held.quiet_seconds < 60 && held.switched_seconds < 60), "{before:?}");
    for _ in 0..2 {
        store.drop_epoch(old).await.unwrap();
    }
    let after = store.held_epochs().await.unwrap();
    assert_eq!((after.len(), of(&after, new).rows), (1, of(&before, new).rows));
    assert_eq!(store.read_ledger(old).await.unwrap(), []);
    assert_eq!(store.read_ledger(new).await.unwrap().len(), 1);
    let left = "SELECT toString(count()) AS n FROM {store}.customer_money WHERE key = 'c:1'";
    assert_eq!(value(&store, left).await, "1");
}
