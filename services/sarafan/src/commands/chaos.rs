//! `sarafan chaos`

use std::time::{Duration, Instant};

use clap::ValueEnum as _;

use crate::chaos::{self, Ending, Fault, Limit, Outcome, Plan};
use crate::failure::{CheckFailed, line};
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  sarafan chaos --seed 1 --minutes 5                      a mix of all faults, one after another
  sarafan chaos --fault kill-aggregator --seed 7 --times 5
  sarafan chaos --separately --times 5 --markdown         the table of deploy/RELIABILITY.md
  sarafan chaos --fault clickhouse-freeze --hold 60 --times 1
  sarafan chaos --rounds 48 --seed 100 --minutes 5        four hours, another seed each round

Starts a Kafka and a ClickHouse of its own, two ingests and two aggregators, and feeds them with the simulated shop while
it does harm. Nothing is helped but by starting again what has ended. Then every source record and entity is asked
for, and every view compared with a program of its own (needs python3). Then
`sarafan audit --deep` has to be clean. Exits 0 when nothing is lost, double or wrong, and the audit found nothing.
`disk-full` mounts a small disk, which needs root.";

/// Arguments of `sarafan chaos`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Only this fault; may be given several times [default: all of them].
    #[arg(long = "fault", value_name = "NAME", value_enum, hide_possible_values = false)]
    faults: Vec<Fault>,
    /// Leave this fault out; may be given several times.
    #[arg(long = "without", value_name = "NAME", value_enum, hide_possible_values = true)]
    without: Vec<Fault>,
    /// Decides which fault comes when, and how.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// So many faults in a run.
    #[arg(long, value_name = "N", conflicts_with = "minutes", value_parser = clap::value_parser!(u32).range(1..))]
    times: Option<u32>,
    /// No fault begins after so many minutes of a run.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// A run for each fault, with servers of its own.
    #[arg(long)]
    separately: bool,
    /// So many runs of everything, each with the next seed.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Source records a second.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Seconds that a fault lasts which does last, such as a freeze.
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    hold: u64,
    /// Spoil the tables at the end: the account has to find it, and the command to fail.
    #[arg(long)]
    spoil: bool,
    /// Print the table as Markdown.
    #[arg(long)]
    markdown: bool,
}

impl Arguments {
    /// The runs, in their order.
    fn plans(&self) -> Vec<Plan> {
        let all = if self.faults.is_empty() { Fault::value_variants() } else { &self.faults };
        let faults: Vec<Fault> = all.iter().copied().filter(|fault| !self.without.contains(fault)).collect();
        let limit = self.times.map_or(Limit::Time(Duration::from_secs(60 * self.minutes)), Limit::Times);
        let groups: Vec<Vec<Fault>> = if self.separately {
            faults.into_iter().map(|fault| vec![fault]).collect()
        } else {
            vec![faults]
        };
        let plan = |round: u64, faults: &Vec<Fault>| Plan {
            seed: self.seed + round,
            faults: faults.clone(),
            limit,
            rate: self.rate,
            hold: Duration::from_secs(self.hold),
            ending: if self.spoil { Ending::Spoiled } else { Ending::Clean },
        };
        (0..self.rounds).flat_map(|round| groups.iter().map(move |faults| plan(round, faults))).collect()
    }
}

/// Does all the harm, and says what came of it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut failed = 0_u32;
    for plan in arguments.plans() {
        let began = Instant::now();
        let faults: Vec<String> = plan.faults.iter().map(|fault| fault.name()).collect();
        terminal::note(format!("seed {}: {}", plan.seed, faults.join(", ")));
        match chaos::run(&plan) {
            Ok(outcome) => {
                tell(&outcome, began.elapsed());
                outcomes.push(outcome);
            }
            // The other runs are worth having all the same.
            Err(error) => {
                failed += 1;
                terminal::note(format!("  FAILED: {}", line(&error)));
            }
        }
    }
    let table =
        if arguments.markdown { chaos::markdown(&outcomes) } else { chaos::table(&outcomes).to_string() };
    terminal::say(table)?;
    let bad = outcomes.iter().filter(|outcome| !outcome.is_right()).count();
    if bad > 0 || failed > 0 {
        return Err(CheckFailed(format!(
            "of {} runs {bad} left something lost, double or wrong or a difference in the audit, and {failed} did not come to their end",
            arguments.plans().len()
        ))
        .into());
    }
    Ok(())
}

fn tell(outcome: &Outcome, took: Duration) {
    let account = &outcome.account;
    terminal::note(format!(
        "{} source records ({} filtered, {} dead letters), {} canonical of which {} again, {} entities, {} rows of views: \
         lost/double/wrong {} after {:.0} s",
        account.source_records,
        account.filtered,
        account.dead_letters,
        account.canonical,
        account.repeated,
        account.entities,
        account.rows,
        account.verdict(),
        took.as_secs_f64()
    ));
    for end in &outcome.ends {
        terminal::note(format!("  ended by itself, started again: {end}"));
    }
    account.told().for_each(|line| terminal::note(format!("  {line}")));
    terminal::note(format!("  audit clean: {}", if outcome.audit.is_empty() { "yes" } else { "NO" }));
    outcome.audit.iter().for_each(|line| terminal::note(format!("  audit: {line}")));
    for (command, peak) in &outcome.memory {
        terminal::note(format!("  {command}: {peak} MiB resident at most"));
    }
    if let Some(kept) = &outcome.kept {
        terminal::note(format!("  logs and data are in {}", kept.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn plans(words: &[&str]) -> Vec<Plan> {
        let words = ["chaos"].iter().chain(words);
        <Line as clap::Parser>::try_parse_from(words).unwrap().arguments.plans()
    }

    #[test]
    fn a_mix_has_every_fault_and_separately_each_has_a_run_of_its_own() {
        let all = Fault::value_variants();
        let [mix] = plans(&[]).try_into().unwrap();
        assert_eq!((mix.faults.as_slice(), mix.limit), (all, Limit::Time(Duration::from_secs(300))));
        let separately = plans(&["--separately", "--times", "3", "--without", "disk-full"]);
        assert_eq!(separately.len(), all.len() - 1);
        assert!(separately.iter().all(|plan| plan.faults.len() == 1 && plan.limit == Limit::Times(3)));
    }

    #[test]
    fn each_round_has_the_next_seed() {
        let rounds = plans(&["--fault", "kill-ingest", "--rounds", "3", "--seed", "7"]);
        assert_eq!(rounds.iter().map(|plan| plan.seed).collect::<Vec<_>>(), [7, 8, 9]);
    }
}
