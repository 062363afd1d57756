//! `sarafan report --html`: the figures as one page that needs nothing but a browser, for whoever reads mail rather than
//! dashboards.
//!
//! What is read from the views becomes [`Figure`]s, a chart with its table each; `layout` makes the page of them. Charts
//! are drawn in the browser by Apache ECharts, which stands in the page with everything else. Without scripts, the tables
//! are what is seen.

mod assets;
mod cards;
mod definitions;
mod figure;
mod format;
mod freshness;
mod layout;
mod nps;
mod repeat;
mod rows;
mod scope;
mod segments;
mod value;

#[cfg(test)]
mod tests;

use sarafan_core::definitions::Definitions;
use sarafan_store::Store;

use crate::figures::Choice;
use figure::Section;
use scope::Scope;

/// Reads the views and makes the page.
///
/// # Errors
///
/// What could not be read, and why.
pub(crate) async fn page(
    store: &Store,
    definitions: &Definitions,
    choice: &Choice,
) -> anyhow::Result<String> {
    let scope = Scope::read(store, definitions, choice).await?;
    let nps = nps::Nps::read(store, &scope).await?;
    let repeat = repeat::Repeat::read(store, &scope).await?;
    let value = value::Value::read(store, &scope).await?;
    let cards = cards::cards(store, &scope, &nps, &repeat, &value).await?;
    let mut answers = nps.figures(&scope);
    answers.push(segments::read(store, &scope).await?);
    let sections = vec![
        Section {
            id: "nps",
            title: "Net Promoter Score",
            intro: "How likely customers are to recommend us.",
            figures: answers,
        },
        Section {
            id: "repeat",
            title: "Repeat purchases",
            intro: "How many customers come back, and how soon.",
            figures: repeat.figures(&scope),
        },
        Section {
            id: "value",
            title: "Lifetime value",
            intro: "What customers have been worth so far, and at the same age.",
            figures: value.figures(&scope),
        },
    ];
    let freshness = freshness::read(store).await?;
    Ok(layout::page(&scope, &cards, &sections, &freshness))
}
