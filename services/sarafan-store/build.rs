//! Lists the files of `schemas/clickhouse` in the order of their names, so that none is forgotten.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const FOLDER: &str = "../../schemas/clickhouse";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join(FOLDER);
    let mut list = String::from("pub(crate) const MIGRATIONS: &[Migration] = &[\n");
    for (stem, path) in files(&folder)? {
        let (number, name) =
            stem.split_once('_').ok_or_else(|| format!("{stem}.sql: write NNNN_name.sql"))?;
        let number: u32 = number.parse().map_err(|_| format!("{stem}.sql: `{number}` is no number"))?;
        writeln!(
            list,
            "    Migration {{ number: {number}, name: {name:?}, text: include_str!({path:?}) }},"
        )?;
    }
    list.push_str("];\n\npub(crate) const VIEWS: &[Views] = &[\n");
    for (stem, path) in files(&folder.join("views"))? {
        writeln!(list, "    Views {{ name: {stem:?}, text: include_str!({path:?}) }},")?;
    }
    for (constant, subfolder) in [("RECOUNTS", "audit"), ("ROW_RECOUNTS", "audit/rows")] {
        writeln!(list, "];\n\npub(crate) const {constant}: &[(&str, &str)] = &[")?;
        for (stem, path) in files(&folder.join(subfolder))? {
            writeln!(list, "    ({stem:?}, include_str!({path:?})),")?;
        }
    }
    list.push_str("];\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}

/// Names without `.sql`, and paths, by name.
fn files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a name that is no UTF-8")?;
            found.push((stem.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}
