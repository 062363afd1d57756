//! Answers: how many points, for what reasons, in what words.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::customers::Tier;
use super::invitations::{Invitation, Subject};
use super::{Now, Task, World, next};
use crate::chance::Chance;
use crate::records::{About, AnswerRecord, Iso, Other, Person, Said, Topic};
use crate::words::{REMARKS, Reason};

const NO_SCORE: f64 = 0.03;
const WITH_COMMENT: f64 = 0.42;
/// Comments that follow in a record of their own.
const COMMENT_LATER: f64 = 0.2;

/// An answer that was given.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: String,
    pub(super) invitation: Arc<Invitation>,
    pub(super) submitted: Timestamp,
    pub(super) score: Option<u8>,
    why: Vec<&'static str>,
    text: Option<&'static str>,
    other: Other,
}

/// Day-to-day mood, dealt from a shuffled deck for each store and questionnaire. A deck holds every mood once, from dreadful to radiant:
/// over its length a store's mean does not wander by chance, so that what a figure shows is what happened.
#[derive(Debug, Default)]
pub(super) struct Moods(BTreeMap<(&'static str, &'static str), Vec<f64>>);

impl Moods {
    /// Points added by mood: the middles of tenths of a normal distribution of deviation 1.35.
    const DECK: [f64; 10] = [-2.22, -1.40, -0.91, -0.52, -0.17, 0.17, 0.52, 0.91, 1.40, 2.22];

    fn deal(&mut self, of: (&'static str, &'static str), chance: &mut Chance) -> f64 {
        let deck = self.0.entry(of).or_default();
        if deck.is_empty() {
            deck.extend(Self::DECK);
        }
        let place = chance.between(0, deck.len() as i64 - 1);
        deck.swap_remove(usize::try_from(place).unwrap_or_default())
    }
}

impl World {
    /// Somebody answers.
    pub(super) fn answer(&mut self, now: Now, invitation: &Arc<Invitation>) {
        let score = if self.chance.happens(NO_SCORE) { None } else { Some(self.score(now, invitation)) };
        let reasons = self.reasons(now, invitation, score);
        let comment = self.comment_on(score, reasons.first().copied());
        let is_later = comment.is_some() && self.chance.happens(COMMENT_LATER);
        let answer = Arc::new(Answer {
            id: format!("a-{:07}", next(&mut self.made.answers)),
            invitation: Arc::clone(invitation),
            submitted: now.at,
            score,
            why: reasons.into_iter().map(Reason::code).collect(),
            text: comment.filter(|_| !is_later),
            other: Other { ease: self.chance.between(1, 5), again: self.chance.happens(0.8) },
        });
        self.write_answer(now, &answer, None);
        if let (Some(comment), true) = (comment, is_later) {
            let wait = self.chance.wait(SignedDuration::from_mins(3)) + SignedDuration::from_secs(5);
            self.later(now, wait, Task::Comment(Arc::clone(&answer), comment));
        }
        if let Some(trace) = &mut self.customers[invitation.customer].trace {
            trace.answers.push(Arc::clone(&answer));
        }
        if score.is_some_and(|score| score <= 6) {
            self.open_case(now, &answer);
        }
    }

    /// Points: the person, the people they met, and what went wrong.
    fn score(&mut self, now: Now, invitation: &Invitation) -> u8 {
        let person = &self.customers[invitation.customer];
        let store = invitation.about.store();
        let of_tier = match person.tier {
            Tier::Gold => 0.3,
            Tier::Silver => 0.1,
            Tier::Bronze => -0.1,
        };
        let mut points = 8.75 + person.temper + store.service + of_tier;
        if let Some(order) = invitation.about.order() {
            points += order.touch;
            points -= if order.is_late { 2.3 } else { 0.0 };
            points -= if order.is_defective { 3.0 } else { 0.0 };
            points -= if order.campaign == Some(crate::truths::BAD_CAMPAIGN) { 0.8 } else { 0.0 };
        }
        points -= if self.has_collapsed(now, store) { 3.4 } else { 0.0 };
        points += self.moods.deal((store.code, invitation.about.form()), &mut self.chance);
        points.round().clamp(0.0, 10.0) as u8
    }

    fn reasons(&mut self, now: Now, invitation: &Invitation, score: Option<u8>) -> Vec<Reason> {
        const ANY: [Reason; 5] =
            [Reason::Staff, Reason::Quality, Reason::Assortment, Reason::Price, Reason::Delivery];
        let mut reasons = Vec::new();
        if let (Some(order), Some(0..=8)) = (invitation.about.order(), score) {
            reasons.extend(order.is_defective.then_some(Reason::Quality));
            reasons.extend(order.is_late.then_some(Reason::Delivery));
        }
        if score.is_some_and(|score| score <= 7) && self.has_collapsed(now, invitation.about.store()) {
            reasons.push(Reason::Staff);
        }
        if reasons.is_empty() && score.is_some() && self.chance.happens(0.55) {
            reasons.push(self.chance.pick(&ANY));
        }
        if self.chance.happens(0.12) {
            let other = self.chance.pick(&ANY);
            if !reasons.is_empty() && !reasons.contains(&other) {
                reasons.push(other);
            }
        }
        reasons
    }

    fn comment_on(&mut self, score: Option<u8>, reason: Option<Reason>) -> Option<&'static str> {
        if score.is_none() {
            return Some(self.chance.pick(&REMARKS));
        }
        let reason = reason.filter(|_| self.chance.happens(WITH_COMMENT))?;
        let words =
            if score.is_some_and(|score| score >= 8) { reason.praises() } else { reason.complaints() };
        Some(self.chance.pick(words))
    }

    /// The comment that follows an answer.
    pub(super) fn comment(&mut self, now: Now, answer: &Answer, comment: &'static str) {
        self.write_said(now, answer, None, Said::Commented { text: comment });
    }

    /// The answer was a guest's; now it is a member's.
    pub(super) fn claim_answer(&mut self, now: Now, answer: &Answer) {
        let claimed_by = self.customers[answer.invitation.customer].id.clone();
        self.write_answer(now, answer, Some(&claimed_by));
    }

    fn write_answer(&mut self, now: Now, answer: &Answer, claimed_by: Option<&str>) {
        let invitation = &answer.invitation;
        let wave = match &invitation.about {
            Subject::Relation(_, wave) => Some(Arc::clone(wave)),
            Subject::Purchase(_) => None,
        };
        let said = Said::Scored {
            nps: answer.score,
            why: &answer.why,
            via: invitation.via,
            wave: wave.as_deref(),
            language: self.customers[invitation.customer].language,
            invitation: &invitation.id,
            other: answer.other,
            text: answer.text,
        };
        self.write_said(now, answer, claimed_by, said);
    }

    fn write_said(&mut self, now: Now, answer: &Answer, claimed_by: Option<&str>, said: Said<'_>) {
        let Invitation { asked, about, .. } = answer.invitation.as_ref();
        let record = AnswerRecord {
            answer: &answer.id,
            form: about.form(),
            person: Person { id: claimed_by.or(asked.as_deref()), previous_id: claimed_by.map(|_| None) },
            submitted: Iso(answer.submitted),
            changed: Iso(now.at),
            about: About {
                order: about.order().map(|order| order.number.as_str()),
                store: about.store().code,
                region: about.store().region,
                manager: about.order().map(|order| order.manager),
                touchpoint: about.touchpoint(),
            },
            said,
        };
        self.write(now, Topic::Answers, &answer.id, &record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deck_deals_every_mood_once() {
        let (mut moods, mut chance) = (Moods::default(), Chance::of(5));
        for _ in 0..3 {
            let mut dealt: Vec<f64> = (0..10).map(|_| moods.deal(("S01", "form"), &mut chance)).collect();
            assert_ne!(dealt, Moods::DECK);
            dealt.sort_by(f64::total_cmp);
            assert_eq!(dealt, Moods::DECK);
        }
    }
}
