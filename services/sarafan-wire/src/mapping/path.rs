//! Where a value stands in a source record: `customer.id`, `lines.0.sku`.

use std::fmt;

use serde_json::Value;

/// Keys and list indexes, outermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    key: String,
    index: Option<usize>,
}

impl Path {
    /// A path from its text; `None` when a segment is empty.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let segments = text.split('.').map(|key| {
            // A number is an index in a list and a key in an object: the record decides.
            (!key.is_empty()).then(|| Segment { key: key.to_owned(), index: key.parse().ok() })
        });
        segments.collect::<Option<_>>().map(Self)
    }

    /// What stands there; `None` when nothing does.
    pub(super) fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, segment| match value {
            Value::Object(object) => object.get(&segment.key),
            Value::Array(values) => values.get(segment.index?),
            _ => None,
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            write!(f, "{}{}", if i == 0 { "" } else { "." }, segment.key)?;
        }
        Ok(())
    }
}

/// The text of a scalar: what value maps, blank codes and conditions compare. `None` for null, lists and objects.
///
/// A number that money can hold is written plainly, so that `11`, `11.0` and `1.1e1` are one.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => {
            let text = number.as_str();
            let plain = text.bytes().all(|b| b.is_ascii_digit());
            let money = if plain { None } else { text.parse::<sarafan_core::vocabulary::Money>().ok() };
            Some(money.map_or_else(|| text.to_owned(), |money| money.to_string()))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A value as an error message may quote it: short, and nothing but scalars.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    match scalar(value) {
        None => match value {
            Value::Null => "null".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            _ => "an object".to_owned(),
        },
        Some(text) if text.chars().count() <= LONGEST => format!("`{text}`"),
        Some(text) => format!("`{}...`", text.chars().take(LONGEST).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_walks_objects_and_lists() {
        let record = json!({"lines": [{"sku": "a"}, {"sku": "b"}], "map": {"0": 7}, "none": null});
        let find = |path: &str| Path::parse(path).unwrap().find(&record).cloned();
        assert_eq!(find("lines.1.sku"), Some(json!("b")));
        assert_eq!(find("map.0"), Some(json!(7)));
        assert_eq!(find("none"), Some(json!(null)));
        assert_eq!(find("none.deeper"), None);
        assert_eq!(find("lines.x"), None);
        assert_eq!(Path::parse("a..b"), None);
        assert_eq!(Path::parse(""), None);
    }

    #[test]
    fn numbers_compare_by_value() {
        for text in ["11", "11.0", "1.1e1", "\"11\""] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(scalar(&value).unwrap(), "11");
        }
        let huge: Value = serde_json::from_str("1e999").unwrap();
        assert_eq!(scalar(&huge).unwrap(), "1e+999");
    }
}
