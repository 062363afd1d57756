//! A store of its own for each test: migrated, with a live epoch, and rows written by hand.

use std::sync::Arc;

use sarafan_core::definitions::{
    Definitions, DimensionKind, DimensionSection, FieldNames, MetricsSection, Scale, SurveyKind,
    SurveySection,
};
use sarafan_core::rollup::Rollup;
use sarafan_core::table::{Table, TableSpec, Value};
use sarafan_localstack::testing::{shared, unique_name};
use sarafan_store::{ClickHouseSection, Rows, Store};

/// The incarnation that worlds are in.
pub(crate) const INCARNATION: u64 = 99;

/// Columns by name; those that are left out are NULL, zero or empty.
pub(crate) type Row<'a> = Vec<(&'a str, Value)>;

/// A term of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(crate) partition: u16,
    pub(crate) number: u32,
    pub(crate) owner: u64,
    pub(crate) incarnation: u64,
}

/// The first term of partition 0.
pub(crate) const TERM: Term = Term { partition: 0, number: 1, owner: 5, incarnation: INCARNATION };

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) epoch: u64,
}

impl World {
    /// Migrated, without an epoch.
    pub(crate) async fn unborn() -> Self {
        let section = ClickHouseSection {
            url: shared().clickhouse_url(),
            database: unique_name("views"),
            store_database: unique_name("store"),
            ..ClickHouseSection::default()
        };
        let store = Store::new(&section).unwrap();
        store.migrate().await.unwrap();
        Self { store, epoch: 0 }
    }

    /// With a live epoch: windows of 7 and 30 days, surveys `s` (headline) and `stars` (another scale), a customer
    /// dimension `tier`, an order dimension `channel` and a response dimension `touchpoint`.
    pub(crate) async fn new() -> Self {
        let mut world = Self::unborn().await;
        let definitions = definitions();
        world.store.register_epoch(&definitions).await.unwrap();
        world.store.set_live_epoch(definitions.epoch).await.unwrap();
        world.store.set_incarnation(INCARNATION).await.unwrap();
        world.epoch = definitions.epoch.0;
        world
    }

    /// Writes rows of a table as one block; the live epoch and version 1 unless a row says otherwise.
    pub(crate) async fn put(&self, spec: &Arc<TableSpec>, rows: Vec<Row<'_>>) {
        let mut table = Table::new(spec);
        for row in rows {
            for (name, _) in &row {
                assert!(spec.columns.iter().any(|c| c.name == *name), "{} has no column {name}", spec.name);
            }
            let value = |name: &str| match row.iter().find(|(n, _)| *n == name) {
                Some((_, value)) => value.clone(),
                None if name == "epoch" => Value::Int(self.epoch.into()),
                None if name == "version" => Value::Int(1),
                None => Value::Null,
            };
            table.push(spec.columns.iter().map(|column| value(column.name)).collect::<Vec<_>>());
        }
        self.store.insert(&table).await.unwrap();
    }

    /// Writes cells under a term, of `('all', 'all')` unless a cell names another cut.
    pub(crate) async fn cells(&self, rollup: Rollup, term: Term, cells: Vec<Row<'_>>) {
        self.put(rollup.table(), cells.into_iter().map(|cell| whole(cell, term)).collect()).await;
    }

    /// Makes a term live in a rollup.
    pub(crate) async fn mark(&self, rollup: Rollup, term: Term) {
        let mut marker = under(term);
        marker.push(("marker", Value::Int(1)));
        self.put(rollup.table(), vec![marker]).await;
    }

    /// The same cell under several terms, as one block, and then their markers, as another.
    pub(crate) async fn live_under(&self, rollup: Rollup, terms: &[Term], cell: &Row<'_>) {
        self.put(rollup.table(), terms.iter().map(|term| whole(cell.clone(), *term)).collect()).await;
        let markers = terms.iter().map(|term| [under(*term), vec![("marker", Value::Int(1))]].concat());
        self.put(rollup.table(), markers.collect()).await;
    }

    /// Cells and the marker of the first term of partition 0.
    pub(crate) async fn live(&self, rollup: Rollup, cells: Vec<Row<'_>>) {
        self.cells(rollup, TERM, cells).await;
        self.mark(rollup, TERM).await;
    }

    /// The result of a query; `{store}` stands for the private database.
    pub(crate) async fn query(&self, sql: &str) -> Rows {
        let sql = sql.replace("{store}", self.store.store_database());
        match self.store.query(&sql, &[]).await {
            Ok(rows) => rows,
            Err(error) => panic!("{error}\n{sql}"),
        }
    }

    /// The rows of a query as texts, NULL as `-`, columns parted by a space.
    pub(crate) async fn lines(&self, sql: &str) -> Vec<String> {
        let found = self.query(sql).await;
        let line = |row: usize| {
            let texts = found.columns.iter().map(|c| found.text(row, &c.name).unwrap_or("-".to_owned()));
            texts.collect::<Vec<_>>().join(" ")
        };
        (0..found.rows.len()).map(line).collect()
    }

    /// The one row of a query, as numbers; NULL is `None`.
    pub(crate) async fn numbers(&self, sql: &str) -> Vec<Option<f64>> {
        let found = self.query(sql).await;
        assert_eq!(found.rows.len(), 1, "{sql}: {:?}", found.rows);
        let number = |name: &str| found.text(0, name).map(|text| text.parse::<f64>().unwrap());
        found.columns.iter().map(|column| number(&column.name)).collect()
    }

    /// Today in the reporting time zone, as the views take it.
    pub(crate) async fn today(&self) -> i64 {
        let found = self.numbers("SELECT toInt32(today) AS today FROM {store}.current").await;
        found[0].unwrap() as i64
    }
}

/// What [`World::new`] registers.
pub(crate) fn definitions() -> Definitions {
    let survey = |id: &str, scale, headline| SurveySection {
        id: id.to_owned(),
        kind: SurveyKind::Relational,
        scale,
        headline,
        band: Default::default(),
    };
    let dimension = |name: &str, kind, field: &str| DimensionSection {
        name: name.to_owned(),
        kind,
        field: FieldNames::One(field.to_owned()),
    };
    let metrics = MetricsSection {
        timezone: "Europe/Moscow".to_owned(),
        windows: vec![7, 30],
        ..MetricsSection::default()
    };
    let surveys = vec![survey("s", Scale::ZeroToTen, true), survey("stars", Scale::Other, false)];
    let dimensions = [
        dimension("tier", DimensionKind::Customer, "attributes.tier"),
        dimension("channel", DimensionKind::Order, "channel"),
        dimension("touchpoint", DimensionKind::Response, "touchpoint"),
    ];
    Definitions::resolve(metrics, surveys, &dimensions).unwrap()
}

/// A cell with the columns that it left out.
fn whole(mut cell: Row<'_>, term: Term) -> Row<'_> {
    if !cell.iter().any(|(name, _)| *name == "dimension") {
        cell.extend([("dimension", text("all")), ("segment", text("all"))]);
    }
    cell.extend(under(term));
    cell
}

fn under(term: Term) -> Row<'static> {
    vec![
        ("partition", Value::Int(term.partition.into())),
        ("term", Value::Int(term.number.into())),
        ("owner", Value::Int(term.owner.into())),
        ("incarnation", Value::Int(term.incarnation.into())),
    ]
}

pub(crate) fn text(text: &str) -> Value {
    Value::text(text)
}

pub(crate) fn texts(texts: &[&str]) -> Value {
    Value::Texts(texts.iter().map(|text| Arc::from(*text)).collect())
}

pub(crate) fn int(number: i64) -> Value {
    Value::Int(number.into())
}

/// Money from whole units.
pub(crate) fn money(whole: i64) -> Value {
    Value::Int(i128::from(whole) * 10_000)
}

pub(crate) fn monies(whole: &[i64]) -> Value {
    Value::Ints(whole.iter().map(|m| i128::from(*m) * 10_000).collect())
}

pub(crate) fn ints(numbers: &[i64]) -> Value {
    Value::Ints(numbers.iter().map(|n| i128::from(*n)).collect())
}

/// Days since 1970-01-01.
pub(crate) fn date(text: &str) -> i64 {
    let date: jiff::civil::Date = text.parse().unwrap();
    let since = jiff::civil::date(1970, 1, 1).until(date).unwrap();
    since.get_days().into()
}

pub(crate) fn day(text: &str) -> Value {
    int(date(text))
}

/// Noon of a day, in microseconds.
pub(crate) fn noon(text: &str) -> Value {
    int((date(text) * 24 + 12) * 3_600_000_000)
}

/// METRICS gives most numbers to three decimals.
#[track_caller]
pub(crate) fn assert_close(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a number, not NULL");
    assert!((found - expected).abs() < tolerance, "{found} is not {expected}");
}
