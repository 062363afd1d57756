//! Names and literals in SQL text, and the splitting of a file into statements.

/// A name in backquotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A text as a literal, without braces: the words of a recount stand in those.
pub(crate) fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('{', "\\x7b").replace('}', "\\x7d");
    format!("'{escaped}'")
}

/// Numbers as a list for `IN`: `(1, 2, 3)`. An empty list would be a syntax error: `(NULL)` holds nothing.
pub(crate) fn list<N: ToString>(numbers: &[N]) -> String {
    if numbers.is_empty() {
        return "(NULL)".to_owned();
    }
    let texts: Vec<String> = numbers.iter().map(N::to_string).collect();
    format!("({})", texts.join(", "))
}

/// Numbers as an array: `[1, 2, 3]`.
pub(crate) fn array<N: ToString>(numbers: &[N]) -> String {
    let texts: Vec<String> = numbers.iter().map(N::to_string).collect();
    format!("[{}]", texts.join(", "))
}

/// Whether a database may have this name: it is put into statements as it is.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The statements of a file: each ends with `;` at the end of a line. A `;` elsewhere (in a text, in a comment)
/// belongs to its statement. What holds nothing but comments is no statement.
pub(crate) fn statements(file: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    for line in file.lines() {
        let line = line.trim_end();
        let is_comment = line.trim_start().starts_with("--");
        match line.strip_suffix(';') {
            Some(last) if !is_comment => {
                current.push_str(last);
                found.push(std::mem::take(&mut current));
            }
            _ => {
                current.push_str(line);
                current.push('\n');
            }
        }
    }
    found.push(current);
    found.retain(|statement| {
        statement.lines().any(|l| !l.trim().is_empty() && !l.trim_start().starts_with("--"))
    });
    found.iter().map(|statement| statement.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_ends_with_a_semicolon_at_the_end_of_a_line_only() {
        let file = "-- what; it is;\nCREATE TABLE a (x String COMMENT 'one; two')\nENGINE = Memory;  \n\n\
                    SELECT 'a;b'; SELECT 2;\n-- the end;\n";
        let found = statements(file);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("ENGINE = Memory"));
        assert_eq!(found[1], "SELECT 'a;b'; SELECT 2");
    }

    #[test]
    fn a_last_statement_needs_no_semicolon() {
        assert_eq!(statements("SELECT 1;\nSELECT 2\n"), ["SELECT 1", "SELECT 2"]);
        assert!(statements("-- nothing\n\n").is_empty());
    }

    #[test]
    fn names_that_need_quotes_name_no_database() {
        assert!(is_plain_name("sarafan_store"));
        for name in ["", "1a", "a-b", "a.b", "a`b", "a b"] {
            assert!(!is_plain_name(name), "{name}");
        }
        assert_eq!(quoted("a`b"), "`a\\`b`");
    }

    #[test]
    fn an_empty_list_holds_nothing() {
        assert_eq!(list::<u16>(&[]), "(NULL)");
        assert_eq!(list(&[1_u16, 7]), "(1, 7)");
    }
}
