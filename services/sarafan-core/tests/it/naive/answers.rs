//! Answers and invitations that count (METRICS 1 and 2).

use std::collections::{BTreeMap, BTreeSet};

use sarafan_core::definitions::Definitions;
use sarafan_core::vocabulary::Subject;

use super::merge::{Entity, World};

/// An answer that counts, scored or not.
#[derive(Debug, Clone)]
pub(crate) struct Answer<'w> {
    pub(crate) key: &'w str,
    pub(crate) id: &'w str,
    pub(crate) entity: &'w Entity,
    pub(crate) at: i64,
    pub(crate) day: i32,
    pub(crate) survey: &'w str,
    pub(crate) score: Option<u8>,
    pub(crate) order_id: Option<&'w str>,
    /// The invitation it answers: the root of the reminder that it names.
    pub(crate) invitation: Option<&'w str>,
}

/// An invitation that counts.
#[derive(Debug, Clone)]
pub(crate) struct Invitation<'w> {
    pub(crate) key: &'w str,
    pub(crate) id: &'w str,
    pub(crate) entity: &'w Entity,
    pub(crate) day: i32,
    pub(crate) survey: &'w str,
    pub(crate) delivered: bool,
    pub(crate) reminders: u32,
    /// The counted scored answer to it.
    pub(crate) response_id: Option<&'w str>,
}

fn declared(definitions: &Definitions, survey: &str) -> bool {
    definitions.surveys.iter().any(|s| s.id == survey)
}

/// Answers that count, by (answered_at, id): of the scored ones to one invitation only the latest.
pub(crate) fn counted<'w>(world: &'w World<'w>, excluded: &BTreeSet<&str>) -> Vec<Answer<'w>> {
    let mut all: Vec<Answer<'w>> = world
        .alive(Subject::SurveyResponse)
        .filter(|(key, _, e)| !excluded.contains(key) && e.text("excluded_reason").is_none())
        .filter_map(|(key, id, entity)| answer(world, key, id, entity))
        .collect();
    all.sort_by_key(|a| (a.at, a.id, a.key));
    let mut latest: BTreeMap<(&str, &str, &str), &str> = BTreeMap::new();
    for answer in all.iter().filter(|a| a.score.is_some()) {
        if let Some(invitation) = answer.invitation {
            latest.insert((answer.key, answer.survey, invitation), answer.id);
        }
    }
    let superseded = |a: &Answer<'_>| {
        let slot = a.invitation.map(|invitation| (a.key, a.survey, invitation));
        a.score.is_some() && slot.is_some_and(|slot| latest[&slot] != a.id)
    };
    all.iter().filter(|a| !superseded(a)).cloned().collect()
}

fn answer<'w>(world: &'w World<'w>, key: &'w str, id: &'w str, entity: &'w Entity) -> Option<Answer<'w>> {
    let at = entity.instant("answered_at")?;
    let survey = entity.text("survey").filter(|s| declared(world.definitions, s))?;
    let (score, order_id) = (entity.score(), entity.text("order_id"));
    let invitation = entity.text("invitation_id").map(|named| root(world, key, named));
    Some(Answer { key, id, entity, at, day: world.day(at), survey, score, order_id, invitation })
}

/// The invitation that a chain of reminders leads to: the last one that is there. One whose chain never ends reminds
/// of nothing.
fn root<'w>(world: &'w World<'w>, key: &str, named: &'w str) -> &'w str {
    let (mut at, mut seen) = (named, BTreeSet::from([named]));
    while let Some(earlier) = reminds_of(world, key, at) {
        if !seen.insert(earlier) {
            return named;
        }
        at = earlier;
    }
    at
}

/// Nothing reminds of itself.
fn reminds_of<'w>(world: &'w World<'w>, key: &str, id: &str) -> Option<&'w str> {
    let earlier = world.find(Subject::SurveyInvitation, key, id)?.text("reminder_of")?;
    world.find(Subject::SurveyInvitation, key, earlier).filter(|_| earlier != id).map(|_| earlier)
}

/// Invitations that count: reminders are part of the one that they remind of.
pub(crate) fn invitations<'w>(
    world: &'w World<'w>,
    excluded: &BTreeSet<&str>,
    answers: &[Answer<'w>],
) -> Vec<Invitation<'w>> {
    let alive: Vec<_> =
        world.alive(Subject::SurveyInvitation).filter(|(key, ..)| !excluded.contains(key)).collect();
    let mut found = Vec::new();
    for (key, id, entity) in alive.iter().copied() {
        let (Some(at), Some(survey)) = (entity.instant("invited_at"), entity.text("survey")) else {
            continue;
        };
        if !declared(world.definitions, survey) || root(world, key, id) != id {
            continue;
        }
        let reminds = |other: &str| other != id && root(world, key, other) == id;
        let reminders: Vec<_> = alive.iter().filter(|(k, other, _)| *k == key && reminds(other)).collect();
        let arrived = |entity: &Entity| entity.text("status") == Some("delivered");
        let mine = |a: &&Answer<'_>| a.key == key && a.survey == survey && a.invitation == Some(id);
        let response = answers.iter().find(|a| a.score.is_some() && mine(a));
        found.push(Invitation {
            key,
            id,
            entity,
            day: world.day(at),
            survey,
            delivered: arrived(entity) || reminders.iter().any(|(.., reminder)| arrived(reminder)),
            reminders: u32::try_from(reminders.len()).expect("few reminders"),
            response_id: response.map(|a| a.id),
        });
    }
    found
}
