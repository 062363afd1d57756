//! Variables: that there is one wherever one is used, and that each is used.

use std::collections::BTreeSet;

use crate::files::{all_texts, dashboards, interpolate, list, references, text};

/// What Grafana itself fills in.
fn is_built_in(name: &str) -> bool {
    name.starts_with("__")
}

#[test]
fn every_variable_that_is_used_is_defined_before_and_every_one_that_is_defined_is_used() {
    for dashboard in dashboards() {
        let mut defined: BTreeSet<&str> = BTreeSet::new();
        let mut used: BTreeSet<&str> = BTreeSet::new();
        let names = |text: &'_ str| -> Vec<String> {
            references(text)
                .iter()
                .map(|reference| reference.split([':', '.']).next().unwrap().to_owned())
                .collect()
        };
        for variable in dashboard.variables() {
            for name in names(text(variable, "query")) {
                let known = defined.get(name.as_str());
                used.insert(
                    known.unwrap_or_else(|| panic!("{}: {name} comes after its use", dashboard.name)),
                );
            }
            assert_eq!(
                text(variable, "definition"),
                if variable["type"] == "query" { text(variable, "query") } else { "" }
            );
            assert!(!text(variable, "description").is_empty(), "{}: {variable}", dashboard.name);
            assert!(defined.insert(text(variable, "name")), "{}: {variable}", dashboard.name);
        }
        for panel in dashboard.panels() {
            let texts = all_texts(panel);
            for name in texts.into_iter().flat_map(names).filter(|name| !is_built_in(name)) {
                let known = defined.get(name.as_str());
                used.insert(
                    known.unwrap_or_else(|| panic!("{}: no variable {name}", dashboard.place(panel))),
                );
            }
        }
        assert_eq!(used, defined, "{}", dashboard.name);
    }
}

#[test]
fn variables_are_written_with_braces_so_that_nothing_else_is_taken_for_one() {
    for dashboard in dashboards() {
        for text in all_texts(&dashboard.json) {
            let after = text.match_indices('$').map(|(place, _)| &text[place + 1..]);
            for rest in after {
                assert!(
                    rest.starts_with('{') || rest.starts_with("__") || rest.starts_with('/'),
                    "{}: {text}",
                    dashboard.name
                );
            }
            assert!(!text.contains("[["), "{}: {text}", dashboard.name);
        }
    }
}

#[test]
fn values_of_variables_cannot_end_the_text_that_they_stand_in() {
    for dashboard in dashboards() {
        let targets = dashboard.panels().into_iter().flat_map(|panel| list(panel, "targets"));
        let queries = targets
            .map(|target| text(target, "rawSql"))
            .chain(dashboard.variables().iter().map(|v| text(v, "query")));
        for sql in queries {
            for reference in references(sql) {
                // Names of databases and lengths of windows are what migrations accept: letters, digits, underscores.
                let harmless = ["database", "window"].contains(&reference);
                assert!(
                    harmless || reference.ends_with(":sqlstring"),
                    "{}: ${{{reference}}} in {sql}",
                    dashboard.name
                );
            }
        }
    }
}

#[test]
fn values_are_put_in_as_grafana_does() {
    let variables = [
        ("one".to_owned(), vec!["it's".to_owned()]),
        ("two".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
    ]
    .into();
    assert_eq!(interpolate("${one} ${one:sqlstring}", &variables), "it's 'it''s'");
    assert_eq!(interpolate("${two} ${two:sqlstring}", &variables), "'a','b' 'a','b'");
}
