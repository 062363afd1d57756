//! The page: its parts in order, every text escaped.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

use super::assets::{ECHARTS, SCRIPT, STYLE, policy};
use super::definitions::DEFINITIONS;
use super::figure::{Card, Column, Figure, Key, Section, Table};
use super::format;
use super::scope::{AnswersBy, CustomersBy, Scope};

/// The whole page.
pub(super) fn page(scope: &Scope, cards: &[Card], sections: &[Section], freshness: &Table) -> String {
    let title = format!("{}: how loyal customers are, {}", scope.deployment.name, format::day(scope.day));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) @if !scope.deployment.notice.is_empty() { " (" (scope.deployment.notice) ")" } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#headline" { "Skip to the figures" }
                (header(scope, sections))
                main {
                    (headline(cards))
                    @for section in sections { (subject(section, &scope.deployment.notice)) }
                    (sources(freshness))
                    (meanings())
                }
                footer {
                    p { "Made by Sarafan from the views of the database. The page holds all it needs and sends nothing anywhere." }
                }
                script type="application/json" id="report-data" { (PreEscaped(data(sections))) }
                script { (PreEscaped(ECHARTS)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn header(scope: &Scope, sections: &[Section]) -> Markup {
    let deployment = &scope.deployment;
    html! {
        header {
            @if !deployment.notice.is_empty() { p.notice role="note" { (deployment.notice) } }
            h1 { (deployment.name) ": how loyal customers are" }
            p.lead {
                "Figures of " strong { (format::day(scope.day)) } " (" (deployment.timezone) "). "
                @match &deployment.data_as_of {
                    Some(instant) => { "Data as of " strong { (instant.trim()) " UTC" } "." }
                    None => "No data has arrived yet.",
                }
                @if scope.is_past() { " With today's knowledge: corrections since then are in." }
            }
            p.lead { "Survey " strong { (scope.survey) } ", " (scope.whose()) ". " (cut(scope)) }
            nav aria-label="Contents" {
                ul {
                    @for section in sections { li { a href=(format!("#{}", section.id)) { (section.title) } } }
                    li { a href="#sources" { "Sources" } }
                    li { a href="#definitions" { "What the figures mean" } }
                }
            }
        }
    }
}

fn cut(scope: &Scope) -> String {
    let answers = match &scope.answers_by {
        AnswersBy::Every => "segments of every dimension".to_owned(),
        AnswersBy::One(name) => format!("segments of {name}"),
        AnswersBy::Nothing(_) => "no segments".to_owned(),
    };
    let customers = match &scope.customers_by {
        CustomersBy::One(name) => format!("by {name}"),
        CustomersBy::Nothing(_) => "as a whole".to_owned(),
    };
    format!("Answers: {answers}; customers: {customers}.")
}

fn headline(cards: &[Card]) -> Markup {
    html! {
        section id="headline" aria-labelledby="headline-title" {
            h2.unseen id="headline-title" { "Headline" }
            div.cards {
                @for card in cards {
                    article.card {
                        h3 { (card.label) }
                        p.value { (card.value) @if !card.unit.is_empty() { " " span.unit { (card.unit) } } }
                        p.sure { (card.sure) }
                        ul { @for line in &card.lines { li { (line) } } }
                    }
                }
            }
        }
    }
}

fn subject(section: &Section, notice: &str) -> Markup {
    let title = format!("{}-title", section.id);
    html! {
        section id=(section.id) aria-labelledby=(title) {
            h2 id=(title) { (section.title) }
            p.intro { (section.intro) }
            div.figures { @for figure in &section.figures { (chart(figure, notice)) } }
        }
    }
}

fn chart(figure: &Figure, notice: &str) -> Markup {
    html! {
        figure.{ "f-" (figure.id) } {
            figcaption {
                h3 { (figure.title) @if !notice.is_empty() { " " span.mark { (notice) } } }
                @if !figure.about.is_empty() { p.about { (figure.about) } }
            }
            @if !figure.legend.is_empty() { ul.legend { @for key in &figure.legend { (legend(key)) } } }
            @if !figure.data.is_null() {
                div.chart data-chart=(figure.id) role="img" aria-label=(figure.summary) {}
            }
            p.note { (figure.note) }
            @if !figure.table.rows.is_empty() {
                // Open, so that whoever has no scripts sees the figures; the script closes what it has drawn.
                details open { summary { "Table: " (figure.table.caption) } (table(&figure.table)) }
            }
        }
    }
}

fn legend(key: &Key) -> Markup {
    html! { li { span.key.(key.mark) aria-hidden="true" {} (key.text) } }
}

fn table(table: &Table) -> Markup {
    html! {
        // What is wider than the page scrolls in itself, also by keyboard.
        div.scroll tabindex="0" role="region" aria-label=(table.caption) {
            table {
                caption.unseen { (table.caption) }
                thead { tr { @for column in &table.columns { (heading(*column)) } } }
                tbody { @for row in &table.rows { tr { (cells(table, row)) } } }
            }
        }
    }
}

fn heading(column: Column) -> Markup {
    match column {
        Column::Text(title) => html! { th scope="col" { (title) } },
        Column::Number(title) => html! { th.number scope="col" { (title) } },
    }
}

fn cells(table: &Table, row: &[String]) -> Markup {
    html! {
        @for (place, (value, column)) in row.iter().zip(&table.columns).enumerate() {
            @match (place, column) {
                (0, Column::Text(_)) => th scope="row" { (value) },
                (0, Column::Number(_)) => th.number scope="row" { (value) },
                (_, Column::Text(_)) => td { (value) },
                (_, Column::Number(_)) => td.number { (value) },
            }
        }
    }
}

fn sources(freshness: &Table) -> Markup {
    html! {
        section id="sources" aria-labelledby="sources-title" {
            h2 id="sources-title" { "Sources" }
            p.intro { "What has arrived, and when." }
            @if freshness.rows.is_empty() { p.note { "Nothing has arrived yet." } } @else { (table(freshness)) }
        }
    }
}

fn meanings() -> Markup {
    html! {
        section id="definitions" aria-labelledby="definitions-title" {
            h2 id="definitions-title" { "What the figures mean" }
            p.intro { "METRICS is schemas/METRICS.md of the project, with every formula." }
            dl {
                @for definition in &DEFINITIONS {
                    div {
                        dt { (definition.term) }
                        dd { (definition.meaning) " " span.source { (definition.section) } }
                    }
                }
            }
        }
    }
}

/// What the charts draw, as JSON that cannot end the element it stands in.
fn data(sections: &[Section]) -> String {
    let figures = sections.iter().flat_map(|section| &section.figures);
    let drawn = figures.filter(|figure| !figure.data.is_null());
    let charts: Map<String, Value> = drawn.map(|f| (f.id.to_owned(), f.data.clone())).collect();
    Value::Object(charts).to_string().replace('<', "\\u003c")
}
