//! `sarafan report --html`: the figures as one page that needs nothing but a browser, for whoever reads mail rather than
//! dashboards.
//!
//! What is read from the views becomes [`Figure`]s, a chart with its table each; `layout` makes the page of them. Charts
//! are drawn in the browser by Apache ECharts, which stands in the page with everything else. Without scripts, the tables
//! are what is seen.

mod activity;
mod assets;
mod at_age;
mod cards;
mod cohorts;
mod curves;
mod definitions;
mod figure;
mod format;
mod freshness;
mod funnel;
mod layout;
mod ltv;
mod rows;
mod sales;
mod scope;
mod scores;
mod segments;
mod trend;
mod windows;

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
    let windows = windows::Windows::read(store, &scope).await?;
    let funnel = funnel::Funnel::read(store, &scope).await?;
    let ltvs = ltv::Ltvs::read(store, &scope).await?;
    let at_ages = at_age::AtAges::read(store, &scope).await?;
    let cards = cards::cards(store, &scope, &windows, &funnel, (&ltvs, &at_ages)).await?;
    let sections = vec![
        Section {
            id: "nps",
            title: "Net Promoter Score",
            intro: "How likely customers are to recommend us.",
            figures: vec![
                trend::read(store, &scope).await?,
                windows.figure(&scope),
                scores::read(store, &scope).await?,
                segments::read(store, &scope).await?,
            ],
        },
        Section {
            id: "repeat",
            title: "Repeat purchases",
            intro: "How many customers come back, and how soon.",
            figures: vec![
                funnel.figure(),
                curves::read(store, &scope, &funnel).await?,
                activity::read(store, &scope).await?,
            ],
        },
        Section {
            id: "value",
            title: "Lifetime value",
            intro: "What customers have been worth so far, and at the same age.",
            figures: vec![
                ltvs.figure(&scope),
                at_ages.figure(&scope, &ltvs),
                cohorts::read(store, &scope).await?,
            ],
        },
    ];
    let freshness = freshness::read(store).await?;
    Ok(layout::page(&scope, &cards, &sections, &freshness))
}
