//! Terms: rows of the ledger that come late, and owners that do not know of each other.

use sarafan_store::simulated::{How, What};

use super::play::{A, B, C, Played, insert, played, seconds};
use super::records::{order, refund};

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_claim_and_a_ledger_row_of_one_term_land_late() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        let claim = play.until(&[A], What::Claim).await?;
        play.answer(claim, How::Late)?;
        // The first row of the ledger, by which the term goes live.
        let row = play.until(&[A], What::Ledger).await?;
        play.answer(row, How::Late)?;
        play.finish(&[A]).await?;
        let shown = play.shown();
        play.land(claim)?;
        play.go_on(&[A], seconds(2)).await?;
        play.holds_term(0, 1)?;
        play.write(order("o2").by("ann").worth(25_000));
        play.finish(&[A]).await?;
        play.differs_from(&shown)?;
        play.land(row)?;
        play.go_on(&[A], seconds(2)).await?;
        play.holds_term(0, 1)?;
        play.kill(A);
        play.go_on_until(&[B], |play| play.live_term(0) == 2).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn two_first_owners_race_on_an_empty_ledger() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.write(refund("f1").by("ann").of("o1").worth(5_000));
        // It has seen an empty ledger and empty tables.
        let claim = play.until(&[A], What::Claim).await?;
        play.deafen(A);
        // So has the other, which is writing by now.
        let refunds = play.until(&[B], insert("refunds")).await?;
        play.land(claim)?;
        play.go_on(&[A], seconds(2)).await?;
        // What it has read is the other's, and no state whose ledger was lost.
        play.nothing_is_refused()?;
        play.land(refunds)?;
        play.finish(&[B]).await?;
        play.go_on(&[A, B], seconds(2)).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_first_owner_counts_rows_that_another_first_owner_has_just_written() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        // It has seen an empty ledger and looks whether the tables are empty too.
        let count = play.until(&[A], What::Read("orders")).await?;
        play.deafen(A);
        play.finish(&[B]).await?;
        play.answer(count, How::Done)?;
        play.go_on(&[A], seconds(2)).await?;
        play.nothing_is_refused()?;
        play.write(order("o2").by("ann").worth(25_000));
        play.finish(&[B]).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn two_owners_claim_the_same_term_number() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        play.kill(A);
        let claim = play.until(&[B], What::Claim).await?;
        play.deafen(B);
        play.go_on_until(&[C], |play| play.live_term(0) == 2).await?;
        let shown = play.shown();
        // The second term of that number: both have read the same rows, and each writes its cells under its own name.
        play.land(claim)?;
        play.go_on(&[B], seconds(2)).await?;
        play.still_shows(&shown)?;
        // Whoever of the two is the lower goes away.
        play.write(order("o1").by("ann").worth(25_000).at(1));
        let cells = play.until(&[C], insert("sales_daily")).await?;
        play.answer(cells, How::Late)?;
        play.finish(&[C]).await?;
        play.write(order("o1").by("ann").worth(10_000).at(2));
        play.finish(&[C]).await?;
        play.land(cells)?;
        play.still_shows(&shown)
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn an_idle_owners_older_rival_goes_live_late() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[C]).await?;
        play.kill(C);
        let cells = play.until(&[A], insert("sales_daily")).await?;
        play.answer(cells, How::Done)?;
        let marker = play.until(&[A], insert("sales_daily")).await?;
        play.deafen(A);
        play.finish(&[B]).await?;
        play.holds_term(0, 3)?;
        let shown = play.shown();
        // The rival's last marker and its row of the ledger, while the owner has nothing to do.
        play.land(marker)?;
        let row = play.until(&[A], What::Ledger).await?;
        play.land(row)?;
        play.go_on(&[B], seconds(2)).await?;
        play.holds_term(0, 3)?;
        play.still_shows(&shown)?;
        play.kill(A);
        play.write(order("o2").by("ann").worth(25_000));
        play.finish(&[B]).await?;
        play.holds_term(0, 3)?;
        play.differs_from(&shown)?;
        play.kill(B);
        play.go_on_until(&[C], |play| play.live_term(0) == 4).await?;
        play.nothing_is_refused()
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn an_owner_that_has_written_its_cells_waits_for_a_rival_that_is_shown_and_has_seen_more() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[C]).await?;
        play.kill(C);
        play.go_on_until(&[A], |play| play.live_term(0) == 2).await?;
        // What says nothing new moves the position and writes no row.
        play.write(order("o1").by("ann").worth(10_000));
        let row = play.until(&[A], What::Ledger).await?;
        play.deafen(A);
        play.reads_nothing(B);
        let cells = play.until(&[B], insert("sales_daily")).await?;
        play.land(row)?;
        play.answer(cells, How::Done)?;
        play.go_on(&[B], seconds(2)).await?;
        if play.live_term(0) != 2 {
            return Err("a term went live that had seen less than the one that was shown".to_owned());
        }
        play.reads_again(B);
        play.finish(&[B]).await?;
        play.holds_term(0, 3)?;
        play.nothing_is_refused()
    })
}
