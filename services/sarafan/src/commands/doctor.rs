//! `sarafan doctor`

use sarafan_store::Store;
use sarafan_stream::Admin;

use super::block_on;
use crate::cli::ConfigPath;
use crate::deployment::Deployment;
use crate::failure::CheckFailed;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  sarafan doctor
  sarafan doctor --config /etc/sarafan/sarafan.toml

Looks at this machine (where the local stack is built in) and, when there is a configuration, at the Kafka and the
ClickHouse that it names. Changes nothing. Ends with 1 when something has to be done.";

/// Arguments of `sarafan doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    Bad,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "look",
            Self::Bad => "BAD",
        }
    }
}

/// One line of the diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    name: String,
    verdict: Verdict,
    detail: String,
    /// What to do; empty when nothing.
    remedy: String,
}

impl Finding {
    fn good(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), verdict: Verdict::Good, detail: detail.into(), remedy: String::new() }
    }

    fn bad(name: &str, detail: impl Into<String>, remedy: &str) -> Self {
        Self {
            name: name.to_owned(),
            verdict: Verdict::Bad,
            detail: detail.into(),
            remedy: remedy.to_owned(),
        }
    }

    fn of<T>(name: &str, result: Result<T, impl std::fmt::Display>, good: impl FnOnce(T) -> String) -> Self {
        match result {
            Ok(value) => Self::good(name, good(value)),
            Err(error) => Self::bad(name, error.to_string(), ""),
        }
    }
}

/// Looks, and says what it found.
pub(crate) fn run(place: &ConfigPath, _: &Arguments) -> anyhow::Result<()> {
    let mut findings = machine();
    if place.path.exists() {
        match Deployment::load(&place.path) {
            Ok(deployment) => findings.extend(block_on(reach(&deployment))?),
            Err(errors) => {
                findings.push(Finding::bad("configuration", errors.to_string(), "correct these keys"))
            }
        }
    } else {
        findings.push(Finding {
            name: "configuration".to_owned(),
            verdict: Verdict::Warning,
            detail: format!("there is no {}", place.path.display()),
            remedy: "name one with --config to have its Kafka and ClickHouse looked at".to_owned(),
        });
    }
    let mut table = terminal::table(["", "what", "found", "what to do"]);
    for Finding { name, verdict, detail, remedy } in &findings {
        table.add_row([verdict.name(), name, detail, remedy]);
    }
    terminal::say(table.to_string())?;
    match findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count() {
        0 => Ok(()),
        bad => Err(CheckFailed(format!("{bad} of {} checks failed", findings.len())).into()),
    }
}

/// What the local stack needs of this machine.
#[cfg(feature = "localstack")]
fn machine() -> Vec<Finding> {
    use sarafan_localstack::doctor::{Status, doctor};
    let finding = |check: sarafan_localstack::doctor::Check| Finding {
        name: check.name.to_owned(),
        verdict: match check.status {
            Status::Good => Verdict::Good,
            Status::Warning => Verdict::Warning,
            Status::Bad => Verdict::Bad,
        },
        detail: check.detail,
        remedy: check.fix.unwrap_or_default(),
    };
    doctor().into_iter().map(finding).collect()
}

#[cfg(not(feature = "localstack"))]
fn machine() -> Vec<Finding> {
    Vec::new()
}

/// Whether what the configuration names can be reached and is ready for this version.
async fn reach(deployment: &Deployment) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![Finding::good("configuration", "nothing wrong")];
    let admin = Admin::open(&deployment.kafka)?;
    let topics = [&deployment.topics.events, &deployment.topics.dead_letters];
    for topic in topics.into_iter().map(String::as_str).chain(deployment.mapping.topics()) {
        findings.push(match admin.describe(topic).await {
            Ok(Some(info)) => {
                Finding::good(&format!("topic {topic}"), format!("{} partitions", info.partitions.len()))
            }
            Ok(None) => Finding::bad(&format!("topic {topic}"), "not there", remedy_of(deployment, topic)),
            Err(error) => {
                findings.push(Finding::bad("Kafka", error.to_string(), ""));
                break;
            }
        });
    }
    let store = Store::new(&deployment.clickhouse)?;
    let reached = store.ping().await;
    let answers = reached.is_ok();
    findings.push(Finding::of("ClickHouse", reached, |()| deployment.clickhouse.url.clone()));
    if answers {
        findings.extend(schema(deployment, &store).await);
    }
    Ok(findings)
}

fn remedy_of(deployment: &Deployment, topic: &str) -> &'static str {
    if deployment.mapping.source_of(topic).is_some() {
        "create it, or correct its name in [[source]]"
    } else {
        "run `sarafan migrate`"
    }
}

/// Whether the tables are those of this version and the views show these definitions.
async fn schema(deployment: &Deployment, store: &Store) -> Vec<Finding> {
    const MIGRATE: &str = "run `sarafan migrate`";
    let tables = match store.pending_migrations().await {
        Ok(pending) if pending.is_empty() => Finding::good("tables", "as this version has them"),
        Ok(pending) => {
            return vec![Finding::bad("tables", format!("missing: {}", pending.join(", ")), MIGRATE)];
        }
        Err(error) => return vec![Finding::bad("tables", error.to_string(), MIGRATE)],
    };
    if let Err(error) = store.check_state().await {
        return vec![tables, Finding::bad("rows", error.to_string(), "")];
    }
    let configured = deployment.definitions.epoch;
    let epoch = match store.live_epoch().await {
        Ok(Some(live)) if live == configured => Finding::good("epoch", format!("{live} is live")),
        Ok(None) => Finding::bad("epoch", "none is live", MIGRATE),
        Ok(Some(live)) => Finding::bad(
            "epoch",
            format!("{live} is live, {configured} is configured"),
            "see `sarafan migrate --help`",
        ),
        Err(error) => Finding::bad("epoch", error.to_string(), MIGRATE),
    };
    vec![tables, epoch]
}
