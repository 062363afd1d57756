//! Money given back.

use std::sync::Arc;

use super::orders::Order;
use super::{Now, Task, World, next};
use crate::calendar::days;
use crate::money::Cents;
use crate::records::{Millis, PaymentRecord, Topic};
use crate::truths;

/// Purchases after which a customer gets something back that names no order.
const GOODWILL: f64 = 0.002;

/// A refund that is on its way.
#[derive(Debug)]
pub(super) struct Refund {
    order: Arc<Order>,
    names_order: bool,
    amount: Cents,
    margin: Option<Cents>,
    code: u16,
}

impl World {
    /// Whether an order leads to one.
    pub(super) fn maybe_refund(&mut self, now: Now, order: &Arc<Order>) {
        let person = &self.customers[order.customer];
        if person.trace.is_some() {
            // Whoever is about to register keeps what they bought.
            return;
        }
        if person.is_member && self.chance.happens(GOODWILL) {
            let amount = Cents(self.chance.between(5, 20) * 100);
            self.send_refund(now, order, false, amount, 90);
        }
        let (code, whole, part) = if order.is_defective {
            (10, 0.35, 0.35)
        } else if order.is_late {
            (20, 0.03, 0.12)
        } else if order.campaign == Some(truths::BAD_CAMPAIGN) {
            (30, 0.18, 0.15)
        } else {
            (30, 0.012, 0.012)
        };
        let amount = order.amount();
        match self.chance.weighted([whole, part, 1.0 - whole - part].into_iter()) {
            0 => self.send_refund(now, order, true, amount, code),
            1 => {
                let share = 0.1 + 0.5 * self.chance.share();
                self.send_refund(now, order, true, amount.part(share), code);
            }
            _ => {}
        }
    }

    fn send_refund(&mut self, now: Now, order: &Arc<Order>, names_order: bool, amount: Cents, code: u16) {
        // Of what comes back as new, the provider knows the margin.
        let margin = (code == 30 && self.chance.happens(0.4)).then(|| amount.part(0.3));
        let refund = Refund { order: Arc::clone(order), names_order, amount, margin, code };
        let wait = self.chance.wait(days(4));
        self.later(now, wait, Task::Refund(Arc::new(refund)));
    }

    /// It is booked.
    pub(super) fn refund(&mut self, now: Now, refund: &Refund) {
        let Refund { order, names_order, amount, margin, code } = refund;
        let number = next(&mut self.made.refunds);
        let payer = self.buyer(order);
        let record = PaymentRecord {
            provider: "pay",
            refund: number,
            payer: payer.as_deref(),
            order: names_order.then_some(&order.number),
            booked: Millis(now.at),
            changed: Millis(now.at),
            cents: amount.0,
            margin_cents: margin.map(|margin| margin.0),
            currency: order.store.currency,
            store: order.store.code,
            code: *code,
        };
        self.write(now, Topic::Payments, &format!("pay-{number}"), &record);
    }
}
