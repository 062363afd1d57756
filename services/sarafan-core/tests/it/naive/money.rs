//! Cells of money (METRICS 4): daily sales, lifetime value, value at the same age, years and cohorts.

use std::collections::{BTreeMap, BTreeSet};

use sarafan_core::rollup::Rollup;

use super::Sheet;
use super::facts::{Facts, Order};
use super::segments::{self, Cut, first_of_month, month_index, year_and_month};
use crate::plain::Plain;

const AGES: [i32; 4] = [90, 180, 365, 730];

/// Revenue and margin on a day: of an order, or less by a refund that names none.
#[derive(Debug, Clone, Copy)]
struct Line {
    day: i32,
    revenue: i128,
    margin: i128,
}

/// What a customer bought in one currency.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) orders: i128,
    pub(crate) purchases: i128,
    pub(crate) months_487: i128,
    pub(crate) gross: i128,
    pub(crate) refunded: i128,
    pub(crate) revenue: i128,
    pub(crate) margin: i128,
    /// Days of its purchases.
    days: Vec<i32>,
    lines: Vec<Line>,
}

/// Counts them all.
pub(crate) fn count(facts: &Facts<'_>, sheet: &mut Sheet) {
    sales_daily(facts, sheet);
    let accounts = accounts(facts);
    for ((key, currency), account) in &accounts {
        let cuts = segments::of_customer(facts, key);
        ltv(account, &cuts, currency, sheet);
        value_at_age(account, &cuts, currency, sheet);
        yearly(account, &cuts, currency, sheet);
        cohorts(account, &cuts, currency, sheet);
    }
    let all = [("all".to_owned(), "all".to_owned())];
    for refund in facts.loose().filter(|r| !accounts.contains_key(&(r.key, r.currency))) {
        sheet.add(Rollup::Ltv, &all, &[text(refund.currency)], &[("refund_only", refund.amount)]);
    }
}

/// (key, currency) -> what was bought, of every currency with a counted order; loose refunds are in it.
pub(crate) fn accounts<'f>(facts: &'f Facts<'f>) -> BTreeMap<(&'f str, &'f str), Account> {
    let mut found = BTreeMap::new();
    for (key, orders) in facts.by_customer() {
        let currencies: BTreeSet<&str> = orders.iter().map(|o| o.currency).collect();
        for currency in currencies {
            let mine: Vec<&Order<'_>> = orders.iter().copied().filter(|o| o.currency == currency).collect();
            found.insert((key, currency), account(facts, key, currency, &mine));
        }
    }
    found
}

/// The same, with the currencies in which a customer has loose refunds and no order.
pub(crate) fn all_accounts<'f>(facts: &'f Facts<'f>) -> BTreeMap<(&'f str, &'f str), Account> {
    let mut found = accounts(facts);
    for refund in facts.loose() {
        found
            .entry((refund.key, refund.currency))
            .or_insert_with(|| account(facts, refund.key, refund.currency, &[]));
    }
    found
}

fn account(facts: &Facts<'_>, key: &str, currency: &str, mine: &[&Order<'_>]) -> Account {
    let days: Vec<i32> = facts.purchases(mine).iter().map(|p| p.day).collect();
    let span = days.first().zip(days.last()).map(|(first, last)| i128::from(last - first));
    let mut account = Account {
        orders: length(mine.len()),
        purchases: length(days.len()),
        months_487: span.map_or(0, |span| (16 * span).max(487)),
        days,
        ..Account::default()
    };
    for order in mine {
        account.gross += order.amount;
        account.refunded += order.refunded;
        account.lines.push(Line { day: order.day, revenue: order.revenue, margin: order.margin });
    }
    for refund in facts.loose().filter(|r| r.key == key && r.currency == currency) {
        account.refunded += refund.amount;
        let margin = -facts.loose_margin(refund);
        account.lines.push(Line { day: refund.day, revenue: -refund.amount, margin });
    }
    account.revenue = account.lines.iter().map(|l| l.revenue).sum();
    account.margin = account.lines.iter().map(|l| l.margin).sum();
    account
}

fn sales_daily(facts: &Facts<'_>, sheet: &mut Sheet) {
    let mut by_key: BTreeMap<&str, Vec<&Order<'_>>> = BTreeMap::new();
    for order in &facts.orders {
        by_key.entry(order.key).or_default().push(order);
    }
    for (key, orders) in by_key {
        let purchases = facts.purchases(&orders);
        let opens: BTreeSet<&str> = purchases.iter().map(|p| p.orders[0].id).collect();
        let customer = key.starts_with("c:");
        for (place, order) in orders.iter().enumerate() {
            let cuts = segments::of_order(facts, key, order.entity);
            let keys = [Plain::Int(order.day.into()), text(order.currency)];
            let values = [
                ("orders", 1),
                ("purchases", i128::from(opens.contains(order.id))),
                ("new_customers", i128::from(customer && place == 0)),
                ("guests", i128::from(!customer)),
                ("gross", order.amount),
                ("refunded", order.refunded),
                ("revenue", order.revenue),
                ("margin", order.margin),
            ];
            sheet.add(Rollup::SalesDaily, &cuts, &keys, &values);
        }
    }
    for refund in facts.booked() {
        let record = facts.order(refund.key, refund.order_id).map_or(refund.entity, |o| o.entity);
        let cuts = segments::of_order(facts, refund.key, record);
        let keys = [Plain::Int(refund.day.into()), text(refund.currency)];
        sheet.add(Rollup::SalesDaily, &cuts, &keys, &[("refunds_booked", refund.amount)]);
    }
}

fn ltv(account: &Account, cuts: &[Cut], currency: &str, sheet: &mut Sheet) {
    let values = [
        ("customers", 1),
        ("orders", account.orders),
        ("purchases", account.purchases),
        ("months_487", account.months_487),
        ("gross", account.gross),
        ("refunded", account.refunded),
        ("revenue", account.revenue),
        ("margin", account.margin),
    ];
    sheet.add(Rollup::Ltv, cuts, &[text(currency)], &values);
}

fn value_at_age(account: &Account, cuts: &[Cut], currency: &str, sheet: &mut Sheet) {
    let born = account.days[0];
    for age in AGES {
        let young = || account.lines.iter().filter(|l| l.day - born < age);
        let values = [
            ("customers", 1),
            ("revenue", young().map(|l| l.revenue).sum()),
            ("margin", young().map(|l| l.margin).sum()),
        ];
        let keys = [text(currency), Plain::Int(age.into()), Plain::Int(born.into())];
        sheet.add(Rollup::ValueAtAge, cuts, &keys, &values);
    }
}

fn yearly(account: &Account, cuts: &[Cut], currency: &str, sheet: &mut Sheet) {
    let year_of = |day: i32| year_and_month(day).0;
    let born = year_of(account.days[0]);
    let keys = |year: i32| [Plain::Int(year.into()), Plain::Int(born.into()), text(currency)];
    let years: BTreeSet<i32> = account.days.iter().map(|d| year_of(*d)).collect();
    for year in years {
        let orders = account.days.iter().filter(|d| year_of(**d) == year).count();
        let values = [("customers", 1), ("orders", length(orders))];
        sheet.add(Rollup::LtvYearly, cuts, &keys(year), &values);
    }
    for line in &account.lines {
        let values = [("revenue", line.revenue), ("margin", line.margin)];
        sheet.add(Rollup::LtvYearly, cuts, &keys(year_of(line.day).max(born)), &values);
    }
}

fn cohorts(account: &Account, cuts: &[Cut], currency: &str, sheet: &mut Sheet) {
    let born = month_index(account.days[0]);
    let cohort = Plain::Int(first_of_month(born).into());
    let keys = |month: i32| [cohort.clone(), Plain::Int((month - born).into()), text(currency)];
    let months: BTreeSet<i32> = account.days.iter().map(|d| month_index(*d)).collect();
    for month in months {
        let orders = account.days.iter().filter(|d| month_index(**d) == month).count();
        let values = [("customers", 1), ("orders", length(orders))];
        sheet.add(Rollup::Cohorts, cuts, &keys(month), &values);
    }
    for line in &account.lines {
        let values = [("revenue", line.revenue), ("margin", line.margin)];
        sheet.add(Rollup::Cohorts, cuts, &keys(month_index(line.day).max(born)), &values);
    }
}

fn text(text: &str) -> Plain {
    Plain::Text(text.to_owned())
}

fn length(count: usize) -> i128 {
    i128::try_from(count).expect("a small number")
}
