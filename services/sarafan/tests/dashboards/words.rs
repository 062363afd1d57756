//! What panels say of themselves.

use serde_json::Value;

use crate::files::{all_texts, dashboards, list, text};

const CLICKHOUSE: &str = "sarafan-clickhouse";
const PROMETHEUS: &str = "sarafan-prometheus";
/// Smallest text, in pixels.
const SMALLEST_TEXT: u64 = 12;

fn queries<'a>(panel: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    list(panel, "targets").iter().map(move |target| text(target, key)).filter(|query| !query.is_empty())
}

#[test]
fn every_dashboard_is_of_the_schema_that_grafana_12_3_writes() {
    for dashboard in dashboards() {
        assert_eq!(dashboard.json["schemaVersion"], 42, "{}", dashboard.name);
        assert_eq!(dashboard.json["editable"], false, "{}: it is edited in the repository", dashboard.name);
        // Days come as midnight in UTC; in another zone they would be shown as the day before.
        assert_eq!(dashboard.json["timezone"], "utc", "{}", dashboard.name);
        assert!(!text(&dashboard.json, "description").is_empty(), "{}", dashboard.name);
    }
}

#[test]
fn files_are_written_so_that_a_person_can_compare_them() {
    for dashboard in dashboards() {
        let lines = dashboard.text.lines();
        let indented = lines.clone().all(|line| (line.len() - line.trim_start().len()) % 2 == 0);
        assert!(indented && lines.count() > 100 && dashboard.text.ends_with("}\n"), "{}", dashboard.name);
    }
}

#[test]
fn every_panel_says_what_it_shows_and_what_it_shows_when_there_is_nothing() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let place = dashboard.place(panel);
            assert!(text(panel, "title").len() > 2, "{place}: no title");
            assert!(text(panel, "description").len() > 20, "{place}: no description");
            assert!(!list(panel, "targets").is_empty(), "{place}: no query");
            let nothing = text(&panel["fieldConfig"]["defaults"], "noValue");
            assert!(!nothing.is_empty() && nothing != "No data", "{place}: what does an empty panel say?");
        }
    }
}

#[test]
fn every_panel_has_a_unit() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            // Units of a table stand with its columns: the queries are run to see that none lacks one.
            let has = panel["type"] == "table" || !text(&panel["fieldConfig"]["defaults"], "unit").is_empty();
            assert!(has, "{}: no unit", dashboard.place(panel));
        }
    }
}

#[test]
fn every_query_names_one_of_the_two_data_sources_by_its_uid() {
    let provisioned = crate::files::texts("grafana/provisioning/datasources", "yml").remove(0).1;
    for uid in [CLICKHOUSE, PROMETHEUS] {
        assert!(provisioned.contains(&format!("uid: {uid}\n")), "{uid} is not provisioned");
    }
    for dashboard in dashboards() {
        let variables = dashboard.variables().iter().filter(|variable| variable["type"] == "query");
        for variable in variables {
            assert_eq!(variable["datasource"]["uid"], CLICKHOUSE, "{}: {variable}", dashboard.name);
        }
        for panel in dashboard.panels() {
            for target in list(panel, "targets") {
                let uid = if target["rawSql"].is_string() { CLICKHOUSE } else { PROMETHEUS };
                assert_eq!(target["datasource"]["uid"], uid, "{}", dashboard.place(panel));
                let clickhouse = target["editorType"] == "sql"
                    && target["format"] == u8::from(target["queryType"] == "table");
                assert!(
                    uid == PROMETHEUS || clickhouse,
                    "{}: format and kind differ",
                    dashboard.place(panel)
                );
            }
        }
    }
}

#[test]
fn every_panel_of_data_ends_with_the_notice() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let reads_views = queries(panel, "rawSql").any(|sql| sql.contains("${database}."));
            let ends = text(panel, "title").ends_with("${notice}");
            assert!(ends || !reads_views, "{}: synthetic data would not be told", dashboard.place(panel));
        }
    }
}

#[test]
fn every_panel_of_nps_says_survey_population_and_n() {
    let mut seen = 0;
    for dashboard in dashboards() {
        for panel in dashboard.panels().into_iter().filter(|panel| text(panel, "title").starts_with("NPS")) {
            seen += 1;
            let (place, title) = (dashboard.place(panel), text(panel, "title"));
            assert!(title.contains("survey"), "{place}: which survey?");
            assert!(
                ["population", "by responses"].iter().any(|word| title.contains(word)),
                "{place}: who is counted?"
            );
            let explained = text(panel, "description");
            assert!(
                explained.split(|c: char| !c.is_alphanumeric()).any(|word| word == "n"),
                "{place}: what is n?"
            );
            let shown = queries(panel, "rawSql").any(|sql| {
                ["\"n\"", "n = {}", "n {}", "({})", "\"n now\"", "answers"].iter().any(|n| sql.contains(n))
            });
            let beside = explained.contains("n of")
                || explained.contains("n in the panel beside")
                || explained.starts_with("n, ");
            assert!(shown || beside, "{place}: n is not shown");
        }
    }
    assert!(seen >= 14, "only {seen}");
}

#[test]
fn no_text_is_too_small_to_read() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            for size in ["titleSize", "valueSize"]
                .map(|key| panel["options"]["text"][key].as_u64())
                .into_iter()
                .flatten()
            {
                assert!(size >= SMALLEST_TEXT, "{}: {size} pixels", dashboard.place(panel));
            }
        }
    }
}

/// Colours of Okabe and Ito, that people with any colour vision tell apart, the darker amber that text needs on white, and grey
/// for what is not to be read.
const COLOURS: [&str; 8] =
    ["#0072B2", "#E69F00", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#C98A00", "#8E8E8E"];

#[test]
fn colours_are_told_apart_by_everybody() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            for word in all_texts(panel)
                .into_iter()
                .flat_map(|text| text.split(|c: char| c != '#' && !c.is_ascii_alphanumeric()))
            {
                let is_colour = word.len() == 7
                    && word.starts_with('#')
                    && word[1..].chars().all(|c| c.is_ascii_hexdigit());
                assert!(!is_colour || COLOURS.contains(&word), "{}: {word}", dashboard.place(panel));
            }
        }
    }
}
