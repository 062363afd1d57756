//! Flushes that were left half done, and their other half.

use sarafan_store::simulated::How;

use super::play::{A, B, Played, insert, played, played_on, seconds};
use super::records::{customer, order, refund};

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_cell_changes_and_changes_back_while_the_old_owners_middle_value_lands_late() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        // The owner builds a batch with the middle value, and stands still while it is under way.
        play.write(order("o1").by("ann").worth(25_000).at(1));
        let middle = play.until(&[A], insert("orders")).await?;
        play.deafen(A);
        // The new one reads the rows of before, and its cells are those of before.
        play.reads_nothing(B);
        play.go_on_until(&[B], |play| play.live_term(0) == 2).await?;
        let before = play.shown();
        // The middle value goes where nobody looks.
        play.land(middle)?;
        let cells = play.until(&[A], insert("sales_daily")).await?;
        play.still_shows(&before)?;
        // To the new one the cell has not changed.
        play.write(order("o1").by("ann").worth(10_000).at(2));
        play.reads_again(B);
        play.finish(&[B]).await?;
        play.still_shows(&before)?;
        play.land(cells)?;
        play.go_on(&[A], seconds(1)).await?;
        play.still_shows(&before)
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_flush_is_left_half_done_and_replayed_as_records_that_say_nothing_new() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.finish(&[A]).await?;
        play.write(order("o2").by("ann").worth(25_000).at(1));
        // The orders are in, what follows for the customer is not.
        let figures = play.until(&[A], insert("customer_figures")).await?;
        play.kill(A);
        play.finish(&[B]).await?;
        play.land(figures)
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_refund_row_is_written_and_its_order_row_is_not() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(25_000));
        play.finish(&[A]).await?;
        play.write(refund("f1").by("ann").of("o1").worth(5_000).at(1));
        let orders = play.until(&[A], insert("orders")).await?;
        play.kill(A);
        play.lose(orders)?;
        play.finish(&[B]).await
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_refund_is_renamed_from_one_order_to_another_while_the_orders_are_lost() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(25_000));
        play.write(order("o2").by("ann").worth(10_000));
        play.write(refund("f1").by("ann").of("o1").worth(5_000));
        play.finish(&[A]).await?;
        play.write(refund("f1").by("ann").of("o2").worth(5_000).at(1));
        let orders = play.until(&[A], insert("orders")).await?;
        play.kill(A);
        play.lose(orders)?;
        play.finish(&[B]).await
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_customer_moves_segments_twice_within_a_flush_that_is_left_half_done() -> Played {
    played(async |play| {
        play.write(order("o1").by("ann").worth(10_000));
        play.write(customer("ann", "gold"));
        play.finish(&[A]).await?;
        play.write(customer("ann", "silver").at(1));
        // The first move is in the row of the customer and in nothing that follows from it.
        let figures = play.until(&[A], insert("customer_figures")).await?;
        play.answer(figures, How::Late)?;
        let again = play.until(&[A], insert("customer_figures")).await?;
        play.write(customer("ann", "gold").at(2));
        play.kill(A);
        play.lose(again)?;
        let customers = play.until(&[B], insert("customers")).await?;
        play.answer(customers, How::Late)?;
        play.go_on(&[B], seconds(1)).await?;
        play.land(figures)?;
        play.finish(&[B]).await?;
        play.land(customers)
    })
}

#[cfg_attr(not(feature = "planted"), test)]
pub(crate) fn a_batch_is_given_up_at_a_revoke_after_its_first_cells_were_in() -> Played {
    played_on(2, async |play| {
        let customers = ["ann", "bob", "eve", "kim", "joe", "lea"];
        for name in customers {
            play.write(order("o1").by(name).worth(10_000));
        }
        play.finish(&[A]).await?;
        for name in customers {
            play.write(order("o2").by(name).worth(25_000).at(1));
        }
        // The cells of one table are in, those of another hang.
        let hanging = play.until(&[A], insert("ltv")).await?;
        // Another process joins, and the batch cannot wait.
        play.finish(&[A, B]).await?;
        let shown = play.shown();
        play.answer(hanging, How::Done)?;
        play.still_shows(&shown)
    })
}
