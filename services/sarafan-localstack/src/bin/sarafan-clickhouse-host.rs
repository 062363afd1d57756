//! Opens the ClickHouse library and serves from it until it is told to stop. Started by `sarafan-localstack`.

fn main() -> std::process::ExitCode {
    sarafan_localstack::clickhouse_host::main(std::env::args().skip(1))
}
