//! The command line: what there is, and how it is told apart.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands;
use crate::failure::{EXIT_CODES, exit_code, line};
use crate::terminal;

/// How loyal customers are, within a second, from the order and survey events that run through Kafka.
#[derive(Debug, Parser)]
#[command(name = "sarafan", version, after_help = EXIT_CODES, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    place: ConfigPath,
    #[command(subcommand)]
    command: Command,
}

/// Where the configuration is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ConfigPath {
    /// The configuration of the deployment.
    #[arg(
        long = "config",
        env = "SARAFAN_CONFIG",
        value_name = "FILE",
        default_value = "sarafan.toml",
        global = true
    )]
    pub(crate) path: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the ingest service: source topics to the canonical topic
    Ingest(commands::ingest::Arguments),
    /// Run the aggregator service: the canonical topic to ClickHouse
    Aggregate(commands::aggregate::Arguments),
    /// Bring topics, tables and views to this version and configuration
    Migrate(commands::migrate::Arguments),
    /// Build the figures of changed definitions beside those that are shown, then show them
    Rebuild(commands::rebuild::Arguments),
    /// Drop what earlier definitions have left
    Gc(commands::gc::Arguments),
    /// Take over a ClickHouse that was restored from a backup: what it lacks is read again
    Adopt(commands::adopt::Arguments),
    /// Write a file of records into a source topic
    Replay(commands::replay::Arguments),
    /// Make up a shop: write the records of a simulated retailer into files or source topics
    Simulate(commands::simulate::Arguments),
    /// Recount every figure from the facts, and account for every record
    Audit(commands::audit::Arguments),
    /// Print the canonical topic as NDJSON
    Export(commands::export::Arguments),
    /// Say everything that is wrong with a configuration, or what it says
    CheckConfig(commands::check_config::Arguments),
    /// Say what is missing on this machine or cannot be reached, and what to do
    Doctor(commands::doctor::Arguments),
    /// Ask the service beside it whether it is ready
    Health(commands::health::Arguments),
    /// Print NPS, repeat-purchase funnel and lifetime value
    Report(commands::report::Arguments),
    /// Run a local Kafka and ClickHouse in the background, for development
    #[cfg(feature = "localstack")]
    Stack(commands::stack::Arguments),
    /// See everything work on real data, on this machine
    #[cfg(feature = "localstack")]
    Demo(commands::demo::Arguments),
    /// Do harm to a deployment on this machine while data flows, and account for everything
    #[cfg(feature = "localstack")]
    Chaos(commands::chaos::Arguments),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::note(line(&error));
            exit_code(&error)
        }
    }
}

fn run(Cli { place, command }: Cli) -> anyhow::Result<()> {
    match command {
        Command::Ingest(arguments) => commands::ingest::run(&place, &arguments),
        Command::Aggregate(arguments) => commands::aggregate::run(&place, &arguments),
        Command::Migrate(arguments) => commands::migrate::run(&place, &arguments),
        Command::Rebuild(arguments) => commands::rebuild::run(&place, &arguments),
        Command::Gc(arguments) => commands::gc::run(&place, &arguments),
        Command::Adopt(arguments) => commands::adopt::run(&place, &arguments),
        Command::Replay(arguments) => commands::replay::run(&place, &arguments),
        Command::Simulate(arguments) => commands::simulate::run(&place, &arguments),
        Command::Audit(arguments) => commands::audit::run(&place, &arguments),
        Command::Export(arguments) => commands::export::run(&place, &arguments),
        Command::CheckConfig(arguments) => commands::check_config::run(&place, &arguments),
        Command::Doctor(arguments) => commands::doctor::run(&place, &arguments),
        Command::Health(arguments) => commands::health::run(&place, &arguments),
        Command::Report(arguments) => commands::report::run(&place, &arguments),
        #[cfg(feature = "localstack")]
        Command::Stack(arguments) => commands::stack::run(&arguments),
        #[cfg(feature = "localstack")]
        Command::Demo(arguments) => commands::demo::run(&arguments),
        #[cfg(feature = "localstack")]
        Command::Chaos(arguments) => commands::chaos::run(&arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn every_command_is_well_formed_and_shows_examples() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:"), "`sarafan {} --help` shows no examples", command.get_name());
        }
    }
}
