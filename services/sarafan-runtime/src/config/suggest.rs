//! The known name that a person most likely meant.

/// `; did you mean `brokers`?`, or nothing when no known name is near.
pub(super) fn hint<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let distance = |name: &str| strsim::damerau_levenshtein(given, name);
    // One slip in three letters; `id` is not a misspelt `to`.
    let near = known
        .map(|name| (distance(name), name))
        .filter(|&(distance, name)| distance * 3 <= name.len().max(given.len()))
        .min();
    near.map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["brokers", "group", "topic"];
        assert_eq!(hint("broker", known.into_iter()), "; did you mean `brokers`?");
        assert_eq!(hint("tpoic", known.into_iter()), "; did you mean `topic`?");
        assert_eq!(hint("password", known.into_iter()), "");
    }
}
