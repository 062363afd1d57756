//! Named scenarios: schedules that are known to break a system which leaves one rule of the law out. Each is a test, named
//! after what happens, and each ends as a seed does: all heals, and the tables must be what the recount says.

mod play;
mod records;

#[cfg(feature = "planted")]
pub(crate) use play::Played;

/// The scenarios of each file; `ALL` is for the planted bugs, which each of them is tried on.
macro_rules! scenarios {
    ($($file:ident: $($name:ident)+;)+) => {
        $(mod $file;)+
        #[cfg(feature = "planted")]
        pub(crate) const ALL: &[(&str, fn() -> Played)] = &[$($((stringify!($name), $file::$name)),+),+];
    };
}

scenarios! {
    late:
        a_cell_changes_and_changes_back_while_the_old_owners_middle_value_lands_late
        a_flush_is_left_half_done_and_replayed_as_records_that_say_nothing_new
        a_refund_row_is_written_and_its_order_row_is_not
        a_refund_is_renamed_from_one_order_to_another_while_the_orders_are_lost
        a_customer_moves_segments_twice_within_a_flush_that_is_left_half_done
        a_batch_is_given_up_at_a_revoke_after_its_first_cells_were_in;
    stores:
        a_store_is_set_back_to_a_backup_with_everything_stopped
        a_store_is_set_back_to_a_backup_with_everything_stopped_and_adopted
        a_store_is_set_back_to_a_backup_under_owners_that_live_on
        an_owners_row_of_the_ledger_hangs_while_the_store_is_set_back
        a_row_of_an_owner_that_lives_on_lands_after_the_store_was_set_back_and_adopted
        a_store_is_set_back_to_a_torn_backup_that_lacks_entities
        a_store_is_set_back_to_a_torn_backup_that_lacks_rows_of_customers
        a_store_is_set_back_to_a_torn_backup_whose_ledger_is_oldest
        a_store_is_set_back_to_a_backup_whose_order_nobody_knows
        a_store_comes_back_empty
        a_store_comes_back_without_its_ledger
        a_replica_is_behind_when_a_partition_is_taken
        a_replica_is_behind_with_rows_of_customers_when_a_partition_is_taken
        a_candidate_epoch_replays_only_the_overlap_of_its_base
        a_candidate_dies_in_the_middle_of_its_copy_and_the_rest_lands_late
        a_candidates_copy_is_given_up_at_a_revoke_after_its_first_rows_were_in
        a_candidates_copy_of_one_partition_is_done_and_records_come_before_the_ledger_says_so
        a_candidate_finds_details_that_are_ahead_of_what_it_has_read;
    terms:
        a_claim_and_a_ledger_row_of_one_term_land_late
        two_first_owners_race_on_an_empty_ledger
        a_first_owner_counts_rows_that_another_first_owner_has_just_written
        two_owners_claim_the_same_term_number
        an_idle_owners_older_rival_goes_live_late
        an_owner_that_has_written_its_cells_waits_for_a_rival_that_is_shown_and_has_seen_more;
}
