//! What the gauges must show on a day, counted from the facts themselves: the definitions of the views `nps`,
//! `repeat_funnel` and `ltv` (METRICS 2, 3, 4).

use std::collections::BTreeMap;

use sarafan_core::definitions::Scale;

use super::answers::Answer;
use super::facts::Facts;
use super::segments::{self, Cut};
use super::{money, nps};

/// (dimension, segment, what) -> how much; nothing is zero.
pub(crate) type Gauges = BTreeMap<(String, String, String), i128>;

/// Counts them all; segments have the customers of one window alone.
pub(crate) fn gauges(facts: &Facts<'_>, today: i32, segment_window: u16) -> Gauges {
    let mut sheet = Gauges::new();
    answers(facts, today, segment_window, &mut sheet);
    invitations(facts, today, segment_window, &mut sheet);
    funnel(facts, &mut sheet);
    for ((key, currency), account) in money::accounts(facts) {
        let values = [
            ("customers", 1),
            ("purchases", account.purchases),
            ("months", account.months_487),
            ("revenue", account.revenue),
            ("margin", account.margin),
        ];
        for (name, value) in values {
            add(&mut sheet, &segments::of_customer(facts, key), &format!("ltv {currency} {name}"), value);
        }
    }
    sheet.retain(|_, value| *value != 0);
    sheet
}

fn add(sheet: &mut Gauges, cuts: &[Cut], what: &str, value: i128) {
    for (dimension, segment) in cuts {
        *sheet.entry((dimension.clone(), segment.clone(), what.to_owned())).or_default() += value;
    }
}

/// Who is in the window that ends today, yesterday, and W days before yesterday.
fn answers(facts: &Facts<'_>, today: i32, segment_window: u16, sheet: &mut Gauges) {
    let definitions = facts.world.definitions;
    let cuts: Vec<Vec<Cut>> =
        facts.answers.iter().map(|a| segments::of_response(facts, a.key, a.entity)).collect();
    for survey in definitions.surveys.iter().filter(|s| s.scale == Scale::ZeroToTen) {
        let scored = facts.answers.iter().zip(&cuts);
        let scored: Vec<(&Answer<'_>, &Vec<Cut>)> =
            scored.filter(|(a, _)| a.survey == survey.id && a.score.is_some()).collect();
        for &days in &definitions.metrics.windows {
            let width = i32::from(days);
            for (period, last) in
                [("rolling", today), ("complete", today - 1), ("previous", today - 1 - width)]
            {
                for population in ["responses", "customers", "orders"] {
                    let counted: Vec<usize> = match population {
                        "responses" => (0..scored.len())
                            .filter(|i| (last - width + 1..=last).contains(&scored[*i].0.day))
                            .collect(),
                        _ => nps::inside(&scored, population, last, days).collect(),
                    };
                    for place in counted {
                        let (answer, cuts) = scored[place];
                        let group = nps::group(answer.score);
                        let what = format!("{} {population} {days} {period} {group}", survey.id);
                        let in_segments = population == "customers" && days == segment_window;
                        add(sheet, if in_segments { cuts } else { &cuts[..1] }, &what, 1);
                    }
                }
            }
        }
    }
}

/// Invitations of the window that are at least as old as the horizon.
fn invitations(facts: &Facts<'_>, today: i32, segment_window: u16, sheet: &mut Gauges) {
    let definitions = facts.world.definitions;
    let horizon = i32::from(definitions.metrics.response_horizon_days);
    let has_nps = |id: &str| definitions.surveys.iter().any(|s| s.id == id && s.scale == Scale::ZeroToTen);
    for invitation in facts.invitations.iter().filter(|i| i.delivered && has_nps(i.survey)) {
        let cuts = segments::of_response(facts, invitation.key, invitation.entity);
        for &days in &definitions.metrics.windows {
            let age = today - invitation.day;
            if age < horizon || age >= i32::from(days) {
                continue;
            }
            let cuts = if days == segment_window { &cuts } else { &cuts[..1] };
            add(sheet, cuts, &format!("{} {days} delivered", invitation.survey), 1);
            let answered = i128::from(invitation.response_id.is_some());
            add(sheet, cuts, &format!("{} {days} answered", invitation.survey), answered);
        }
    }
}

/// Customers with at least k purchases: ten steps of all, three of a segment.
fn funnel(facts: &Facts<'_>, sheet: &mut Gauges) {
    for (key, orders) in facts.by_customer() {
        let cuts = segments::of_customer(facts, key);
        for step in 1..=facts.purchases(&orders).len().min(10) {
            add(sheet, if step <= 3 { &cuts } else { &cuts[..1] }, &format!("step {step}"), 1);
        }
    }
}
