//! The page without a store: its structure, and what names can do to it.

use sarafan_core::definitions::{Definitions, DimensionSection};
use serde_json::{Value, json};

use super::assets::ECHARTS;
use super::figure::{Card, Column, Figure, Section, Table};
use super::layout;
use super::scope::{AnswersBy, CustomersBy, Deployment, Scope};
use super::segments::{self, Segment};
use crate::figures::Choice;

const EVIL: &str = "</script><script>alert(\"1\")</script> & 'co'";

fn deployment(notice: &str) -> Deployment {
    let row = json!({
        "name": "Shop <b>", "notice": notice, "headline_survey": "relation", "headline_population": "customers",
        "window_days": 30, "windows": [7, 30], "today": "2026-11-22", "timezone": "UTC", "currency": "EUR",
        "data_as_of": "22 Nov 2026, 10:00",
    });
    serde_json::from_value(row).unwrap()
}

fn definitions() -> Definitions {
    let section = |text: &str| -> toml::Table { text.parse().unwrap() };
    let text = "[[survey]]\nid = 'relation'\nkind = 'relational'\n[[survey]]\nid = 'delivery'\nkind = 'transactional'\n\
                [[dimension]]\nname = 'month'\nkind = 'customer'\nfield = 'cohort_month'\n\
                [[dimension]]\nname = 'tier'\nkind = 'customer'\nfield = 'attributes.tier'\n\
                [[dimension]]\nname = 'store'\nkind = 'order'\nfield = 'store'\n\
                [[dimension]]\nname = 'channel'\nkind = 'response'\nfield = 'channel'\n";
    let table = section(text);
    let list = |key: &str| table[key].clone();
    Definitions::resolve(
        toml::Table::new().try_into().unwrap(),
        list("survey").try_into().unwrap(),
        &list("dimension").try_into::<Vec<DimensionSection>>().unwrap(),
    )
    .unwrap()
}

fn scope(notice: &str, choice: &Choice) -> Scope {
    Scope::of(deployment(notice), &definitions(), choice)
}

fn segment(dimension: &str, name: &str, responses: f64, nps: f64) -> Segment {
    let row = json!({
        "dimension": dimension, "segment": name, "responses": responses, "nps": nps, "low": nps - 5.0, "high": nps + 5.0,
        "change": 1.5, "significant": true, "target": null,
    });
    serde_json::from_value(row).unwrap()
}

fn page(notice: &str) -> String {
    let scope = scope(notice, &Choice::default());
    let whole = vec![segment("all", "all", 200.0, 30.0)];
    let figure = segments::figure(
        &scope,
        whole,
        vec![segment("tier", EVIL, 99.0, 40.0), segment("tier", "few", 9.0, 0.0)],
    );
    let nothing = Figure::empty("curves", "Nothing yet", "Nobody bought anything.");
    let card = Card {
        label: "NPS",
        value: EVIL.to_owned(),
        unit: EVIL.to_owned(),
        sure: EVIL.to_owned(),
        lines: vec![EVIL.to_owned()],
    };
    let section = Section { id: "nps", title: "NPS", intro: "How", figures: vec![figure, nothing] };
    let sources = Table {
        caption: EVIL.to_owned(),
        columns: vec![Column::Text("Source")],
        rows: vec![vec![EVIL.to_owned()]],
    };
    layout::page(&scope, &[card], &[section], &sources)
}

fn embedded(page: &str) -> Value {
    let from = page.split_once("id=\"report-data\">").unwrap().1;
    serde_json::from_str(from.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn no_name_becomes_markup() {
    let page = page(EVIL);
    assert!(!page.contains("<script>alert") && !page.contains("Shop <b>"));
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; 'co'"));
    assert_eq!(page.matches("<script").count(), 3, "data, library, drawing");
    assert_eq!(embedded(&page)["nps-segments"]["segments"][0]["segment"], EVIL);
}

#[test]
fn a_chart_has_words_and_a_table_and_an_empty_one_says_why() {
    let page = page("");
    for expected in [
        "<html lang=\"en\">",
        "<title>",
        "<main>",
        "<header>",
        "<footer>",
        "<nav aria-label=",
        "name=\"viewport\"",
    ] {
        assert_eq!(page.matches(expected).count(), 1, "{expected}");
    }
    assert_eq!(page.matches("data-chart=").count(), 1);
    assert!(page.contains("role=\"img\" aria-label=\"Best tier: "), "the chart in a sentence");
    assert!(page.contains("Not ranked, with fewer answers: 1."));
    let (drawn, nothing) = page.split_once("f-curves").unwrap();
    assert!(
        drawn.contains("<details open>") && drawn.contains("<th scope=\"row\">few</th>"),
        "all segments are in the table"
    );
    assert!(nothing.contains("Nobody bought anything.") && !nothing.contains("<details"));
    assert_eq!(embedded(&page).as_object().unwrap().len(), 1, "nothing is embedded that is not drawn");
}

#[test]
fn a_notice_stands_on_the_page_and_on_every_chart() {
    assert_eq!(page("SYNTHETIC").matches(">SYNTHETIC<").count(), 3, "the page and two figures");
    assert!(!page("").contains("class=\"notice\"") && !page("").contains("class=\"mark\""));
}

#[test]
fn the_page_names_no_place_that_could_be_fetched() {
    let page = page("");
    assert!(page.contains("default-src 'none'; script-src 'sha256-"));
    let elsewhere: Vec<&str> = page
        .match_indices("http")
        .map(|(at, _)| &page[at..page.len().min(at + 24)])
        .filter(|url| url.contains("://"))
        .collect();
    assert!(elsewhere.iter().all(|url| url.starts_with("http://www.w3.org/")), "{elsewhere:?}");
    // The library has url(#...) and src= for pictures that it is not asked to draw.
    let page = page.replace(ECHARTS, "");
    assert!(!page.contains(" src=") && !page.contains("url(") && !page.contains("@import"));
    assert_eq!(page.matches("href=\"").count(), page.matches("href=\"#").count(), "links stay on the page");
}

#[test]
fn what_a_dimension_does_not_cut_is_shown_as_a_whole() {
    let with = |dimension: Option<&str>| {
        let choice = Choice { dimension: dimension.map(str::to_owned), ..Choice::default() };
        let scope = scope("", &choice);
        (scope.answers_by, scope.customers_by)
    };
    let of = |name: &str| CustomersBy::One(name.to_owned());
    assert_eq!(with(None), (AnswersBy::Every, of("tier")), "not by the month of the first purchase");
    assert_eq!(with(Some("tier")), (AnswersBy::One("tier".to_owned()), of("tier")));
    assert!(matches!(with(Some("channel")), (AnswersBy::One(_), CustomersBy::Nothing(_))));
    assert!(matches!(with(Some("store")), (AnswersBy::Nothing(_), CustomersBy::Nothing(_))));
    assert!(matches!(with(Some("all")), (AnswersBy::Nothing(_), CustomersBy::Nothing(_))));
}

#[test]
fn a_survey_is_read_by_the_population_of_its_kind_and_a_day_by_the_views_that_know_it() {
    let choice = Choice {
        survey: Some("delivery".to_owned()),
        dimension: None,
        as_of: Some("2026-06-30".parse().unwrap()),
    };
    let past = scope("", &choice);
    assert_eq!((past.survey.as_str(), past.population.as_str()), ("delivery", "responses"));
    assert!(past.nps_of(30).contains("nps_at(as_of = '2026-06-30', window_days = 30)"));
    assert!(past.only_now().starts_with("As of now (22 Nov 2026)"));
    let now = scope("", &Choice::default());
    assert_eq!((now.survey.as_str(), now.population.as_str()), ("relation", "customers"));
    assert!(now.only_now().is_empty() && now.funnel() == "repeat_funnel");
}
