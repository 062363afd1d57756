//! What commands say: results on standard output, progress on standard error.

#[cfg(feature = "localstack")]
use std::io::IsTerminal as _;
use std::io::{self, BufWriter, Write as _};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use indicatif::{ProgressBar, ProgressStyle};

/// Writes lines of a result. A reader that has gone (`sarafan export | head`) is no error: the rest is not wanted.
pub(crate) struct Output {
    out: BufWriter<io::Stdout>,
}

impl Output {
    pub(crate) fn open() -> Self {
        Self { out: BufWriter::new(io::stdout()) }
    }

    /// Writes a line; false when nobody reads any more.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<bool> {
        wanted(self.out.write_all(text.as_bytes()).and_then(|()| self.out.write_all(b"\n")))
    }

    /// Writes what is still buffered; false when nobody reads any more.
    pub(crate) fn finish(mut self) -> io::Result<bool> {
        wanted(self.out.flush())
    }
}

fn wanted(written: io::Result<()>) -> io::Result<bool> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Prints a text that ends here.
pub(crate) fn say(text: impl AsRef<str>) -> io::Result<()> {
    let mut output = Output::open();
    output.line(text.as_ref())?;
    output.finish().map(|_| ())
}

/// Tells a person who waits what goes on; on standard error, so that results stay clean.
pub(crate) fn note(text: impl AsRef<str>) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{}", text.as_ref());
}

/// Whether a person looks at standard error.
#[cfg(feature = "localstack")]
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

const TABLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table with a line under its header.
pub(crate) fn table<H: Into<String>>(header: impl IntoIterator<Item = H>) -> Table {
    let mut table = Table::new();
    table.load_style(TABLE).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.into_iter().map(Into::into).collect::<Vec<String>>());
    table
}

/// A progress bar over bytes or records; shown on terminals only.
pub(crate) fn bar(title: &str, length: Option<u64>, unit: Unit) -> ProgressBar {
    let count = match unit {
        Unit::Bytes => "{bytes}/{total_bytes} {bytes_per_sec}",
        Unit::Records => "{human_pos}/{human_len} records",
        Unit::Checks => "{human_pos}/{human_len} checks",
        Unit::Partitions => "{human_pos}/{human_len} partitions",
        Unit::Days => "{human_pos}/{human_len} days",
    };
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = match length {
        Some(_) => format!("{{prefix:24}} {{wide_bar}} {count} {{eta}}"),
        None => "{prefix:24} {spinner} {human_pos} {elapsed}".to_owned(),
    };
    // The templates are constants of this file; a wrong one would only cost the bar its look.
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.set_prefix(title.to_owned());
    bar
}

/// What a progress bar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes of a file.
    Bytes,
    /// Records.
    Records,
    /// Checks of an audit.
    Checks,
    /// Days of a history.
    Days,
    /// Partitions of a topic.
    Partitions,
}
