//! Texts made of several values: `{year}-05-{interview_date:02}T12:00:00Z`.

use serde_json::Value;

use super::path::{Path, scalar};
use super::value::Found;
use crate::reason::{Fault, Reason};

/// Literal text and placeholders, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// What stands at the path, with zeros in front up to this width.
    Value(Path, usize),
}

impl Template {
    /// `{path}` and `{path:02}` are placeholders; `{{` and `}}` are braces.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let end = rest
                .find('}')
                .filter(|_| brace == "{")
                .ok_or("has a brace without its pair; write {{ for {")?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(placeholder(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        if !parts.iter().any(|part| matches!(part, Part::Value(..))) {
            return Err("has no placeholder such as {year}; write `value` for a constant".to_owned());
        }
        Ok(Self(parts))
    }

    /// The text; absent or null as soon as one of its values is.
    pub(super) fn fill(&self, root: &Value) -> Result<Found<'static>, Fault> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value(path, width) => match path.find(root) {
                    None => return Ok(Found::Absent),
                    Some(Value::Null) => return Ok(Found::Null),
                    Some(value) => {
                        let problem = || format!("needs a scalar at {path}");
                        let value = scalar(value).ok_or_else(|| Fault::new(Reason::WrongType, problem()))?;
                        let missing = width.saturating_sub(value.chars().count());
                        text.extend(std::iter::repeat_n('0', missing));
                        text.push_str(&value);
                    }
                },
            }
        }
        Ok(Found::owned(Value::String(text)))
    }
}

fn placeholder(text: &str) -> Result<Part, String> {
    let (path, width) = text.split_once(':').unwrap_or((text, "0"));
    let path = Path::parse(path).ok_or_else(|| format!("`{{{text}}}` names no path"))?;
    let width = width.strip_prefix('0').map(|digits| if digits.is_empty() { "0" } else { digits });
    let width = width.and_then(|digits| digits.parse().ok()).filter(|width| *width <= 64);
    let width = width.ok_or_else(|| format!("`{{{text}}}`: a width is written as 02"))?;
    Ok(Part::Value(path, width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fill(template: &str, record: &Value) -> Option<Value> {
        match Template::parse(template).unwrap().fill(record).unwrap() {
            Found::Value(value) => Some(value.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn placeholders_are_filled_and_padded() {
        let record = json!({"year": 2018, "day": "3", "none": null});
        let at = fill("{year}-05-{day:02}T12:00:00Z", &record);
        assert_eq!(at, Some(json!("2018-05-03T12:00:00Z")));
        assert_eq!(fill("{{{day}}}", &record), Some(json!("{3}")));
        assert_eq!(fill("{day}-{none}", &record), None);
        assert_eq!(fill("{day}-{gone}", &record), None);
    }

    #[test]
    fn a_broken_template_is_a_configuration_error() {
        for text in ["{year", "year}", "{}", "{a:2}", "{a:0x}", "{a:099}", "constant"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
