//! `sarafan`: one binary, roles by subcommand.
fn main() {}
