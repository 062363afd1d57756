//! All records under one canonical key: a customer's, or a guest's order with what names it.

use std::sync::Arc;

use super::entity::Entity;
use crate::vocabulary::Subject;

/// Subjects that the fold keeps, in the order of [`crate::rows::folded`].
pub(crate) const FOLDED: [Subject; 5] =
    [Subject::Order, Subject::Refund, Subject::SurveyResponse, Subject::SurveyInvitation, Subject::Customer];

pub(crate) const ORDERS: usize = 0;
pub(crate) const REFUNDS: usize = 1;
pub(crate) const RESPONSES: usize = 2;
pub(crate) const INVITATIONS: usize = 3;
pub(crate) const CUSTOMERS: usize = 4;

/// The place of a folded subject in [`FOLDED`].
pub(crate) fn place_of(subject: Subject) -> Option<usize> {
    FOLDED.iter().position(|s| *s == subject)
}

/// The entities under one key, each kind sorted by id.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) key: Arc<str>,
    pub(crate) key_hash: u32,
    entities: [Vec<Entity>; 5],
}

impl Holder {
    pub(crate) fn new(key: Arc<str>, key_hash: u32) -> Self {
        Self { key, key_hash, entities: Default::default() }
    }

    /// Whether it is a customer's and not a guest's.
    pub(crate) fn is_customer(&self) -> bool {
        self.key.starts_with("c:")
    }

    /// The entities of a kind, by id.
    pub(crate) fn of(&self, place: usize) -> &[Entity] {
        &self.entities[place]
    }

    /// The entity of that id.
    pub(crate) fn find(&self, place: usize, id: &str) -> Option<&Entity> {
        let list = &self.entities[place];
        list.binary_search_by(|e| e.id.as_ref().cmp(id)).ok().map(|i| &list[i])
    }

    /// The entity of that id, to be changed.
    pub(crate) fn find_mut(&mut self, place: usize, id: &str) -> Option<&mut Entity> {
        let list = &mut self.entities[place];
        list.binary_search_by(|e| e.id.as_ref().cmp(id)).ok().map(|i| &mut list[i])
    }

    /// The entity of that id, made by `fresh` if it is new; true if it was.
    pub(crate) fn entry(
        &mut self,
        place: usize,
        id: &str,
        fresh: impl FnOnce() -> Entity,
    ) -> (&mut Entity, bool) {
        let list = &mut self.entities[place];
        match list.binary_search_by(|e| e.id.as_ref().cmp(id)) {
            Ok(i) => (&mut list[i], false),
            Err(i) => {
                list.insert(i, fresh());
                (&mut list[i], true)
            }
        }
    }

    /// Bytes that it takes beside its own place, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        let spare = |list: &Vec<Entity>| (list.capacity() - list.len()) * size_of::<Entity>();
        let entities = self.entities.iter().flatten().map(Entity::bytes).sum::<usize>();
        self.key.len() + self.entities.iter().map(spare).sum::<usize>() + entities
    }
}
