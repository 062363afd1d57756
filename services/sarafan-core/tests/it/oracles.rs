//! The reference values of METRICS that speak of folds, and rules that random histories would seldom show by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use sarafan_core::definitions::{Definitions, MetricsSection, Scale, SurveyKind, SurveySection};
use sarafan_core::rollup::Rollup;
use sarafan_core::vocabulary::{FieldValue, Instant, Money, Score, Stamp, Subject};
use sarafan_core::{Event, Origin};

use crate::law::check;
use crate::naive::Cells;
use crate::plain::Plain;
use crate::shards::{log, run};

const HOUR: i64 = 3_600_000_000;
/// 2026-01-01 in days since 1970-01-01.
const FIRST: i32 = 20_454;

/// Windows of 7 and 30 days, a margin of 30 %, one survey.
pub(crate) fn definitions() -> Arc<Definitions> {
    let metrics =
        MetricsSection { windows: vec![7, 30], margin_rate: "0.3".to_owned(), ..MetricsSection::default() };
    let survey = SurveySection {
        id: "s".to_owned(),
        kind: SurveyKind::Relational,
        scale: Scale::ZeroToTen,
        headline: true,
        band: Default::default(),
    };
    Arc::new(Definitions::resolve(metrics, vec![survey], &[]).unwrap())
}

pub(crate) fn text(text: &str) -> FieldValue {
    FieldValue::Text(text.to_owned())
}

pub(crate) fn amount(amount: &str) -> FieldValue {
    FieldValue::Money(amount.parse::<Money>().unwrap())
}

/// Ten o'clock on the day so many days after 2026-01-01.
pub(crate) fn on(day: i32) -> FieldValue {
    FieldValue::Instant(Instant::from_micros((i64::from(FIRST + day) * 24 + 10) * HOUR))
}

/// A record of a customer's entity, the `version`-th of its source.
pub(crate) fn record(
    subject: Subject,
    customer: &str,
    id: &str,
    version: i64,
    fields: &[(&str, FieldValue)],
) -> Event {
    Event {
        subject,
        id: id.to_owned(),
        customer_id: Some(customer.to_owned()),
        order_id: None,
        stamp: Stamp::new(Instant::from_micros(version), 1, 0),
        erased: false,
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        origin: Origin::default(),
    }
}

pub(crate) fn order(customer: &str, id: &str, day: i32, price: &str) -> Event {
    let fields = [
        ("ordered_at", on(day)),
        ("amount", amount(price)),
        ("status", text("paid")),
        ("currency", text("RUB")),
    ];
    record(Subject::Order, customer, id, 1, &fields)
}

fn answer(customer: &str, id: &str, day: i32, score: i64) -> Event {
    let score = FieldValue::Score(Score::new(score).unwrap());
    record(
        Subject::SurveyResponse,
        customer,
        id,
        1,
        &[("survey", text("s")), ("answered_at", on(day)), ("score", score)],
    )
}

/// The cells of `all` after these records.
fn cells(events: Vec<Event>) -> Cells {
    let definitions = definitions();
    check(&definitions, events.clone(), 1, &[1]);
    let (store, terms) = run(&definitions, &log(events, 1), &[2]);
    let mut cells = store.cells(&terms);
    cells.retain(|(_, dimension, ..), _| dimension == "all");
    cells
}

/// keys -> the values by name, of one rollup.
fn of(cells: &Cells, rollup: Rollup) -> BTreeMap<Vec<Plain>, BTreeMap<&'static str, i128>> {
    let names = rollup.spec().values.iter().map(|(name, _)| *name);
    let mine = cells.iter().filter(|((r, ..), _)| *r == rollup);
    mine.map(|((.., keys), values)| (keys.clone(), names.clone().zip(values.iter().copied()).collect()))
        .collect()
}

/// (detractors, passives, promoters) in the window of `window` days that ends so many days after 2026-01-01.
fn window_at(cells: &Cells, population: &str, window: u16, day: i32) -> (i128, i128, i128) {
    let upto = i128::from(FIRST + day);
    let mine = of(cells, Rollup::NpsWindows).into_iter().filter(|(keys, _)| {
        keys[1] == Plain::Text(population.to_owned())
            && keys[2] == Plain::Int(window.into())
            && keys[3].number() <= upto
    });
    mine.fold((0, 0, 0), |sum, (_, value)| {
        (sum.0 + value["detractors"], sum.1 + value["passives"], sum.2 + value["promoters"])
    })
}

#[test]
fn a_customer_stands_in_each_window_with_its_latest_answer_and_leaves_after_w_days() {
    let cells = cells(vec![answer("c", "a", 10, 3), answer("c", "b", 20, 9)]);
    let (nobody, detractor, promoter) = ((0, 0, 0), (1, 0, 0), (0, 0, 1));
    let expected = |window: u16, day: i32| match (window, day) {
        (30, 10..=19) | (7, 10..=16) => detractor,
        (30, 20..=49) | (7, 20..=26) => promoter,
        _ => nobody,
    };
    for window in [7, 30] {
        for day in 0..60 {
            assert_eq!(
                window_at(&cells, "customers", window, day),
                expected(window, day),
                "W {window}, day {day}"
            );
        }
    }
}

#[test]
fn two_answers_of_a_customer_on_one_day_leave_only_the_later_in_the_windows() {
    let mut later = answer("c", "b", 10, 10);
    later.fields[1].1 = match on(10) {
        FieldValue::Instant(at) => FieldValue::Instant(Instant::from_micros(at.micros() + HOUR)),
        other => other,
    };
    let cells = cells(vec![later, answer("c", "a", 10, 0)]);
    assert_eq!(window_at(&cells, "customers", 7, 10), (0, 0, 1));
    let scores: Vec<_> =
        of(&cells, Rollup::NpsScores).into_iter().map(|(keys, v)| (keys, v["responses"])).collect();
    assert_eq!(scores.len(), 2, "responses count both: {scores:?}");
}

#[test]
fn lifetime_value_of_1200_a_check_at_1_5_a_month_and_30_percent_for_24_months_is_12_960() {
    // Two customers, 36 purchases each, 730 and 731 days: 48 months together.
    let mut events = Vec::new();
    for (customer, span) in [("c", 730), ("d", 731)] {
        events.extend((0..36).map(|n| order(customer, &format!("{customer}{n:02}"), span * n / 35, "1200")));
    }
    let ltv = of(&cells(events), Rollup::Ltv).remove(&vec![Plain::Text("RUB".to_owned())]).unwrap();
    let (customers, purchases) = (ltv["customers"], ltv["purchases"]);
    assert_eq!((customers, purchases), (2, 72));
    assert_eq!(ltv["revenue"], 1_200 * 10_000 * purchases, "S = 1200");
    assert_eq!(ltv["months_487"], 24 * 487 * customers, "t = 24");
    assert_eq!(2 * purchases * 487, 3 * ltv["months_487"], "C = 1.5");
    assert_eq!(10 * ltv["margin"], 3 * ltv["revenue"], "P = 30 %");
    assert_eq!(ltv["margin"], 12_960 * 10_000 * customers);
}

#[test]
fn gaps_10_20_40_are_closed_and_30_50_stay_open() {
    // The toy oracle of METRICS 3 as of day 100: (first purchase, second purchase).
    let customers =
        [("a", 0, Some(10)), ("b", 0, Some(20)), ("c", 70, None), ("d", 0, Some(40)), ("e", 50, None)];
    let mut events = Vec::new();
    for (customer, first, second) in customers {
        events.push(order(customer, "1", first, "10"));
        events.extend(second.map(|day| order(customer, "2", day, "10")));
    }
    let cells = cells(events);
    let step_one = |rollup: Rollup| {
        let mine = of(&cells, rollup).into_iter().filter(|(keys, _)| keys[0] == Plain::Int(1));
        mine.map(|(keys, value)| (keys[1].number(), value["customers"])).collect::<Vec<_>>()
    };
    assert_eq!(step_one(Rollup::GapsClosed), [(10, 1), (20, 1), (40, 1)]);
    let open: Vec<_> =
        step_one(Rollup::GapsOpen).into_iter().map(|(day, n)| (i128::from(FIRST) + 100 - day, n)).collect();
    assert_eq!(open, [(50, 1), (30, 1)]);
}

#[test]
fn corrections_refunds_and_cancellations_leave_the_figures_of_what_is_now_known() {
    // The self-test of the recount, at a margin of 30 %.
    let refund = [
        ("order_id", text("1")),
        ("refunded_at", on(32)),
        ("amount", amount("30")),
        ("currency", text("RUB")),
    ];
    let events = vec![
        order("c", "1", 0, "100"),
        order("c", "2", 10, "50"),
        record(Subject::Order, "c", "2", 2, &[("amount", amount("60"))]),
        order("c", "3", 30, "40"),
        record(Subject::Refund, "c", "r", 1, &refund),
        record(Subject::Order, "c", "3", 2, &[("status", text("cancelled"))]),
    ];
    let cells = cells(events);
    let ltv = of(&cells, Rollup::Ltv).remove(&vec![Plain::Text("RUB".to_owned())]).unwrap();
    let units = |name: &str| (ltv[name] / 10_000, ltv[name] % 10_000);
    assert_eq!(
        (units("gross"), units("refunded"), units("revenue"), units("margin")),
        ((160, 0), (30, 0), (130, 0), (39, 0))
    );
    let steps: Vec<_> = of(&cells, Rollup::RepeatFlow).into_keys().map(|keys| keys[1].number()).collect();
    assert_eq!(steps, [1, 2]);
}

#[test]
fn cancelling_the_second_order_makes_the_third_one_the_second() {
    let three = [order("c", "1", 0, "10"), order("c", "2", 5, "10"), order("c", "3", 12, "10")];
    let cancelled = record(Subject::Order, "c", "2", 2, &[("status", text("cancelled"))]);
    let closed = |events: Vec<Event>| -> Vec<Vec<i128>> {
        let keys = of(&cells(events), Rollup::GapsClosed).into_keys();
        keys.map(|keys| keys.iter().map(Plain::number).collect()).collect()
    };
    assert_eq!(closed(three.to_vec()), [[1, 5], [2, 7]]);
    assert_eq!(closed([three.to_vec(), vec![cancelled]].concat()), [[1, 12]]);
}

#[test]
fn reminders_that_remind_of_each_other_are_each_an_invitation_of_its_own() {
    let invitation = |id: &str, of: &str| {
        let fields = [
            ("survey", text("s")),
            ("invited_at", on(1)),
            ("status", text("delivered")),
            ("reminder_of", text(of)),
        ];
        record(Subject::SurveyInvitation, "c", id, 1, &fields)
    };
    let mut answered = answer("c", "a", 2, 9);
    answered.fields.push(("invitation_id".to_owned(), text("i")));
    let cells = cells(vec![invitation("i", "j"), invitation("j", "i"), answered]);
    let invited: Vec<_> = of(&cells, Rollup::NpsInvitations).into_values().collect();
    assert_eq!((invited.len(), invited[0]["invited"], invited[0]["answered"]), (1, 2, 1));
}

#[test]
fn an_order_that_moves_away_and_back_is_counted_once_and_where_it_is() {
    let away = |version: i64| record(Subject::Order, "c", "1", version, &[("moved", FieldValue::Flag(true))]);
    let moved_to = |customer: &str, version: i64| {
        let mut whole = order(customer, "1", 3, "10");
        whole.stamp = Stamp::new(Instant::from_micros(version), 1, 0);
        whole.fields.push(("moved".to_owned(), FieldValue::Flag(false)));
        whole
    };
    let leave_d = record(Subject::Order, "d", "1", 3, &[("moved", FieldValue::Flag(true))]);
    let there = vec![order("c", "1", 3, "10"), away(2), moved_to("d", 2)];
    let back = [there.clone(), vec![leave_d, moved_to("c", 3)]].concat();
    for events in [there, back] {
        let sales = of(&cells(events), Rollup::SalesDaily);
        let orders: Vec<_> = sales.values().map(|value| value["orders"]).collect();
        assert_eq!(orders, [1]);
    }
}

#[test]
fn a_refund_in_another_currency_than_its_order_does_not_reduce_it() {
    let refund = [
        ("order_id", text("1")),
        ("refunded_at", on(2)),
        ("amount", amount("10")),
        ("currency", text("EUR")),
    ];
    let cells = cells(vec![order("c", "1", 0, "10"), record(Subject::Refund, "c", "r", 1, &refund)]);
    let ltv = of(&cells, Rollup::Ltv);
    assert_eq!(ltv.len(), 1, "{ltv:?}");
    assert_eq!(ltv[&vec![Plain::Text("RUB".to_owned())]]["revenue"], 100_000);
}
