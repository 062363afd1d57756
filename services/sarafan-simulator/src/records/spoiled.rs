//! Records that a source system got wrong.

use super::Topic;
use crate::chance::Chance;

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its end is missing.
    CutShort,
    /// Nothing says which entity it is.
    NoId,
    /// A score of 11.
    ScoreOfEleven,
    /// A questionnaire that nobody declared.
    UnknownForm,
    /// The thirtieth of February.
    NoSuchDay,
    /// A day in another century.
    FarAway,
    /// A state that the shop's manual does not have.
    UnknownState,
    /// Money given back, with the sign of money taken.
    Negative,
}

impl Fault {
    /// The faults that records of a topic have, but for [`CutShort`](Self::CutShort), which all may have.
    fn of(topic: Topic) -> &'static [Self] {
        match topic {
            Topic::Orders => &[Self::NoSuchDay, Self::FarAway, Self::UnknownState, Self::NoId],
            Topic::Answers => &[Self::ScoreOfEleven, Self::ScoreOfEleven, Self::UnknownForm, Self::FarAway],
            Topic::Payments => &[Self::Negative, Self::NoId],
            Topic::Mailings => &[Self::NoSuchDay, Self::UnknownForm],
            Topic::Cases => &[Self::NoSuchDay],
            Topic::Members | Topic::Spend | Topic::Deals => &[],
        }
    }

    /// Some fault that a record of this topic may have.
    pub(crate) fn any(topic: Topic, chance: &mut Chance) -> Self {
        let faults = Self::of(topic);
        if faults.is_empty() || chance.happens(0.2) { Self::CutShort } else { chance.pick(faults) }
    }
}

/// The record with the fault; cut short where it has nothing that the fault could be in.
pub(crate) fn spoiled(topic: Topic, text: &str, fault: Fault) -> String {
    let set = |field: &str, value: &str| replaced(text, field, value);
    let event_time = match topic {
        Topic::Answers => "submitted",
        Topic::Mailings => "sent_at",
        Topic::Cases => "opened",
        _ => "created_at",
    };
    let spoiled = match (fault, topic) {
        (Fault::CutShort, _) => None,
        (Fault::NoId, Topic::Payments) => set("refund", "null"),
        (Fault::NoId, _) => set("number", "null"),
        (Fault::ScoreOfEleven, _) => set("nps", "11"),
        (Fault::UnknownForm, _) => set("form", "\"exit_poll\""),
        (Fault::NoSuchDay, _) => set(event_time, "\"2026-02-30T10:00:00Z\""),
        (Fault::FarAway, _) => set(event_time, "\"2199-01-01T00:00:00Z\""),
        (Fault::UnknownState, _) => set("state", "\"teleported\""),
        (Fault::Negative, _) => set("cents", "-500"),
    };
    spoiled.unwrap_or_else(|| cut(text))
}

/// Three fifths of the text: no object is closed there.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(text.len() * 3 / 5)].to_owned()
}

/// The text with another value of the first field of this name; none if there is no such field. The old value holds no
/// comma and no brace.
fn replaced(text: &str, field: &str, value: &str) -> Option<String> {
    let name = format!("\"{field}\":");
    let from = text.find(&name)? + name.len();
    let length = text[from..].find([',', '}'])?;
    Some(format!("{}{value}{}", &text[..from], &text[from + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_changes_one_value_and_leaves_the_rest() {
        let answer = r#"{"answer":"a-1","form":"after_delivery","submitted":"2026-03-01T00:00:00Z","nps":9}"#;
        let spoil = |fault| spoiled(Topic::Answers, answer, fault);
        assert_eq!(spoil(Fault::ScoreOfEleven), answer.replace(":9}", ":11}"));
        assert_eq!(spoil(Fault::UnknownForm), answer.replace("after_delivery", "exit_poll"));
        assert_eq!(spoil(Fault::FarAway), answer.replace("2026-03-01", "2199-01-01"));
    }

    #[test]
    fn what_is_cut_short_is_no_json() {
        for text in [r#"{"a":1}"#, r#"{"state":"x","text":"für immer"}"#] {
            let cut = spoiled(Topic::Deals, text, Fault::CutShort);
            assert!(serde_json::from_str::<serde_json::Value>(&cut).is_err(), "{cut}");
        }
        let partial = spoiled(Topic::Orders, r#"{"number":"o-1"}"#, Fault::NoSuchDay);
        assert!(serde_json::from_str::<serde_json::Value>(&partial).is_err(), "{partial}");
    }
}
