//! What panels say of themselves.

use serde_json::{Value, json};

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

/// Stands first in a title: what is long is cut at its end.
const NOTICE: &str = "${notice}";

#[test]
fn every_row_and_every_panel_of_data_begins_with_the_notice() {
    for dashboard in dashboards() {
        let rows = list(&dashboard.json, "panels").iter().filter(|panel| panel["type"] == "row");
        let of_data = dashboard.panels().into_iter().filter(|panel| {
            queries(panel, "rawSql").any(|sql| sql.contains("${database}."))
                || queries(panel, "expr").any(|expression| expression.contains("sarafan:"))
        });
        for panel in rows.chain(of_data) {
            let begins = text(panel, "title").starts_with(NOTICE);
            assert!(begins, "{}: synthetic data would not be told", dashboard.place(panel));
        }
    }
}

#[test]
fn a_value_that_is_missing_is_a_dash_and_not_why_a_panel_is_empty() {
    let dash = json!({"matcher": {"id": "byRegexp", "options": "/.*/"}, "properties": [{"id": "noValue", "value": "–"}]});
    for dashboard in dashboards() {
        let drawn = ["table", "timeseries", "barchart", "trend"];
        for panel in dashboard.panels().into_iter().filter(|panel| drawn.contains(&text(panel, "type"))) {
            // The first: what is said of one column comes after it and wins.
            assert_eq!(panel["fieldConfig"]["overrides"][0], dash, "{}", dashboard.place(panel));
        }
    }
}

#[test]
fn an_empty_table_says_why() {
    // One row per metric, and per column of a view.
    let never_empty = ["Server now", "Definitions"];
    for dashboard in dashboards() {
        for panel in dashboard.panels().into_iter().filter(|panel| panel["type"] == "table") {
            let why = text(&panel["fieldConfig"]["defaults"], "noValue").replace('\'', "''");
            let is_full = never_empty.contains(&text(panel, "title").trim_start_matches(NOTICE));
            // Grafana draws the header alone when ClickHouse returns no row.
            for sql in queries(panel, "rawSql").filter(|_| !is_full) {
                assert!(
                    sql.contains(&format!("'{why}'")),
                    "{}: nobody is told {why}",
                    dashboard.place(panel)
                );
            }
        }
    }
}

#[test]
fn days_are_those_of_the_reporting_time_zone() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            for sql in queries(panel, "rawSql") {
                let chosen = sql.matches("toDate($__fromTime, ${zone:sqlstring})").count()
                    + sql.matches("toDate($__toTime, ${zone:sqlstring})").count();
                assert_eq!(
                    chosen,
                    sql.matches("Time,").count(),
                    "{}: a day of another zone",
                    dashboard.place(panel)
                );
            }
        }
    }
}

#[test]
fn answers_behind_a_figure_are_those_of_as_many_days() {
    // Today is one of them.
    let days = "&from=now-${window}d%2B1d&to=now";
    let mut links = 0;
    for dashboard in dashboards() {
        let to_answers =
            all_texts(&dashboard.json).into_iter().filter(|t| t.starts_with("/d/sarafan-responses"));
        for url in to_answers {
            links += 1;
            assert!(url.ends_with(days), "{}: {url}", dashboard.name);
        }
        if dashboard.name == "responses" {
            assert_eq!(dashboard.json["time"]["from"], "now-29d");
        }
    }
    assert!(links >= 2, "only {links} links");
}

#[test]
fn a_loss_is_drawn_below_zero() {
    for dashboard in dashboards() {
        for panel in dashboard
            .panels()
            .into_iter()
            .filter(|panel| text(panel, "title").contains("Value at the same age"))
        {
            assert!(panel["fieldConfig"]["defaults"]["min"].is_null(), "{}", dashboard.place(panel));
        }
    }
}

#[test]
fn every_panel_of_nps_says_survey_population_and_n() {
    let mut seen = 0;
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let (place, title) = (dashboard.place(panel), text(panel, "title").trim_start_matches(NOTICE));
            if !title.starts_with("NPS") {
                continue;
            }
            seen += 1;
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

/// Colours of Okabe and Ito, that people with any colour vision tell apart, those of them that text needs darker, and grey for
/// what is not to be read.
const COLOURS: [&str; 9] =
    ["#0072B2", "#E69F00", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#A66F00", "#007A5A", "#8E8E8E"];

/// Grounds of panels: light and dark.
const GROUNDS: [&str; 2] = ["#FFFFFF", "#181B1F"];
/// Least contrast that large text and signs need (WCAG 2.2, 1.4.3 and 1.4.11).
const LEAST_CONTRAST: f64 = 3.0;

/// Every colour in a text.
fn colours(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c != '#' && !c.is_ascii_alphanumeric()).filter(|word| {
        word.len() == 7 && word.starts_with('#') && word[1..].chars().all(|c| c.is_ascii_hexdigit())
    })
}

#[test]
fn colours_are_told_apart_by_everybody() {
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            for colour in all_texts(panel).into_iter().flat_map(colours) {
                assert!(COLOURS.contains(&colour), "{}: {colour}", dashboard.place(panel));
            }
        }
    }
}

/// Relative luminance of WCAG 2.2.
fn luminance(colour: &str) -> f64 {
    let channel = |place: usize| {
        let value = f64::from(u8::from_str_radix(&colour[place..place + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn coloured_text_is_read_on_light_and_dark() {
    assert!((contrast("#FFFFFF", "#000000") - 21.0).abs() < 1e-9);
    let mut seen = 0;
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let overrides = list(&panel["fieldConfig"], "overrides").iter();
            let coloured = overrides.filter(|found| {
                list(found, "properties").iter().any(|property| property["value"]["type"] == "color-text")
            });
            let mut texts: Vec<&str> = coloured.flat_map(all_texts).chain(queries(panel, "rawSql")).collect();
            if panel["type"] == "stat" {
                texts.extend(all_texts(&panel["fieldConfig"]));
            }
            for colour in texts.into_iter().flat_map(colours) {
                seen += 1;
                let least =
                    GROUNDS.iter().map(|ground| contrast(colour, ground)).fold(f64::INFINITY, f64::min);
                assert!(least >= LEAST_CONTRAST, "{}: {colour}, {least:.2}", dashboard.place(panel));
                let is_small = panel["type"] == "table";
                let grey = is_small && colour == "#8E8E8E";
                assert!(!grey, "{}: small grey text", dashboard.place(panel));
            }
        }
    }
    assert!(seen >= 30, "only {seen}");
}
