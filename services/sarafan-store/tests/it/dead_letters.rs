//! Dead letters are known by their place.

use sarafan_core::vocabulary::Instant;
use sarafan_store::DeadLetter;

use crate::{migrated, value};

fn letter(dlq_partition: i32, dlq_offset: i64) -> DeadLetter {
    DeadLetter {
        dlq_partition,
        dlq_offset,
        at: Instant::from_micros(1_700_000_000_000_001),
        source: "shop".to_owned(),
        topic: "shop.orders".to_owned(),
        partition: 2,
        offset: 9,
        reason: "score_out_of_range".to_owned(),
        stage: "validate".to_owned(),
        message: "11".to_owned(),
    }
}

#[tokio::test]
async fn a_dead_letter_written_twice_is_there_once_and_reading_goes_on_after_the_last() {
    let store = migrated().await;
    assert_eq!(store.dead_letters_read().await.unwrap(), []);
    store.insert(&DeadLetter::table(&[letter(0, 5), letter(1, 0)])).await.unwrap();
    store.insert(&DeadLetter::table(&[letter(0, 5), letter(0, 6)])).await.unwrap();
    assert_eq!(store.dead_letters_read().await.unwrap(), [(0, 7), (1, 1)]);
    assert_eq!(value(&store, "SELECT count() FROM {store}.dead_letters FINAL").await, "3");
    let at = "SELECT toString(at) FROM {store}.dead_letters LIMIT 1";
    assert_eq!(value(&store, at).await, "2023-11-14 22:13:20.000001");
}
