//! Where panels stand, and what they are known by.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::files::{Dashboard, dashboards, list, text};

/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;
/// Rows of the grid that are seen at 1920 x 1080 without scrolling: a row is 30 pixels high with 8 between two, and the header
/// and the row of variables take 150.
const SCREEN_ROWS: u64 = 24;
/// Panels that one look takes in.
const MOST_PANELS: usize = 14;

/// Left, top, right and bottom edge of a panel, in units of the grid.
fn edges(panel: &Value) -> [u64; 4] {
    let of = |key| panel["gridPos"][key].as_u64().unwrap();
    [of("x"), of("y"), of("x") + of("w"), of("y") + of("h")]
}

fn overlap(one: &Value, other: &Value) -> bool {
    let ([left, top, right, bottom], [l, t, r, b]) = (edges(one), edges(other));
    left < r && l < right && top < b && t < bottom
}

#[test]
fn panels_stand_in_the_grid_and_beside_one_another() {
    for dashboard in dashboards() {
        // Panels of a collapsed row stand where they will once it is opened: they are held against one another alone.
        let opened = list(&dashboard.json, "panels");
        let groups = std::iter::once(opened).chain(opened.iter().map(|panel| list(panel, "panels")));
        for group in groups {
            for (place, panel) in group.iter().enumerate() {
                let [left, top, right, bottom] = edges(panel);
                assert!(left < right && top < bottom && right <= COLUMNS, "{}", dashboard.place(panel));
                for other in &group[..place] {
                    assert!(
                        !overlap(panel, other),
                        "{} covers {}",
                        dashboard.place(panel),
                        dashboard.place(other)
                    );
                }
            }
        }
    }
}

#[test]
fn the_executive_dashboard_is_one_screen() {
    let all = dashboards();
    let executive = all.iter().find(|dashboard| dashboard.name == "executive").unwrap();
    let panels = executive.panels();
    assert!(panels.len() <= MOST_PANELS, "{} panels", panels.len());
    let lowest = panels.iter().map(|panel| edges(panel)[3]).max().unwrap();
    assert!(lowest <= SCREEN_ROWS, "it is {lowest} rows high");
}

#[test]
fn what_a_link_or_a_reader_knows_them_by_is_unique() {
    let all = dashboards();
    let uids: BTreeSet<&str> = all.iter().map(|dashboard| text(&dashboard.json, "uid")).collect();
    assert_eq!(uids.len(), all.len());
    for dashboard in &all {
        assert_eq!(text(&dashboard.json, "uid"), format!("sarafan-{}", dashboard.name));
        let rows = list(&dashboard.json, "panels").iter().filter(|panel| panel["type"] == "row");
        let ids: Vec<u64> =
            dashboard.panels().into_iter().chain(rows).map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{}", dashboard.name);
        let titles: BTreeSet<&str> =
            dashboard.panels().into_iter().map(|panel| text(panel, "title")).collect();
        assert_eq!(titles.len(), dashboard.panels().len(), "{}: two panels have one title", dashboard.name);
    }
}

#[test]
fn links_between_dashboards_lead_to_one_and_set_variables_that_it_has() {
    let all = dashboards();
    let mut links = 0;
    for dashboard in &all {
        assert!(
            list(&dashboard.json, "links").iter().any(|link| link["tags"][0] == "sarafan"),
            "{}",
            dashboard.name
        );
        assert_eq!(dashboard.json["tags"][0], "sarafan");
        let urls =
            crate::files::all_texts(&dashboard.json).into_iter().filter(|text| text.starts_with("/d/"));
        for url in urls {
            links += 1;
            let (path, query) = url.split_once('?').unwrap();
            let target = all.iter().find(|target| path == format!("/d/{}", text(&target.json, "uid")));
            let target: &Dashboard =
                target.unwrap_or_else(|| panic!("{}: {url} leads nowhere", dashboard.name));
            for (key, _) in query.split('&').map(|pair| pair.split_once('=').unwrap()) {
                let Some(name) = key.strip_prefix("var-") else {
                    assert!(["from", "to"].contains(&key), "{url}");
                    continue;
                };
                let known = target.variables().iter().any(|variable| variable["name"] == name);
                assert!(known, "{}: {} has no variable {name}", dashboard.name, target.name);
            }
        }
    }
    assert!(links >= 5, "only {links} links");
}
