//! The one binary: the services `ingest` and `aggregate`, and the operator's commands.
//!
//! One file per command under `commands`; each is small and stands on the other crates. What else is public is there
//! for the end-to-end tests, which compare views with the recount as the demo does.

mod audit;
mod cli;
mod commands;
mod deployment;
mod failure;
mod figures;
mod http;
mod intake;
mod metric_names;
mod report_html;
mod settled;
mod terminal;

#[cfg(feature = "localstack")]
mod chaos;
#[cfg(feature = "localstack")]
mod demo;
#[cfg(feature = "localstack")]
pub mod oracle;
#[cfg(feature = "localstack")]
pub mod scrape;

pub use cli::main;
pub use deployment::Groups;
pub use deployment::{Deployment, ENV_PREFIX};
pub use metric_names::metric_names;
pub use settled::{Backlog, backlog};
