//! ClickHouse's exception codes that we tell apart, and the class of each.

use crate::error::Class;

use Class::{Permanent, Poison, Transient};

/// Code, name in ClickHouse, class, metric label. A code that is not here stops the partition: an unknown refusal
/// must not be retried unseen.
const CODES: &[(i32, &str, Class, &str)] = &[
    (6, "CANNOT_PARSE_TEXT", Poison, "refused_content"),
    (16, "NO_SUCH_COLUMN_IN_TABLE", Permanent, "schema"),
    (27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", Poison, "refused_content"),
    // Blocks are well formed by construction: a short one was cut off on its way.
    (33, "CANNOT_READ_ALL_DATA", Transient, "network"),
    (38, "CANNOT_PARSE_DATE", Poison, "refused_content"),
    (41, "CANNOT_PARSE_DATETIME", Poison, "refused_content"),
    (47, "UNKNOWN_IDENTIFIER", Permanent, "schema"),
    (53, "TYPE_MISMATCH", Poison, "refused_content"),
    (60, "UNKNOWN_TABLE", Permanent, "schema"),
    (62, "SYNTAX_ERROR", Permanent, "schema"),
    (69, "ARGUMENT_OUT_OF_BOUND", Poison, "refused_content"),
    (70, "CANNOT_CONVERT_TYPE", Poison, "refused_content"),
    (72, "CANNOT_PARSE_NUMBER", Poison, "refused_content"),
    (74, "CANNOT_READ_FROM_FILE_DESCRIPTOR", Transient, "disk"),
    (75, "CANNOT_WRITE_TO_FILE_DESCRIPTOR", Transient, "disk"),
    (81, "UNKNOWN_DATABASE", Permanent, "schema"),
    // Settings that the rules rest on are missing: this ClickHouse is too old.
    (115, "UNKNOWN_SETTING", Permanent, "version"),
    (117, "INCORRECT_DATA", Poison, "refused_content"),
    (131, "TOO_LARGE_STRING_SIZE", Poison, "refused_content"),
    (159, "TIMEOUT_EXCEEDED", Transient, "timeout"),
    (160, "TOO_SLOW", Transient, "timeout"),
    (164, "READONLY", Permanent, "access"),
    (190, "SIZES_OF_ARRAYS_DONT_MATCH", Poison, "refused_content"),
    (192, "UNKNOWN_USER", Permanent, "access"),
    (193, "WRONG_PASSWORD", Permanent, "access"),
    (198, "DNS_ERROR", Transient, "network"),
    (201, "QUOTA_EXCEEDED", Transient, "busy"),
    (202, "TOO_MANY_SIMULTANEOUS_QUERIES", Transient, "busy"),
    (203, "NO_FREE_CONNECTION", Transient, "busy"),
    (209, "SOCKET_TIMEOUT", Transient, "network"),
    (210, "NETWORK_ERROR", Transient, "network"),
    (225, "NO_ZOOKEEPER", Transient, "keeper"),
    (236, "ABORTED", Transient, "busy"),
    (241, "MEMORY_LIMIT_EXCEEDED", Transient, "memory"),
    (242, "TABLE_IS_READ_ONLY", Transient, "replica"),
    (243, "NOT_ENOUGH_SPACE", Transient, "disk"),
    (244, "UNEXPECTED_ZOOKEEPER_ERROR", Transient, "keeper"),
    (252, "TOO_MANY_PARTS", Transient, "busy"),
    (254, "NO_ACTIVE_REPLICAS", Transient, "replica"),
    (279, "ALL_CONNECTION_TRIES_FAILED", Transient, "network"),
    (285, "TOO_FEW_LIVE_REPLICAS", Transient, "quorum"),
    (286, "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", Transient, "quorum"),
    (289, "REPLICA_IS_NOT_IN_QUORUM", Transient, "quorum"),
    (319, "UNKNOWN_STATUS_OF_INSERT", Transient, "quorum"),
    (321, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", Poison, "refused_content"),
    (349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", Poison, "refused_content"),
    (373, "SESSION_IS_LOCKED", Transient, "busy"),
    (394, "QUERY_WAS_CANCELLED", Transient, "busy"),
    (407, "DECIMAL_OVERFLOW", Poison, "refused_content"),
    (415, "ALL_REPLICAS_LOST", Transient, "replica"),
    (425, "SYSTEM_ERROR", Transient, "disk"),
    (439, "CANNOT_SCHEDULE_TASK", Transient, "busy"),
    (473, "DEADLOCK_AVOIDED", Transient, "busy"),
    (497, "ACCESS_DENIED", Permanent, "access"),
    (499, "S3_ERROR", Transient, "disk"),
    (516, "AUTHENTICATION_FAILED", Permanent, "access"),
    (745, "SERVER_OVERLOADED", Transient, "busy"),
    (999, "KEEPER_EXCEPTION", Transient, "keeper"),
];

/// One block that spans too many partitions has the code of too many parts, but waiting does not make it smaller.
const TOO_MANY_PARTITIONS: &str = "Too many partitions for single INSERT block";

/// What to do about a code.
pub(crate) fn class(code: i32, message: &str) -> Class {
    if code == 0 {
        return if PROXY_PASSES.iter().any(|status| message.starts_with(status)) {
            Transient
        } else {
            Permanent
        };
    }
    if message.contains(TOO_MANY_PARTITIONS) {
        return Permanent;
    }
    find(code).map_or(Permanent, |(_, _, class, _)| *class)
}

/// Metric labels of the codes that pass by themselves; one may be in it several times.
pub(crate) fn transient_kinds() -> impl Iterator<Item = &'static str> {
    CODES.iter().filter(|(_, _, class, _)| *class == Transient).map(|(_, _, _, kind)| *kind).chain(["proxy"])
}

/// The metric label of a code.
pub(crate) fn kind(code: i32, message: &str) -> &'static str {
    if code == 0 {
        return "proxy";
    }
    if message.contains(TOO_MANY_PARTITIONS) {
        return "schema";
    }
    find(code).map_or("server", |(_, _, _, kind)| kind)
}

/// ClickHouse's name of a code, for error texts.
pub(crate) fn name(code: i32) -> String {
    match find(code) {
        Some((_, name, ..)) => format!("{name} ({code})"),
        None if code == 0 => "no exception of its own (does a proxy answer?)".to_owned(),
        None => format!("code {code}"),
    }
}

/// HTTP statuses of a proxy in front of ClickHouse that pass by themselves, as its answer's text begins.
const PROXY_PASSES: [&str; 5] = ["408", "429", "502", "503", "504"];

/// Code and text of an answer such as `Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE) (version
/// ...)`; code 0 when it is none of ClickHouse's.
pub(crate) fn parse(text: &str) -> (i32, String) {
    let found = text.split_once("Code: ").and_then(|(_, rest)| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let code = rest.get(..digits)?.parse().ok()?;
        Some((code, rest.get(digits..)?))
    });
    match found {
        Some((code, rest)) => {
            let message = rest.trim_start_matches(['.', ' ']);
            let message = message.strip_prefix("DB::Exception: ").unwrap_or(message);
            let message = message.split(" (version ").next().unwrap_or(message);
            (code, message.trim().to_owned())
        }
        None => (0, text.trim().to_owned()),
    }
}

fn find(code: i32) -> Option<&'static (i32, &'static str, Class, &'static str)> {
    CODES.binary_search_by_key(&code, |(code, ..)| *code).ok().and_then(|index| CODES.get(index))
}

/// ClickHouse's exception codes that this crate tells apart, with their names in ClickHouse.
pub fn exception_codes() -> impl Iterator<Item = (i32, &'static str)> {
    CODES.iter().map(|(code, name, ..)| (*code, *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_order_so_that_they_are_found() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn an_exception_text_gives_its_code_and_its_message() {
        let text = "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE) (version 26.7.3.1)";
        let (code, message) = parse(text);
        assert_eq!((code, message.as_str()), (60, "Table a.b does not exist. (UNKNOWN_TABLE)"));
        assert_eq!(class(code, &message), Permanent);
    }

    #[test]
    fn a_proxy_that_is_overloaded_passes_and_one_that_refuses_does_not() {
        let (code, message) = parse("503 Service Unavailable");
        assert_eq!((code, class(code, &message)), (0, Transient));
        assert_eq!(class(0, "401 Unauthorized"), Permanent);
    }

    #[test]
    fn a_block_over_too_many_partitions_is_not_sent_again() {
        assert_eq!(class(252, "Too many parts (300)"), Transient);
        assert_eq!(class(252, "Too many partitions for single INSERT block (more than 100)"), Permanent);
    }

    #[test]
    fn an_unknown_refusal_is_not_retried_unseen() {
        assert_eq!(class(123_456, "?"), Permanent);
    }
}
