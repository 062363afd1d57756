//! `sarafan`: one binary, roles by subcommand.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "localstack")]
    if let Some(code) = sarafan_localstack::clickhouse_host::main_if_requested() {
        return code;
    }
    #[cfg(feature = "localstack")]
    sarafan_stream::fail_point::arm();
    sarafan_cli::main()
}
