//! The numbers to look at first.

use sarafan_store::Store;
use serde::Deserialize;

use super::at_age::AtAges;
use super::figure::Card;
use super::format::{NONE, change, count, decimal, interval, percent, points};
use super::funnel::Funnel;
use super::ltv::Ltvs;
use super::rows::rows;
use super::sales::Sales;
use super::scope::Scope;
use super::windows::{Window, Windows, no_answers};

/// The five numbers.
pub(super) async fn cards(
    store: &Store,
    scope: &Scope,
    windows: &Windows,
    funnel: &Funnel,
    (ltvs, at_ages): (&Ltvs, &AtAges),
) -> anyhow::Result<Vec<Card>> {
    let window = windows.headline(scope);
    Ok(vec![
        score(scope, window, year_ago(store, scope).await?),
        response_rate(scope, window),
        repeaters(funnel),
        worth(scope, ltvs, at_ages),
        revenue(scope, Sales::read(store, scope).await?.as_ref()),
    ])
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct YearAgo {
    nps: Option<f64>,
    responses: f64,
}

/// The same window a year before, if anybody answered then.
async fn year_ago(store: &Store, scope: &Scope) -> anyhow::Result<Option<YearAgo>> {
    let sql = format!(
        "SELECT nps, toFloat64(n.responses) AS responses FROM nps_at(as_of = toDate('{}') - INTERVAL 1 YEAR, window_days = {}) AS n \
         WHERE dimension = 'all' AND survey = {{survey:String}} AND population = {{population:String}}",
        scope.day, scope.deployment.window_days
    );
    let parameters = [("survey", scope.survey.as_str()), ("population", &scope.population)];
    Ok(rows(store, &sql, &parameters).await?.into_iter().next())
}

fn score(scope: &Scope, window: Option<&Window>, year_ago: Option<YearAgo>) -> Card {
    let label = "Net Promoter Score";
    let Some(w) = window.filter(|w| w.responses > 0.0) else {
        let lines = vec![no_answers(scope)];
        return Card {
            label,
            value: NONE.to_owned(),
            unit: String::new(),
            sure: "no answers".to_owned(),
            lines,
        };
    };
    let mut lines = vec![
        format!("n\u{a0}=\u{a0}{}, {}", count(w.responses), scope.whose()),
        format!("{}, {}", w.survey, scope.period(w.window_days)),
    ];
    lines.push(match w.change {
        Some(_) => format!(
            "{} on the {} days before ({})",
            change(w.change),
            w.window_days,
            if w.significant { "significant" } else { "not significant" }
        ),
        None => format!("no answers in the {} days before", w.window_days),
    });
    if let Some(then) = year_ago.filter(|then| then.nps.is_some()) {
        lines.push(format!("{} a year ago (n\u{a0}=\u{a0}{})", points(then.nps), count(then.responses)));
    }
    lines.push(match w.target {
        Some(_) => format!("target {}, band {}", points(w.target), w.band),
        None => format!("band {}", w.band),
    });
    let sure = format!("95% interval {}", interval(w.nps_low, w.nps_high, points));
    Card { label, value: points(w.nps), unit: String::new(), sure, lines }
}

fn response_rate(scope: &Scope, window: Option<&Window>) -> Card {
    let label = "Response rate";
    let Some(w) = window.filter(|w| w.delivered > 0.0) else {
        let lines = vec![format!(
            "No invitation of the {} was delivered long enough ago.",
            scope.period(scope.deployment.window_days)
        )];
        return Card {
            label,
            value: NONE.to_owned(),
            unit: String::new(),
            sure: "no invitations".to_owned(),
            lines,
        };
    };
    let lines = vec![
        format!("{}, {}", w.survey, scope.period(w.window_days)),
        format!("{} more are too young to tell", count(w.pending)),
    ];
    let sure = format!("{} of {} invitations delivered", count(w.answered), count(w.delivered));
    Card { label, value: percent(w.response_rate), unit: String::new(), sure, lines }
}

fn repeaters(funnel: &Funnel) -> Card {
    let label = "Customers who came back";
    let Some(first) = funnel.first() else {
        let lines = vec!["No customer has bought anything yet.".to_owned()];
        return Card {
            label,
            value: NONE.to_owned(),
            unit: String::new(),
            sure: "no customers".to_owned(),
            lines,
        };
    };
    let within = |days| {
        let (value, low, high) = first.within(days);
        let sure = interval(low, high, percent);
        value.map(|_| format!("{} within {days} days (95% {sure})", percent(value)))
    };
    let sure = format!("{} of {} bought again", count(first.next_customers), count(first.customers));
    let lines = [within(90), within(365)].into_iter().flatten();
    let lines = lines.chain(["Within: Kaplan-Meier, from the first purchase".to_owned()]).collect();
    Card { label, value: percent(Some(first.conversion)), unit: String::new(), sure, lines }
}

fn worth(scope: &Scope, ltvs: &Ltvs, at_ages: &AtAges) -> Card {
    let label = "Lifetime value so far";
    let Some(whole) = ltvs.whole() else {
        let lines = vec!["No customer has bought anything yet.".to_owned()];
        return Card {
            label,
            value: NONE.to_owned(),
            unit: String::new(),
            sure: "no customers".to_owned(),
            lines,
        };
    };
    let currency = &scope.deployment.currency;
    let mut lines = vec![format!(
        "{} customers, {} purchases in {currency}",
        count(whole.customers),
        count(whole.purchases)
    )];
    lines.extend([90, 365].into_iter().filter_map(|age| {
        let at = at_ages.whole_at(age)?;
        let margin = decimal(at.margin_per_customer, 2);
        Some(format!("{margin} {currency} by day {age} (n\u{a0}=\u{a0}{})", count(at.customers)))
    }));
    let now = scope.only_now();
    lines.extend((!now.is_empty()).then(|| now.trim_end().to_owned()));
    let sure = "margin to date, a customer".to_owned();
    Card { label, value: decimal(whole.ltv, 2), unit: currency.clone(), sure, lines }
}

fn revenue(scope: &Scope, sales: Option<&Sales>) -> Card {
    let label = "Revenue";
    let days = scope.deployment.window_days;
    let Some(sales) = sales.filter(|_| !scope.deployment.currency.is_empty()) else {
        let lines = vec!["No order counts yet.".to_owned()];
        return Card {
            label,
            value: NONE.to_owned(),
            unit: String::new(),
            sure: "no orders".to_owned(),
            lines,
        };
    };
    let lines = vec![
        match sales.growth() {
            Some(growth) => format!("{}% on the {days} days before", change(Some(100.0 * growth))),
            None => format!("none in the {days} days before"),
        },
        format!("{} orders, guests included, refunds taken off", sales.orders()),
    ];
    let (value, unit) = sales.revenue(&scope.deployment.currency);
    Card { label, value, unit, sure: scope.period(days), lines }
}
