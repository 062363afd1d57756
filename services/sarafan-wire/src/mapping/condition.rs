//! Which records a rule speaks of.

use serde_json::Value;

use super::path::{Path, scalar};

/// All of its tests must hold. An empty condition always does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Condition(pub(super) Vec<Test>);

/// One test of what stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) path: Path,
    pub(super) expected: Expected,
}

/// What a test expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// A scalar, one of these.
    OneOf(Vec<String>),
    /// Anything but null.
    Present,
    /// Nothing, or null.
    Missing,
}

impl Condition {
    pub(super) fn holds(&self, root: &Value) -> bool {
        self.0.iter().all(|test| {
            let found = test.path.find(root).filter(|value| !value.is_null());
            match &test.expected {
                Expected::Present => found.is_some(),
                Expected::Missing => found.is_none(),
                Expected::OneOf(texts) => found.and_then(scalar).is_some_and(|text| texts.contains(&text)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_holds_when_all_its_tests_do() {
        let test = |path: &str, expected| Test { path: Path::parse(path).unwrap(), expected };
        let one_of = |texts: &[&str]| Expected::OneOf(texts.iter().map(|t| (*t).to_owned()).collect());
        let record = json!({"kind": "sale", "code": 11.0, "customer": null});
        assert!(Condition::default().holds(&record));
        assert!(
            Condition(vec![test("kind", one_of(&["sale"])), test("code", one_of(&["11"]))]).holds(&record)
        );
        assert!(!Condition(vec![test("kind", one_of(&["credit"]))]).holds(&record));
        assert!(!Condition(vec![test("customer", Expected::Present)]).holds(&record));
        assert!(
            Condition(vec![test("customer", Expected::Missing), test("gone", Expected::Missing)])
                .holds(&record)
        );
    }
}
