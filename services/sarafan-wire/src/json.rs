//! Bytes of a source record as JSON, within limits that are checked before anything is allocated.

use serde_json::Value;

use crate::reason::{Reason, Rejection};

/// What a source lets a record be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_bytes: usize,
    pub(crate) max_depth: usize,
}

/// Reads an object. Numbers keep their text, so that amounts stay exact.
pub(crate) fn object(bytes: &[u8], limits: Limits) -> Result<Value, Rejection> {
    if bytes.len() > limits.max_bytes {
        let problem = format!("{} bytes, the source allows {}", bytes.len(), limits.max_bytes);
        return Err(Rejection::of_record(Reason::TooLarge, problem));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        Rejection::of_record(Reason::InvalidUtf8, format!("byte {} is not UTF-8", e.valid_up_to()))
    })?;
    if depth(text) > limits.max_depth {
        let problem = format!("nested deeper than {} levels", limits.max_depth);
        return Err(Rejection::of_record(Reason::TooDeep, problem));
    }
    let value: Value = serde_json::from_str(text).map_err(|e| {
        let problem = format!("no JSON from line {}, column {} on", e.line(), e.column());
        Rejection::of_record(Reason::NotJson, problem)
    })?;
    if !value.is_object() {
        return Err(Rejection::of_record(Reason::NotAnObject, "is JSON, but no object"));
    }
    Ok(value)
}

/// How deep brackets are nested, those inside of strings aside.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 64, max_depth: 3 };

    #[test]
    fn what_is_no_object_has_a_reason() {
        let reason = |bytes: &[u8]| object(bytes, LIMITS).map_err(|e| e.reason).unwrap_err();
        assert_eq!(reason(b""), Reason::NotJson);
        assert_eq!(reason(b"{"), Reason::NotJson);
        assert_eq!(reason(b"{} {}"), Reason::NotJson);
        assert_eq!(reason(b"[]"), Reason::NotAnObject);
        assert_eq!(reason(b"{\"a\": \"\xff\"}"), Reason::InvalidUtf8);
        assert_eq!(reason(b"{\"a\": [[[]]]}"), Reason::TooDeep);
        assert_eq!(reason(&[b'['; 64]), Reason::TooDeep);
        assert_eq!(reason(&[b' '; 65]), Reason::TooLarge);
    }

    #[test]
    fn brackets_in_texts_are_no_depth() {
        assert!(object(br#"{"a": "[[[[\"[[[[\\", "b": [[1e999]]}"#, LIMITS).is_ok());
    }
}
