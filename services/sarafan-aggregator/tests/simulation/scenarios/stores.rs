//! A store that is not what its ledger says: backups, replicas that are behind, another epoch.

use sarafan_core::tenure::Trust;
use sarafan_store::simulated::{How, Tables, What};

use super::play::{A, B, C, Play, Played, back_up, insert, played, played_on, seconds};
use super::records::{customer, order, refund};

/// All tables but these.
fn all_but(left_out: &[&str]) -> impl Iterator<Item = &'static str> {
    Tables::names().into_iter().filter(move |name| !left_out.contains(name))
}

/// An order that counts for the customer, and one more, with a backup of everything in between; whoever owned it is dead.
async fn backed_up_and_gone_on(play: &mut Play) -> Result<sarafan_store::simulated::Backup, String> {
    play.write(order("o1").by("ann").worth(10_000));
    play.write(customer("ann", "gold"));
    play.finish(&[A]).await?;
    let backup = back_up(play, Tables::names());
    play.write(order("o1").by("ann").worth(25_000).at(1));
    play.write(refund("f1").by("ann").of("o1").worth(5_000));
    play.finish(&[A]).await?;
    Ok(backup)
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_backup_with_everything_stopped() -> Played {
    played(async |play| {
        let backup = backed_up_and_gone_on(play).await?;
        play.kill(A);
        play.world.set_back(&backup);
        // What Kafka's commit says is beyond what the tables hold.
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_backup_with_everything_stopped_and_adopted() -> Played {
    played(async |play| {
        let backup = backed_up_and_gone_on(play).await?;
        play.write(order("o2").by("ann").worth(1));
        let late = play.until(&[A], What::Ledger).await?;
        play.kill(A);
        play.world.set_back(&backup);
        play.world.adopt(Trust::Ledger)?;
        // A row of the ledger of before arrives, and counts for nobody.
        play.land(late)?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_backup_under_owners_that_live_on() -> Played {
    played(async |play| {
        let backup = backed_up_and_gone_on(play).await?;
        play.write(order("o1").by("ann").worth(10_000).at(2));
        // Its rows go on top of the backup, and its next row of the ledger must not.
        let money = play.until(&[A], insert("customer_money")).await?;
        play.world.set_back(&backup);
        play.world.unseen = true;
        play.answer(money, How::Done)?;
        play.finish(&[A]).await?;
        // It has seen it, and has written all cells under a term of its own.
        play.world.unseen = false;
        play.world.check_all_shown()?;
        play.write(order("o2").by("ann").worth(25_000).at(3));
        play.finish(&[A]).await?;
        play.nothing_is_refused()?;
        play.world.adopt(Trust::Ledger)?;
        play.finish(&[A]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn an_owners_row_of_the_ledger_hangs_while_the_store_is_set_back() -> Played {
    played(async |play| {
        let backup = backed_up_and_gone_on(play).await?;
        play.write(order("o1").by("ann").worth(10_000).at(2));
        let row = play.until(&[A], What::Ledger).await?;
        play.world.set_back(&backup);
        // It is not known whether it arrived: before it is sent again the ledger is looked at.
        play.lose(row)?;
        play.finish(&[A]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_row_of_an_owner_that_lives_on_lands_after_the_store_was_set_back_and_adopted() -> Played {
    played(async |play| {
        let backup = backed_up_and_gone_on(play).await?;
        play.write(order("o1").by("ann").worth(10_000).at(2));
        let row = play.until(&[A], What::Ledger).await?;
        play.answer(row, How::Late)?;
        play.deafen(A);
        play.world.set_back(&backup);
        play.world.adopt(Trust::Ledger)?;
        // It says that all is there up to its position, under a live term: of an incarnation that is over.
        play.land(row)?;
        play.go_on(&[A], seconds(3)).await?;
        play.kill(A);
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

/// A backup in which one table is older than all the others is refused for this reason, until it is adopted.
fn torn(table: &'static str, reason: &'static str) -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        let older = back_up(play, [table]);
        play.write(order("o1").by("ann").worth(25_000).at(1));
        play.write(order("o2").by("ann").worth(10_000).at(1));
        play.finish(&[A]).await?;
        let newer = back_up(play, all_but(&[table]));
        play.write(order("o3").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        play.kill(A);
        play.world.set_back(&older);
        play.world.set_back(&newer);
        play.go_on_until(&[B], |play| play.is_refused(reason)).await?;
        // However long it is tried.
        let terms = play.terms(0);
        play.go_on(&[B], seconds(150)).await?;
        if !play.is_refused(reason) || play.terms(0) != terms {
            return Err(format!("{table} is older than the ledger, and the partition was taken"));
        }
        play.world.adopt(Trust::Ledger)?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_torn_backup_that_lacks_entities() -> Played {
    torn("orders", "entities_lost")
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_torn_backup_that_lacks_rows_of_customers() -> Played {
    torn("customer_money", "table_behind")
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_comes_back_empty() -> Played {
    lost(&Tables::names(), "state_lost")
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_comes_back_without_its_ledger() -> Played {
    lost(&["ledger"], "no_ledger")
}

/// Tables that come back empty have the partition refused for this reason, until the store is adopted.
fn lost(tables: &[&'static str], reason: &'static str) -> Played {
    played(async |play| {
        let empty = back_up(play, tables.iter().copied());
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        play.kill(A);
        play.world.set_back(&empty);
        play.go_on_until(&[B], |play| play.is_refused(reason)).await?;
        play.go_on(&[B], seconds(150)).await?;
        if !play.is_refused(reason) || play.terms(0) != 0 {
            return Err("a partition was taken whose state is lost".to_owned());
        }
        play.world.adopt(Trust::Ledger)?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_torn_backup_whose_ledger_is_oldest() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        let ledger = back_up(play, ["ledger"]);
        play.write(order("o1").by("ann").worth(25_000).at(1));
        play.finish(&[A]).await?;
        let figures = back_up(play, ["customer_figures", "sales_daily"]);
        play.write(refund("f1").by("ann").of("o1").worth(5_000));
        play.finish(&[A]).await?;
        let rest = back_up(play, all_but(&["ledger", "customer_figures", "sales_daily"]));
        play.kill(A);
        for backup in [&ledger, &figures, &rest] {
            play.world.set_back(backup);
        }
        play.world.adopt(Trust::Ledger)?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_store_is_set_back_to_a_backup_whose_order_nobody_knows() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        // No version shows that details are missing.
        let details = back_up(play, ["details"]);
        play.write(order("o1").by("ann").worth(25_000).at(1).noted("late"));
        play.finish(&[A]).await?;
        play.kill(A);
        play.world.set_back(&details);
        play.world.adopt(Trust::Nothing)?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_replica_is_behind_when_a_partition_is_taken() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        play.world.plant.tables.snapshot();
        play.write(order("o1").by("ann").worth(25_000).at(1));
        play.write(order("o2").by("ann").worth(10_000).at(1));
        play.finish(&[A]).await?;
        play.kill(A);
        let orders = play.until(&[B], What::Read("orders")).await?;
        play.answer(orders, How::Behind)?;
        play.go_on_until(&[B], |play| play.is_refused("entities_lost")).await?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_replica_is_behind_with_rows_of_customers_when_a_partition_is_taken() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        play.world.plant.tables.snapshot();
        play.write(order("o1").by("ann").worth(25_000).at(1));
        play.finish(&[A]).await?;
        play.kill(A);
        let figures = play.until(&[B], What::Read("customer_money")).await?;
        play.answer(figures, How::Behind)?;
        play.go_on_until(&[B], |play| play.is_refused("table_behind")).await?;
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_candidate_epoch_replays_only_the_overlap_of_its_base() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.write(order("o1").by("bob").worth(10_000));
        play.finish(&[A]).await?;
        play.write(order("o1").by("bob").worth(25_000).at(1));
        // The live epoch's rows are ahead of its ledger by one record of one customer.
        let money = play.until(&[A], insert("customer_money")).await?;
        play.deafen(A);
        play.world.begin_candidate();
        play.finish(&[B]).await?;
        play.nothing_is_refused()?;
        play.land(money)?;
        play.write(order("o2").by("ann").worth(25_000));
        play.finish(&[B]).await?;
        play.kill(B);
        play.write(order("o2").by("bob").worth(25_000));
        play.finish(&[C]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_candidate_dies_in_the_middle_of_its_copy_and_the_rest_lands_late() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.write(order("o1").by("bob").worth(10_000));
        play.finish(&[A]).await?;
        play.world.begin_candidate();
        play.write(order("o2").by("ann").worth(25_000));
        let figures = play.until(&[B], insert("customer_figures")).await?;
        play.kill(B);
        let orders = play.until(&[C], insert("orders")).await?;
        play.write(order("o1").by("bob").worth(25_000).at(1));
        play.answer(orders, How::Late)?;
        play.finish(&[C]).await?;
        play.land(figures)?;
        play.land(orders)?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_candidates_copy_is_given_up_at_a_revoke_after_its_first_rows_were_in() -> Played {
    played_on(2, async |play| {
        for name in ["ann", "bob", "eve", "kim", "joe", "lea"] {
            play.write(order("o1").by(name).worth(10_000));
        }
        play.finish(&[A]).await?;
        play.kill(A);
        play.world.begin_candidate();
        let hanging = play.until(&[B], insert("customer_money")).await?;
        // Another process joins, and the copy cannot wait.
        play.finish(&[B, C]).await?;
        play.land(hanging)?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_candidates_copy_of_one_partition_is_done_and_records_come_before_the_ledger_says_so() -> Played {
    played_on(2, async |play| {
        for name in ["ann", "bob", "eve", "kim", "joe", "lea"] {
            play.write(order("o1").by(name).worth(10_000));
        }
        play.finish(&[A]).await?;
        play.kill(A);
        play.world.begin_candidate();
        let first = play.until(&[B], insert("customer_money")).await?;
        play.answer(first, How::Done)?;
        // The copy of the other one hangs until it must go, and then nobody has time for a last flush.
        let hanging = play.until(&[B], insert("orders")).await?;
        play.go_on(&[B, C], seconds(1)).await?;
        play.go_on(&[C], seconds(5)).await?;
        for name in ["max", "tim", "zoe", "sam"] {
            play.write(customer(name, "gold"));
        }
        play.finish(&[B, C]).await?;
        play.land(hanging)?;
        play.kill(B);
        play.finish(&[C]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_candidate_finds_details_that_are_ahead_of_what_it_has_read() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000).noted("a"));
        play.finish(&[A]).await?;
        play.write(order("o1").by("ann").worth(25_000).noted("b").at(1));
        // The live epoch's owner has written the details of the new record, and nothing else of it.
        let orders = play.until(&[A], insert("orders")).await?;
        play.deafen(A);
        play.world.begin_candidate();
        play.reads_nothing(B);
        play.go_on(&[B], seconds(2)).await?;
        play.reads_again(B);
        play.finish(&[B]).await?;
        play.land(orders)?;
        play.nothing_is_refused()
    })
}
