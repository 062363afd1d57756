//! What `[deployment]` and `[[benchmark]]` may say.

use sarafan_core::definitions::{
    Definitions, DimensionKind, DimensionSection, FieldNames, MetricsSection, Scale, SurveyKind,
    SurveySection,
};
use sarafan_store::{BenchmarkKind, BenchmarkMetric, BenchmarkSection, DeploymentSection, Presentation};

/// A target of the survey `s` as a whole.
fn target() -> BenchmarkSection {
    BenchmarkSection {
        name: "ours".to_owned(),
        kind: BenchmarkKind::Target,
        survey: "s".to_owned(),
        dimension: "all".to_owned(),
        segment: "all".to_owned(),
        metric: BenchmarkMetric::Nps,
        value: 60.0,
        from: "2026-01-01".to_owned(),
        to: Some("2026-06-30".to_owned()),
        source: String::new(),
    }
}

fn definitions() -> Definitions {
    let survey = |id: &str, scale| SurveySection {
        id: id.to_owned(),
        kind: SurveyKind::Relational,
        scale,
        headline: false,
        band: Default::default(),
    };
    let dimension = |name: &str, kind| DimensionSection {
        name: name.to_owned(),
        kind,
        field: FieldNames::One(
            if kind == DimensionKind::Customer { "attributes.tier" } else { "channel" }.to_owned(),
        ),
    };
    let dimensions = [dimension("tier", DimensionKind::Customer), dimension("channel", DimensionKind::Order)];
    let surveys = vec![survey("s", Scale::ZeroToTen), survey("stars", Scale::Other)];
    Definitions::resolve(MetricsSection::default(), surveys, &dimensions).unwrap()
}

/// Keys that are wrong.
fn wrong(benchmarks: Vec<BenchmarkSection>) -> Vec<String> {
    match Presentation::resolve(DeploymentSection::default(), benchmarks, &definitions()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.path).collect(),
    }
}

#[test]
fn what_no_figure_can_be_held_against_is_refused_by_key() {
    type Change = fn(&mut BenchmarkSection);
    let cases: [(&str, Change); 13] = [
        ("name", |b| b.name = " ".to_owned()),
        ("value", |b| b.value = 100.5),
        ("value", |b| b.value = f64::NAN),
        ("survey", |b| b.survey = "other".to_owned()),
        ("survey", |b| b.survey = "stars".to_owned()),
        ("dimension", |b| b.dimension = "region".to_owned()),
        ("dimension", |b| b.dimension = "channel".to_owned()),
        ("segment", |b| b.segment = "gold".to_owned()),
        ("segment", |b| b.dimension = "tier".to_owned()),
        ("from", |b| b.from = "01.01.2026".to_owned()),
        ("from", |b| b.from = "1969-12-31".to_owned()),
        ("to", |b| b.to = Some("2149-06-07".to_owned())),
        ("to", |b| b.to = Some("2025-12-31".to_owned())),
    ];
    assert!(wrong(vec![target()]).is_empty());
    for (key, change) in cases {
        let mut benchmark = target();
        change(&mut benchmark);
        assert_eq!(wrong(vec![benchmark]), [format!("benchmark[0].{key}")]);
    }
}

#[test]
fn a_segment_has_one_target_on_a_day() {
    let next = |from: &str, to: Option<&str>| BenchmarkSection {
        name: "next".to_owned(),
        from: from.to_owned(),
        to: to.map(str::to_owned),
        ..target()
    };
    assert!(wrong(vec![target(), next("2026-07-01", None)]).is_empty());
    assert_eq!(wrong(vec![target(), next("2026-06-30", None)]), ["benchmark[1].from"]);
    assert_eq!(wrong(vec![target(), next("2025-01-01", Some("2026-01-01"))]), ["benchmark[1].from"]);
    assert_eq!(wrong(vec![next("2026-07-01", None), next("2027-01-01", None)]), ["benchmark[1].from"]);
    let gold = BenchmarkSection { dimension: "tier".to_owned(), segment: "gold".to_owned(), ..target() };
    let industry = BenchmarkSection { kind: BenchmarkKind::Industry, ..next("2026-01-01", None) };
    assert!(wrong(vec![target(), gold, industry]).is_empty());
}

#[test]
fn a_name_stands_once_for_a_segment_and_a_first_day() {
    let industry = BenchmarkSection { kind: BenchmarkKind::Industry, ..target() };
    assert_eq!(wrong(vec![industry.clone(), industry.clone()]), ["benchmark[1].name"]);
    let later = BenchmarkSection { from: "2026-02-01".to_owned(), ..industry.clone() };
    assert!(wrong(vec![industry, later]).is_empty());
}

#[test]
fn everything_wrong_is_told_at_once() {
    let deployment = DeploymentSection { name: String::new(), ..DeploymentSection::default() };
    let benchmark = BenchmarkSection { value: 101.0, from: "soon".to_owned(), ..target() };
    let errors = Presentation::resolve(deployment, vec![benchmark], &definitions()).unwrap_err();
    let paths: Vec<_> = errors.into_iter().map(|error| error.path).collect();
    assert_eq!(paths, ["deployment.name", "benchmark[0].value", "benchmark[0].from"]);
}
