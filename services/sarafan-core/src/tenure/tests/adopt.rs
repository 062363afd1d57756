//! What a restored ledger is worth: from where every partition can be read again so that nothing is lost.

use super::*;

/// The incarnation that was restored, and the new one.
const OLD: u64 = 9;
const NEW: u64 = 41;

fn restored(ledger: &[Entry]) -> Restored<'_> {
    Restored { ledger, incarnation: OLD, placement: PLACE, has_earlier: false }
}

fn adopted(ledger: &[Entry], found: &Surroundings, trust: Trust) -> Result<Adoption, Refusal> {
    restored(ledger).adopt(found, trust, NEW)
}

#[test]
fn a_backup_whose_ledger_is_oldest_goes_on_from_the_ledger_and_waits_for_the_highest_row() {
    let ledger = [entry(3, 5, true, 100), entry(4, 6, false, 90)];
    let newer = Surroundings { entities: 130, entities_at_base: 100, ..found(100, 170) };
    let adoption = adopted(&ledger, &newer, Trust::Ledger).unwrap();
    assert_eq!((adoption.resume_at(), adoption.dirty_until, adoption.doubt), (100, 170, None));
    let row = adoption.entry;
    assert_eq!((row.incarnation, row.term, row.owner, row.live), (NEW, 5, 0, false));
    assert_eq!((row.position, row.entities, row.last_record), (100, 100, 700));
    let next = Claim::on(&[ledger[0].clone(), row], PLACE, 77, NEW);
    assert_eq!((next.entry.term, next.found_ledger), (6, true));
    assert_eq!(next.admit(&newer, PLACE).unwrap().position, 100);
}

#[test]
fn a_table_that_is_older_than_the_ledger_has_the_partition_read_from_the_start() {
    let ledger = [entry(1, 5, true, 100)];
    let older = found(100, 80);
    let adoption = adopted(&ledger, &older, Trust::Ledger).unwrap();
    assert_eq!(adoption.doubt.as_ref().map(Refusal::kind), Some("table_behind"));
    assert_eq!((adoption.resume_at(), adoption.dirty_until), (0, 80));
    assert_eq!((adoption.entry.entities, adoption.entry.last_record), (0, 0));
    let next = Claim::on(std::slice::from_ref(&adoption.entry), PLACE, 77, NEW);
    let none_at_the_start = Surroundings { entities_at_base: 0, ..older };
    assert_eq!(next.admit(&none_at_the_start, PLACE).unwrap().position, 0);
    let fewer = adopted(&ledger, &found(60, 100), Trust::Ledger).unwrap();
    assert_eq!((fewer.resume_at(), fewer.doubt.map(|doubt| doubt.kind())), (0, Some("entities_lost")));
}

#[test]
fn a_lost_ledger_and_an_empty_store_are_read_from_the_start() {
    let rows_only = adopted(&[], &found(30, 40), Trust::Ledger).unwrap();
    assert_eq!((rows_only.resume_at(), rows_only.dirty_until), (0, 40));
    assert_eq!(rows_only.doubt.map(|doubt| doubt.kind()), Some("no_ledger"));
    let emptied = Surroundings { committed: Some(500), ..found(0, 0) };
    let adoption = adopted(&[], &emptied, Trust::Ledger).unwrap();
    assert_eq!((adoption.resume_at(), adoption.entry.term), (0, 1));
    let next = Claim::on(&[adoption.entry], PLACE, 77, NEW);
    assert_eq!(next.may_be_first(0, Some(500)), Ok(()), "the group's offsets do not stand in the way");
}

#[test]
fn who_trusts_nothing_has_everything_read_again() {
    let ledger = [entry(1, 5, true, 100)];
    let adoption = adopted(&ledger, &found(100, 100), Trust::Nothing).unwrap();
    assert_eq!((adoption.resume_at(), adoption.dirty_until, adoption.doubt), (0, 100, None));
}

#[test]
fn a_topic_that_lacks_what_must_be_read_again_is_refused() {
    let ledger = [entry(1, 5, true, 100)];
    let kind = |found: &Surroundings, trust| adopted(&ledger, found, trust).map_err(|r| r.kind());
    let trimmed = |low, highest| Surroundings { low, ..found(100, highest) };
    assert!(kind(&trimmed(100, 100), Trust::Ledger).is_ok(), "all before was read");
    assert_eq!(kind(&trimmed(101, 100), Trust::Ledger), Err("topic_starts_later"));
    assert_eq!(kind(&trimmed(1, 100), Trust::Nothing), Err("topic_starts_later"));
    assert_eq!(kind(&trimmed(1, 80), Trust::Ledger), Err("topic_starts_later"), "the ledger is not believed");
    let shorter = Surroundings { high: 150, ..found(100, 170) };
    assert_eq!(kind(&shorter, Trust::Ledger), Err("topic_ends_earlier"));
    assert_eq!(kind(&shorter, Trust::Nothing), Err("topic_ends_earlier"));
}

#[test]
fn another_topic_of_the_same_name_is_refused_whatever_is_believed() {
    let ledger = [entry(1, 5, true, 100)];
    let other = Surroundings { record_before: Some(1), ..found(100, 100) };
    for trust in [Trust::Ledger, Trust::Nothing] {
        assert_eq!(adopted(&ledger, &other, trust).map_err(|r| r.kind()), Err("other_log"));
    }
}

#[test]
fn rows_that_no_record_has_made_are_not_healed_by_reading_again() {
    let added = adopted(&[entry(1, 5, true, 100)], &found(101, 100), Trust::Ledger);
    assert_eq!(added.map_err(|refusal| refusal.kind()), Err("entities_added"));
}

#[test]
fn rows_of_other_incarnations_tell_nothing_but_which_numbers_were_used() {
    let late = Entry { incarnation: 7, ..entry(12, 8, true, 900) };
    let adoption = adopted(&[entry(3, 5, true, 100), late], &found(100, 100), Trust::Ledger).unwrap();
    assert_eq!((adoption.resume_at(), adoption.entry.term), (100, 13));
}

#[test]
fn what_came_before_a_later_generation_is_not_read_again_from_its_topic() {
    let ledger = [entry(1, 5, true, 100)];
    let later = Restored { has_earlier: true, ..restored(&ledger) };
    let kind = |found: &Surroundings, trust| later.adopt(found, trust, NEW).map_err(|refusal| refusal.kind());
    assert!(
        kind(&found(100, 100), Trust::Ledger).is_ok(),
        "the ledger and the tables agree: nothing before is read"
    );
    assert_eq!(kind(&found(99, 100), Trust::Ledger), Err("earlier_topic"));
    assert_eq!(kind(&found(100, 100), Trust::Nothing), Err("earlier_topic"));
    let unknown = Restored { ledger: &[], ..later };
    let empty = Surroundings { entities: 0, entities_at_base: 0, ..found(0, 0) };
    assert_eq!(unknown.adopt(&empty, Trust::Ledger, NEW).map_err(|r| r.kind()), Err("earlier_topic"));
}
