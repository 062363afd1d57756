//! Invitations with their reminders: a reminder is part of the invitation it names (METRICS 2).

use std::sync::Arc;

use super::answers::Latest;
use super::cutting::Cutting;
use super::{Invitation, InvitationRow, Settled, Settling, instant, symbol};
use crate::definitions::DimensionKind;
use crate::state::entity::Entity;
use crate::state::holder::{Holder, INVITATIONS, RESPONSES};
use crate::state::layout::invitation;
use crate::state::settled::orders::counted_order;
use crate::vocabulary::{Symbol, Symbols};
use crate::words::Words;

/// Which invitation each reminder belongs to.
pub(super) struct Families {
    /// Whether the invitation at a place is alive.
    alive: Vec<bool>,
    delivered: Vec<bool>,
}

impl Families {
    pub(super) fn of(holder: &Holder, words: &Words) -> Self {
        let list = holder.of(INVITATIONS);
        let dead = |e: &Entity| e.erased || e.is(invitation::DELETED) || e.is(invitation::MOVED);
        let alive = list.iter().map(|e| !dead(e)).collect();
        let delivered = list.iter().map(|e| symbol(e, invitation::STATUS) == Some(words.delivered)).collect();
        Self { alive, delivered }
    }

    /// The invitation that a reminder, a reminder of a reminder, ... belongs to.
    fn root(&self, holder: &Holder, place: usize, symbols: &Symbols) -> usize {
        let list = holder.of(INVITATIONS);
        let mut at = place;
        // A chain that is longer than there are invitations goes in a circle: then nobody is anybody's reminder.
        for _ in 0..list.len() {
            let named =
                symbol(&list[at], invitation::REMINDER_OF).and_then(|s| self.find(holder, s, symbols));
            match named {
                Some(next) if next != at => at = next,
                _ => return at,
            }
        }
        place
    }

    fn find(&self, holder: &Holder, id: Symbol, symbols: &Symbols) -> Option<usize> {
        let list = holder.of(INVITATIONS);
        let place = list.binary_search_by(|e| e.id.cmp(symbols.text(id))).ok()?;
        self.alive[place].then_some(place)
    }

    /// What an answer that names this invitation answers: the root if it is known, else the name alone.
    pub(super) fn slot(&self, holder: &Holder, named: Symbol, symbols: &mut Symbols) -> Symbol {
        match self.find(holder, named, symbols) {
            Some(place) => {
                let root = self.root(holder, place, symbols);
                symbols.intern(&holder.of(INVITATIONS)[root].id)
            }
            None => named,
        }
    }
}

/// What the reminders add to the invitation they belong to.
#[derive(Clone, Default)]
struct Family {
    reminders: u32,
    delivered: bool,
}

pub(super) fn settle(
    settled: &mut Settled,
    holder: &Holder,
    excluded: bool,
    (families, latest): (&Families, &Latest),
    with: &mut Settling<'_>,
) {
    let list = holder.of(INVITATIONS);
    let roots: Vec<usize> = (0..list.len()).map(|p| families.root(holder, p, with.symbols)).collect();
    let mut gathered = vec![Family::default(); list.len()];
    for (place, root) in roots.iter().enumerate().filter(|(place, _)| families.alive[*place]) {
        gathered[*root].reminders += u32::from(place != *root);
        gathered[*root].delivered |= families.delivered[place];
    }
    for (place, entity) in list.iter().enumerate() {
        let day = instant(entity, invitation::INVITED_AT).map(|at| with.definitions.zone.day(at));
        let family = &gathered[place];
        let mut row = InvitationRow { day, reminders: family.reminders, ..InvitationRow::default() };
        let survey = symbol(entity, invitation::SURVEY).filter(|s| with.words.is_declared(*s));
        let own = families.alive[place] && roots[place] == place && !excluded;
        if let Some((day, survey)) = day.zip(survey).filter(|_| own) {
            let answer = with.symbols.find(&entity.id).and_then(|id| latest.get(&(survey, id)));
            row.counted = true;
            row.response_id = answer.map(|p| Arc::clone(&holder.of(RESPONSES)[*p].id));
            let order = counted_order(settled, holder, symbol(entity, invitation::ORDER_ID), with.symbols);
            let own =
                with.record_cuts(DimensionKind::Response, Cutting { own: (entity, INVITATIONS), order });
            let cuts = settled.cuts_with(&own);
            let answered = family.delivered && answer.is_some();
            settled.invitations.push(Invitation { day, survey, delivered: family.delivered, answered, cuts });
        }
        settled.invitation_rows.push(row);
    }
}
