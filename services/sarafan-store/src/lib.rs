//! ClickHouse: rows, writers, migrations, ledger, restore.
