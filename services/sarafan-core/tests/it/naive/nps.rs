//! Cells of NPS (METRICS 2), from the windows themselves: who is in the window of each day, and how that changes.

use std::collections::BTreeMap;

use sarafan_core::definitions::Scale;
use sarafan_core::rollup::Rollup;

use super::Sheet;
use super::answers::Answer;
use super::facts::Facts;
use super::segments::{self, Cut};
use crate::plain::Plain;

/// One answer per customer, or per order.
const POPULATIONS: [&str; 2] = ["customers", "orders"];

/// Counts all three rollups.
pub(crate) fn count(facts: &Facts<'_>, sheet: &mut Sheet) {
    let cuts: Vec<Vec<Cut>> =
        facts.answers.iter().map(|a| segments::of_response(facts, a.key, a.entity)).collect();
    for (answer, cuts) in facts.answers.iter().zip(&cuts) {
        let score = answer.score.map_or(-1, i128::from);
        let keys = [survey(answer.survey), Plain::Int(answer.day.into()), Plain::Int(score)];
        sheet.add(Rollup::NpsScores, cuts, &keys, &[("responses", 1)]);
    }
    for declared in facts.world.definitions.surveys.iter().filter(|s| s.scale == Scale::ZeroToTen) {
        let scored = facts.answers.iter().zip(&cuts);
        let scored: Vec<_> = scored.filter(|(a, _)| a.survey == declared.id && a.score.is_some()).collect();
        for population in POPULATIONS {
            for days in &facts.world.definitions.metrics.windows {
                windows(&scored, population, *days, sheet);
            }
        }
    }
    for invitation in &facts.invitations {
        let cuts = segments::of_response(facts, invitation.key, invitation.entity);
        let keys = [survey(invitation.survey), Plain::Int(invitation.day.into())];
        let delivered = i128::from(invitation.delivered);
        let answered = i128::from(invitation.delivered && invitation.response_id.is_some());
        let values = [("invited", 1), ("delivered", delivered), ("answered", answered)];
        sheet.add(Rollup::NpsInvitations, &cuts, &keys, &values);
    }
}

/// The daily differences of who is in the window, on every day on which that can change.
fn windows(scored: &[(&Answer<'_>, &Vec<Cut>)], population: &str, window_days: u16, sheet: &mut Sheet) {
    let mut days: Vec<i32> =
        scored.iter().flat_map(|(a, _)| [a.day, a.day + i32::from(window_days)]).collect();
    days.sort_unstable();
    days.dedup();
    for day in days {
        for (as_of, sign) in [(day, 1), (day - 1, -1)] {
            for place in inside(scored, population, as_of, window_days) {
                let (answer, cuts) = scored[place];
                let keys = [
                    survey(answer.survey),
                    Plain::Text(population.to_owned()),
                    Plain::Int(window_days.into()),
                    Plain::Int(day.into()),
                ];
                sheet.add(Rollup::NpsWindows, cuts, &keys, &[(group(answer.score), sign)]);
            }
        }
    }
}

/// The latest answer of each customer or order among those with `as_of - W < day <= as_of`.
pub(super) fn inside(
    scored: &[(&Answer<'_>, &Vec<Cut>)],
    population: &str,
    as_of: i32,
    window_days: u16,
) -> impl Iterator<Item = usize> {
    let mut latest: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (place, (answer, _)) in scored.iter().enumerate() {
        let in_window = as_of - i32::from(window_days) < answer.day && answer.day <= as_of;
        let unit = match (population, answer.order_id) {
            ("customers", _) if answer.key.starts_with("c:") => Some(String::new()),
            ("customers", _) => Some(answer.id.to_owned()),
            (_, order_id) => order_id.map(str::to_owned),
        };
        if let Some(unit) = unit.filter(|_| in_window) {
            latest.insert((answer.key.to_owned(), unit), place);
        }
    }
    latest.into_values()
}

fn survey(id: &str) -> Plain {
    Plain::Text(id.to_owned())
}

pub(super) fn group(score: Option<u8>) -> &'static str {
    match score.expect("a scored answer") {
        0..=6 => "detractors",
        7 | 8 => "passives",
        _ => "promoters",
    }
}
