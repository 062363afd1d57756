//! `sarafan report`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::civil::Date;
use sarafan_store::{Rows, Store};
use serde_json::{Map, Value};

use super::block_on;
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::WrongUsage;
use crate::figures::{self, Choice, Section};
use crate::report_html;
use crate::terminal::{self, Output};

const EXAMPLES: &str = "\
Examples:
  sarafan report
  sarafan report nps --survey after_delivery --dimension region
  sarafan report nps funnel --as-of 2026-06-30 --format csv
  sarafan report ltv --format json
  sarafan report --html loyalty.html --dimension tier

Reads the views alone. --as-of speaks of that day with today's knowledge; lifetime value is always as of now.";

/// Arguments of `sarafan report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// What to show [default: all].
    #[arg(value_enum)]
    topics: Vec<Topic>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
    /// Only this survey.
    #[arg(long, value_name = "ID")]
    survey: Option<String>,
    /// Cut by this dimension of the configuration.
    #[arg(long, value_name = "NAME")]
    dimension: Option<String>,
    /// The figures of this day, such as 2026-06-30 [default: as of now].
    #[arg(long, value_name = "DAY")]
    as_of: Option<Date>,
    /// Write everything, with charts, as one page to this file, to be read in a browser or mailed.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["topics", "format"])]
    html: Option<PathBuf>,
}

impl Arguments {
    fn choice(&self) -> Choice {
        Choice { survey: self.survey.clone(), dimension: self.dimension.clone(), as_of: self.as_of }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Topic {
    /// Net Promoter Score
    Nps,
    /// Repeat-purchase funnel
    Funnel,
    /// Lifetime value
    Ltv,
}

const TOPICS: [Topic; 3] = [Topic::Nps, Topic::Funnel, Topic::Ltv];

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people
    Table,
    /// One object, a list of rows per topic
    Json,
    /// One topic after the other, an empty line between them
    Csv,
}

/// Prints the figures.
pub(crate) fn run(place: &ConfigPath, arguments: &Arguments) -> anyhow::Result<()> {
    let deployment = Deployment::load(&place.path)?;
    check(&deployment, arguments)?;
    if let Some(file) = &arguments.html {
        return write_page(&deployment, arguments, file);
    }
    let topics = if arguments.topics.is_empty() { TOPICS.to_vec() } else { arguments.topics.clone() };
    let sections = block_on(async {
        let mut sections = Vec::new();
        for topic in topics {
            sections.push((topic, section(&deployment, topic, arguments).await?));
        }
        Ok(sections)
    })?;
    print(&sections, arguments.format)
}

fn write_page(deployment: &Deployment, arguments: &Arguments, file: &Path) -> anyhow::Result<()> {
    let page = block_on(async {
        let store = Store::new(&deployment.clickhouse)?;
        report_html::page(&store, &deployment.definitions, &arguments.choice()).await
    })?;
    std::fs::write(file, &page).with_context(|| format!("cannot write {}", file.display()))?;
    terminal::note(format!("{}: one page, {} kB", file.display(), page.len().div_ceil(1000)));
    Ok(())
}

fn check(deployment: &Deployment, arguments: &Arguments) -> anyhow::Result<()> {
    let definitions = &deployment.definitions;
    let surveys: Vec<&str> = definitions.surveys.iter().map(|survey| survey.id.as_str()).collect();
    let dimensions: Vec<&str> =
        definitions.dimensions.iter().map(|dimension| dimension.name.as_str()).collect();
    for (option, asked, known) in
        [("--survey", &arguments.survey, surveys), ("--dimension", &arguments.dimension, dimensions)]
    {
        if let Some(asked) = asked.as_deref().filter(|asked| *asked != "all" && !known.contains(asked)) {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(
                WrongUsage(format!("{option} {asked}: not in the configuration; there are {known}")).into()
            );
        }
    }
    Ok(())
}

async fn section(deployment: &Deployment, topic: Topic, arguments: &Arguments) -> anyhow::Result<Section> {
    let store = Store::new(&deployment.clickhouse)?;
    let choice = arguments.choice();
    Ok(match topic {
        Topic::Nps => figures::nps(&store, &deployment.definitions, &choice).await?,
        Topic::Funnel => figures::funnel(&store, &choice).await?,
        Topic::Ltv => figures::ltv(&store, &choice).await?,
    })
}

fn print(sections: &[(Topic, Section)], form: Form) -> anyhow::Result<()> {
    let mut output = Output::open();
    match form {
        Form::Table => {
            for (_, section) in sections {
                output.line(&format!("{}\n{}\n", section.title, as_table(&section.rows)))?;
            }
        }
        Form::Json => {
            output.line(&format!("{:#}", as_json(sections)))?;
        }
        Form::Csv => {
            for (index, (_, section)) in sections.iter().enumerate() {
                let between = if index == 0 { "" } else { "\n" };
                output.line(&format!("{between}{}", as_csv(&section.rows)?.trim_end()))?;
            }
        }
    }
    output.finish()?;
    Ok(())
}

/// A table of a result, numbers to the right, nothing for NULL.
pub(crate) fn as_table(rows: &Rows) -> String {
    let mut table = terminal::table(rows.columns.iter().map(|column| column.name.clone()));
    for row in &rows.rows {
        table.add_row(row.iter().map(text));
    }
    for (index, column) in rows.columns.iter().enumerate() {
        let is_number = ["Int", "Float", "Decimal"].iter().any(|kind| column.kind.contains(kind));
        if let Some(column) = table.column_mut(index).filter(|_| is_number) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    table.to_string()
}

fn as_json(sections: &[(Topic, Section)]) -> Value {
    let row = |rows: &Rows, row: &Vec<Value>| -> Value {
        rows.columns
            .iter()
            .map(|column| column.name.clone())
            .zip(row.iter().cloned())
            .collect::<Map<_, _>>()
            .into()
    };
    let rows = |section: &Section| section.rows.rows.iter().map(|r| row(&section.rows, r)).collect::<Value>();
    sections.iter().map(|(topic, section)| (name(*topic), rows(section))).collect::<Map<_, _>>().into()
}

fn name(topic: Topic) -> String {
    match topic {
        Topic::Nps => "nps",
        Topic::Funnel => "funnel",
        Topic::Ltv => "ltv",
    }
    .to_owned()
}

fn as_csv(rows: &Rows) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(rows.columns.iter().map(|column| &column.name))?;
    for row in &rows.rows {
        writer.write_record(row.iter().map(text))?;
    }
    Ok(String::from_utf8(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)?)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sarafan_store::ResultColumn;
    use serde_json::json;

    fn section() -> Section {
        let column = |name: &str, kind: &str| ResultColumn { name: name.to_owned(), kind: kind.to_owned() };
        let columns = vec![column("segment", "String"), column("ltv", "Nullable(Float64)")];
        let rows = vec![vec![json!("gold, old"), json!(12.5)], vec![json!("none"), Value::Null]];
        Section { title: "LTV".to_owned(), rows: Rows { columns, rows } }
    }

    #[test]
    fn every_form_shows_every_row_and_null_as_nothing() {
        let section = section();
        assert_eq!(as_csv(&section.rows).unwrap(), "segment,ltv\n\"gold, old\",12.5\nnone,\n");
        let expected =
            json!({ "ltv": [{ "segment": "gold, old", "ltv": 12.5 }, { "segment": "none", "ltv": null }] });
        assert_eq!(as_json(&[(Topic::Ltv, section.clone())]), expected);
        let table = as_table(&section.rows);
        assert!(table.contains("gold, old") && !table.contains("null"), "{table}");
    }
}
