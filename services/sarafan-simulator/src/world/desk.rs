//! The service desk: what becomes of a bad answer.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::answers::Answer;
use super::{Now, Task, World, next};
use crate::records::{CaseRecord, Iso, Topic};

const OPENED: f64 = 0.8;
const CONTACTED: f64 = 0.85;
const RESOLVED: f64 = 0.75;
const AGENTS: [&str; 4] = ["kim", "robin", "sascha", "toni"];
const CAUSES: [&str; 4] = ["carrier", "warehouse", "store", "product"];
const OUTCOMES: [&str; 3] = ["apology", "voucher", "exchange"];

/// A case as it stands.
#[derive(Debug, Clone)]
pub(super) struct Case {
    id: String,
    customer: Option<String>,
    answer: String,
    owner: &'static str,
    opened: Timestamp,
    contacted: Option<Timestamp>,
}

impl World {
    /// A bad answer may lead to a case.
    pub(super) fn open_case(&mut self, now: Now, answer: &Answer) {
        if !self.chance.happens(OPENED) {
            return;
        }
        let case = Case {
            id: format!("k-{:06}", next(&mut self.made.cases)),
            customer: answer.invitation.asked.clone(),
            answer: answer.id.clone(),
            owner: self.chance.pick(&AGENTS),
            opened: now.at,
            contacted: None,
        };
        self.write_case(now, &case, None);
        if self.chance.happens(CONTACTED) {
            let wait = self.chance.wait(SignedDuration::from_hours(26)) + SignedDuration::from_mins(10);
            self.later(now, wait, Task::Desk(Arc::new(case)));
        }
    }

    /// The customer is contacted; later, the case is resolved.
    pub(super) fn work_on(&mut self, now: Now, case: &Case) {
        if case.contacted.is_some() {
            return self.write_case(now, case, Some(now.at));
        }
        let contacted = Case { contacted: Some(now.at), ..case.clone() };
        self.write_case(now, &contacted, None);
        if self.chance.happens(RESOLVED) {
            let wait = self.chance.wait(SignedDuration::from_hours(60)) + SignedDuration::from_mins(30);
            self.later(now, wait, Task::Desk(Arc::new(contacted)));
        }
    }

    fn write_case(&mut self, now: Now, case: &Case, resolved: Option<Timestamp>) {
        let cause = case.contacted.map(|_| self.chance.pick(&CAUSES));
        let record = CaseRecord {
            case: &case.id,
            customer: case.customer.as_deref(),
            answer: &case.answer,
            owner: case.owner,
            updated: Iso(now.at),
            opened: Iso(case.opened),
            contacted: case.contacted.map(Iso),
            resolved: resolved.map(Iso),
            cause,
            outcome: resolved.map(|_| self.chance.pick(&OUTCOMES)),
        };
        self.write(now, Topic::Cases, &case.id, &record);
    }
}
