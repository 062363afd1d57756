//! Answers in figures: of several scored answers to one invitation only the latest (METRICS 1).

use rustc_hash::FxHashMap;

use super::cutting::Cutting;
use super::invitations::Families;
use super::{Answer, ResponseRow, Settled, Settling, instant, symbol};
use crate::definitions::DimensionKind;
use crate::state::entity::Entity;
use crate::state::holder::{Holder, RESPONSES};
use crate::state::layout::response;
use crate::state::settled::orders::counted_order;
use crate::vocabulary::{Day, Symbol};

/// The place of the scored answer that counts, by survey and invitation.
pub(super) type Latest = FxHashMap<(Symbol, Symbol), usize>;

pub(super) fn settle(
    settled: &mut Settled,
    holder: &Holder,
    excluded: bool,
    families: &Families,
    with: &mut Settling<'_>,
) -> Latest {
    for (place, entity) in holder.of(RESPONSES).iter().enumerate() {
        let order = symbol(entity, response::ORDER_ID);
        let about = counted_order(settled, holder, order, with.symbols);
        let own =
            with.record_cuts(DimensionKind::Response, Cutting { own: (entity, RESPONSES), order: about });
        let day = instant(entity, response::ANSWERED_AT).map(|at| with.definitions.zone.day(at));
        settled.response_rows.push(ResponseRow { day, cuts: own.clone(), ..ResponseRow::default() });
        let known = instant(entity, response::ANSWERED_AT).zip(symbol(entity, response::SURVEY)).zip(day);
        let Some(((at, survey), day)) = known.filter(|_| !excluded && is_alive(entity, with)) else {
            continue;
        };
        if with.words.is_declared(survey) {
            let cuts = settled.cuts_with(&own);
            let score = entity.get(response::SCORE);
            settled.answers.push(Answer { place, at, day, survey, score, order, cuts });
        }
    }
    let list = holder.of(RESPONSES);
    settled.answers.sort_by(|a, b| (a.at, &list[a.place].id).cmp(&(b.at, &list[b.place].id)));
    let latest = keep_latest_per_invitation(&mut settled.answers, holder, families, with);
    for answer in &settled.answers {
        settled.response_rows[answer.place].counted = true;
    }
    if settled.is_customer {
        supersede(settled);
    }
    latest
}

fn is_alive(entity: &Entity, with: &Settling<'_>) -> bool {
    let dead = entity.erased || entity.is(response::DELETED) || entity.is(response::MOVED);
    !dead && !with.has_text(entity, response::EXCLUDED_REASON)
}

/// Drops scored answers that a later one to the same invitation replaces. The answers are sorted by time.
fn keep_latest_per_invitation(
    answers: &mut Vec<Answer>,
    holder: &Holder,
    families: &Families,
    with: &mut Settling<'_>,
) -> Latest {
    let list = holder.of(RESPONSES);
    let mut latest = Latest::default();
    let mut replaced = vec![false; list.len()];
    for answer in answers.iter().filter(|a| a.score.is_some()) {
        let named = symbol(&list[answer.place], response::INVITATION_ID).filter(|s| *s != with.words.empty);
        let Some(named) = named else { continue };
        let invitation = families.slot(holder, named, with.symbols);
        if let Some(earlier) = latest.insert((answer.survey, invitation), answer.place) {
            replaced[earlier] = true;
        }
    }
    answers.retain(|answer| !replaced[answer.place]);
    latest
}

/// The day on which the customer's next scored answer to the same survey takes over.
fn supersede(settled: &mut Settled) {
    let mut next: FxHashMap<Symbol, Day> = FxHashMap::default();
    for answer in settled.answers.iter().rev().filter(|a| a.score.is_some()) {
        settled.response_rows[answer.place].superseded_on = next.insert(answer.survey, answer.day);
    }
}
