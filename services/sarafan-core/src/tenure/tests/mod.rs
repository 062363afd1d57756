mod adopt;

use std::collections::BTreeMap;

use super::*;
use crate::definitions::Epoch;
use crate::shard::version;

const PLACE: Placement = Placement { epoch: Epoch(1), generation: 0, partition: 3, partitions: 6 };

fn entry(term: u32, owner: u64, live: bool, position: u64) -> Entry {
    let tables = vec![TableHeight { table: "orders".to_owned(), position, highest: position }];
    let (generation, partition, sequence, incarnation, entities) = (0, 3, 1, 9, position);
    let last_record = position * 7;
    Entry {
        generation,
        partition,
        term,
        owner,
        sequence,
        incarnation,
        live,
        position,
        last_record,
        entities,
        tables,
    }
}

fn found(entities: u64, highest: u64) -> Surroundings {
    Surroundings {
        entities,
        entities_at_base: entities,
        highest: BTreeMap::from([("orders".to_owned(), highest)]),
        low: 0,
        high: 1000,
        committed: None,
        highest_copied: 0,
        record_before: None,
    }
}

fn admitted(ledger: &[Entry], surroundings: &Surroundings) -> Result<Admission, Refusal> {
    Claim::on(ledger, PLACE, 77, 9).admit(surroundings, PLACE)
}

#[test]
fn a_claim_takes_the_next_number_and_builds_on_the_live_term() {
    let ledger = [entry(1, 5, true, 100), entry(2, 6, false, 40), entry(7, 1, true, 900)];
    let foreign = Entry { incarnation: 8, ..ledger[2].clone() };
    let claim = Claim::on(&[ledger[0].clone(), ledger[1].clone(), foreign], PLACE, 77, 9);
    assert_eq!((claim.entry.term, claim.entry.position, claim.entry.live), (3, 100, false));
    assert_eq!(claim.entry.sequence, 0);
}

#[test]
fn of_two_live_terms_the_higher_is_built_on() {
    // An owner that was overtaken may have recorded more before it saw that.
    let ledger = [entry(2, 9, true, 40), entry(4, 5, true, 100), entry(3, 6, true, 120)];
    let claim = Claim::on(&ledger, PLACE, 77, 9);
    assert_eq!((claim.entry.term, claim.entry.position), (5, 100));
}

#[test]
fn rows_of_an_earlier_generation_lie_before_the_start_of_a_later_one() {
    let place = Placement { generation: 2, ..PLACE };
    let ledger = [Entry { generation: 2, ..entry(1, 5, true, 100) }];
    let surroundings = Surroundings { high: 100, ..found(100, version(1, 5_000)) };
    let admission = Claim::on(&ledger, place, 77, 9).admit(&surroundings, place).unwrap();
    assert_eq!((admission.position, admission.dirty_until), (100, 0));
}

#[test]
fn nothing_is_written_before_f_and_f_is_the_highest_row_read() {
    let admission = admitted(&[entry(1, 5, true, 100)], &found(100, 130)).unwrap();
    assert_eq!((admission.position, admission.dirty_until), (100, 130));
    assert!(!admission.tenure.may_write(129));
    assert!(admission.tenure.may_write(130));
}

#[test]
fn a_term_goes_live_only_when_no_live_term_has_seen_more() {
    let ledger = [entry(1, 5, true, 100)];
    let tenure = admitted(&ledger, &found(100, 100)).unwrap().tenure;
    assert!(!tenure.may_go_live(150, &[entry(1, 5, true, 160)]));
    assert!(tenure.may_go_live(160, &[entry(1, 5, true, 160)]));
    let of_another_incarnation = Entry { incarnation: 8, ..entry(1, 5, true, 160) };
    assert!(tenure.may_go_live(150, &[of_another_incarnation, entry(2, 5, false, 160)]), "nobody sees those");
}

#[test]
fn a_higher_term_or_the_same_number_by_a_higher_owner_ends_this_one() {
    let claim = Claim::on(&[], PLACE, 77, 9);
    let tenure = claim.admit(&found(0, 0), PLACE).unwrap().tenure;
    let beside = |other| tenure.standing(&[claim.entry.clone(), other], 9);
    assert_eq!(beside(entry(1, 76, true, 5)), Standing::Holds);
    assert_eq!(beside(entry(1, 78, false, 5)), Standing::Overtaken);
    assert_eq!(beside(entry(2, 0, false, 5)), Standing::Overtaken);
    let same_number = entry(1, 76, true, 5);
    assert_eq!(tenure.standing(&[same_number], 9), Standing::SetBack, "it is not its own");
    assert_eq!(tenure.standing(&[], 10), Standing::OtherIncarnation);
}

#[test]
fn an_owner_whose_own_ledger_row_is_gone_or_older_than_it_wrote_sees_that_the_store_was_set_back() {
    let claim = Claim::on(&[], PLACE, 77, 9);
    let mut tenure = claim.admit(&found(0, 0), PLACE).unwrap().tenure;
    assert_eq!(tenure.standing(&[], 9), Standing::SetBack);
    assert_eq!(tenure.standing(std::slice::from_ref(&claim.entry), 9), Standing::Holds);
    let written = BTreeMap::from([("orders", 5)]);
    let progress = Progress { position: 5, last_record: 1, entities: 1, written: &written };
    let recorded = tenure.next_entry(&progress, true);
    assert_eq!(tenure.standing(std::slice::from_ref(&recorded), 9), Standing::Holds);
    assert_eq!(tenure.standing(std::slice::from_ref(&claim.entry), 9), Standing::SetBack);
    assert!(recorded.may_follow(std::slice::from_ref(&claim.entry)));
    assert!(recorded.may_follow(std::slice::from_ref(&recorded)), "it was written, and the answer was lost");
    assert!(!recorded.may_follow(&[]));
    let second = tenure.next_entry(&progress, true);
    assert!(!second.may_follow(std::slice::from_ref(&claim.entry)));
    let rival = entry(2, 6, false, 3);
    let set_back = tenure.standing(&[claim.entry, rival], 9);
    assert_eq!(set_back, Standing::SetBack, "it is overtaken too, and must record nothing");
}

#[test]
fn of_two_first_owners_the_one_that_finds_another_starts_over() {
    let claim = Claim::on(&[], PLACE, 77, 9);
    assert!(!claim.must_start_over(std::slice::from_ref(&claim.entry)));
    assert!(claim.must_start_over(&[claim.entry.clone(), entry(1, 5, false, 0)]));
}

#[test]
fn what_does_not_add_up_is_refused_with_the_way_out() {
    let ledger = [entry(1, 5, true, 100)];
    let kind = |ledger: &[Entry], s: Surroundings| admitted(ledger, &s).map_err(|r| r.kind());
    assert_eq!(kind(&ledger, found(99, 100)), Err("entities_lost"));
    assert_eq!(kind(&ledger, found(101, 100)), Err("entities_added"));
    assert_eq!(kind(&ledger, found(100, 99)), Err("table_behind"));
    assert_eq!(kind(&[], found(3, 2)), Err("no_ledger"));
    assert_eq!(kind(&[], Surroundings { committed: Some(4), ..found(0, 0) }), Err("state_lost"));
    assert_eq!(kind(&ledger, Surroundings { low: 101, ..found(100, 100) }), Err("topic_starts_later"));
    assert_eq!(kind(&[], Surroundings { low: 1, ..found(0, 0) }), Err("topic_starts_later"));
    assert_eq!(kind(&ledger, Surroundings { record_before: Some(1), ..found(100, 100) }), Err("other_log"));
    assert_eq!(kind(&ledger, Surroundings { high: 99, ..found(100, 100) }), Err("topic_ends_earlier"));
    assert_eq!(kind(&ledger, Surroundings { high: 120, ..found(100, 130) }), Err("topic_ends_earlier"));
}

#[test]
fn resuming_starts_at_the_lowest_table_of_the_live_term() {
    let mut slow = entry(1, 5, true, 100);
    slow.tables.push(TableHeight { table: "customer_figures".to_owned(), position: 60, highest: 60 });
    let surroundings = Surroundings {
        highest: BTreeMap::from([("orders".to_owned(), 100), ("customer_figures".to_owned(), 60)]),
        ..found(100, 100)
    };
    assert_eq!(admitted(&[slow], &surroundings).unwrap().position, 60);
}

#[test]
fn each_batch_raises_the_sequence_and_only_written_tables_rise() {
    let mut tenure = admitted(&[entry(1, 5, true, 100)], &found(100, 100)).unwrap().tenure;
    let written = BTreeMap::from([("orders", 150)]);
    let progress = Progress { position: 150, last_record: 5, entities: 120, written: &written };
    let first = tenure.next_entry(&progress, false);
    assert_eq!((first.sequence, first.live, first.position, first.entities), (1, false, 150, 120));
    let nothing = BTreeMap::new();
    let second = tenure.next_entry(&Progress { position: 160, written: &nothing, ..progress }, true);
    assert_eq!((second.sequence, second.live, second.last_record), (2, true, 5));
    let orders = second.tables.iter().find(|t| t.table == "orders").unwrap();
    assert_eq!((orders.position, orders.highest), (160, 150));
}

#[test]
fn a_table_that_the_owner_has_not_written_stays_as_high_as_it_was_found() {
    let mut tenure = admitted(&[entry(1, 5, true, 100)], &found(100, 130)).unwrap().tenure;
    let progress = Progress { position: 160, last_record: 5, entities: 120, written: &BTreeMap::new() };
    let next = tenure.next_entry(&progress, false);
    let orders = next.tables.iter().find(|t| t.table == "orders").unwrap();
    assert_eq!((orders.position, orders.highest), (160, 130));
}

#[test]
fn the_same_record_before_the_position_is_the_same_log() {
    let same = Surroundings { record_before: Some(700), ..found(100, 100) };
    assert!(admitted(&[entry(1, 5, true, 100)], &same).is_ok());
}

#[test]
fn a_first_claim_is_refused_before_it_is_written_because_the_next_start_would_find_it() {
    let first = Claim::on(&[], PLACE, 77, 9);
    assert_eq!(first.may_be_first(0, None), Ok(()));
    assert_eq!(first.may_be_first(3, None), Err(Refusal::NoLedger { entities: 3 }));
    assert_eq!(first.may_be_first(0, Some(4)), Err(Refusal::StateLost { committed: 4 }));
    let next = Claim::on(std::slice::from_ref(&first.entry), PLACE, 78, 9);
    assert_eq!(next.may_be_first(3, Some(4)), Ok(()), "the rows of an owner that died in its first flush");
    assert!(admitted(&[first.entry], &Surroundings { entities_at_base: 0, ..found(3, 2) }).is_ok());
}

#[test]
fn a_candidate_copies_until_its_own_ledger_speaks_of_rows() {
    let live = [entry(4, 5, true, 100)];
    let first = Claim::beside(&[], &live, PLACE, 77, 9);
    assert_eq!((first.entry.term, first.entry.position, first.base().position), (1, 0, 100));
    // The first attempt was broken off: all there is of it is its claim.
    let again = Claim::beside(std::slice::from_ref(&first.entry), &live, PLACE, 78, 9);
    assert_eq!((again.entry.term, again.copied.as_ref().map(|e| e.position)), (2, Some(100)));
    let own = Claim::beside(&[entry(2, 78, false, 120)], &live, PLACE, 79, 9);
    assert_eq!((own.entry.term, own.entry.position, own.copied), (3, 120, None));
    let alone = Claim::beside(&[], &[], PLACE, 77, 9);
    assert_eq!(
        alone,
        Claim::on(&[], PLACE, 77, 9),
        "without anything to copy the log is read from its start"
    );
}

#[test]
fn a_copy_is_held_to_what_the_live_ledger_says_and_waits_for_what_an_earlier_attempt_wrote() {
    let claim = Claim::beside(&[], &[entry(4, 5, true, 100)], PLACE, 77, 9);
    let refused = claim.admit(&found(99, 100), PLACE).unwrap_err();
    assert_eq!(refused.kind(), "entities_lost");
    let surroundings = Surroundings { highest_copied: 150, ..found(100, 130) };
    let mut admission = claim.admit(&surroundings, PLACE).unwrap();
    assert_eq!((admission.position, admission.dirty_until), (100, 150));
    let progress = Progress {
        position: 160,
        last_record: 1,
        entities: 100,
        written: &BTreeMap::from([("orders", 160)]),
    };
    let entry = admission.tenure.next_entry(&progress, false);
    let heights: BTreeMap<&str, u64> = entry.tables.iter().map(|t| (t.table.as_str(), t.highest)).collect();
    assert_eq!((heights["orders"], heights["refunds"]), (160, 0), "what the live epoch has is not here");
}

#[test]
fn a_refusal_is_one_line_that_ends_with_the_way_out() {
    let refusals = [
        Refusal::EntitiesLost { expected: 2, found: 1 },
        Refusal::EntitiesAdded { expected: 1, found: 2 },
        Refusal::Behind { table: "orders".to_owned(), found: 1, acknowledged: 2 },
        Refusal::NoLedger { entities: 1 },
        Refusal::StateLost { committed: 1 },
        Refusal::TopicStartsLater { low: 1, position: 0 },
        Refusal::TopicEndsEarlier { high: 1, position: 2 },
        Refusal::OtherLog { position: 1 },
    ];
    for refusal in refusals {
        let text = refusal.to_string();
        let (finding, way_out) = text.split_once("; ").unwrap();
        assert_eq!(refusal.finding(), finding);
        assert!(!text.contains('\n') && !finding.contains(';') && !way_out.contains(';'), "{text}");
        let adopted = way_out.contains("`sarafan adopt`");
        assert!(adopted || way_out.contains("start over from the sources"), "{text}");
        assert!(adopted || !refusal.heals_by_reading_again(), "{text}");
    }
}
