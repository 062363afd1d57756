//! The survey tool's answers.

use serde::Serialize;

use super::Iso;

/// An answer, or the comment that follows it.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerRecord<'a> {
    pub(crate) answer: &'a str,
    pub(crate) form: &'static str,
    pub(crate) person: Person<'a>,
    pub(crate) submitted: Iso,
    pub(crate) changed: Iso,
    pub(crate) about: About<'a>,
    #[serde(flatten)]
    pub(crate) said: Said<'a>,
}

/// Who answers.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Person<'a> {
    /// None: a guest.
    pub(crate) id: Option<&'a str>,
    /// Whose the answer was until now; null says: a guest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_id: Option<Option<&'a str>>,
}

/// What an answer is about.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct About<'a> {
    pub(crate) order: Option<&'a str>,
    pub(crate) store: &'static str,
    pub(crate) region: &'static str,
    pub(crate) manager: Option<&'static str>,
    pub(crate) touchpoint: &'static str,
}

/// What was said; a comment may be said alone.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Said<'a> {
    /// The answer.
    Scored {
        nps: Option<u8>,
        why: &'a [&'static str],
        via: &'static str,
        wave: Option<&'a str>,
        language: &'static str,
        invitation: &'a str,
        other: Other,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
    },
    /// What was written afterwards.
    Commented { text: &'a str },
}

/// Further questions.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Other {
    /// 1 to 5.
    pub(crate) ease: i64,
    pub(crate) again: bool,
}
