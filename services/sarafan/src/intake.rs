//! Records out of a file: NDJSON or CSV, packed or not, one record at a time.

mod csv_records;
mod shift;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use serde_json::Value;

pub(crate) use shift::shift_days;

/// How records stand in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A JSON object a line.
    Ndjson,
    /// Lines with a header; each becomes a JSON object of texts.
    Csv,
}

/// The values of a file's records, as bytes to be sent.
pub(crate) type Values = Box<dyn Iterator<Item = anyhow::Result<Vec<u8>>>>;

/// Opens a file, or standard input for `-`. The bar follows the bytes that were read of it.
pub(crate) fn open(path: &Path, format: Option<Format>, bar: &ProgressBar) -> anyhow::Result<Values> {
    let format = format.unwrap_or_else(|| format_of(path));
    let raw: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Box::new(bar.wrap_read(file))
    };
    values(unpacked(raw)?, format)
}

fn values(text: impl BufRead + 'static, format: Format) -> anyhow::Result<Values> {
    Ok(match format {
        Format::Ndjson => Box::new(lines(text)),
        Format::Csv => Box::new(csv_records::records(text)?),
    })
}

/// By the name, without `.gz`.
fn format_of(path: &Path) -> Format {
    let name = path.to_string_lossy().to_ascii_lowercase();
    if name.trim_end_matches(".gz").ends_with(".csv") { Format::Csv } else { Format::Ndjson }
}

/// Unpacks what begins as gzip does, whatever it is called, and takes off a byte order mark.
fn unpacked(raw: impl Read + 'static) -> anyhow::Result<Box<dyn BufRead>> {
    const GZIP: [u8; 2] = [0x1f, 0x8b];
    const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
    let mut raw = BufReader::with_capacity(1 << 16, raw);
    let packed = raw.fill_buf().context("cannot read")?.starts_with(&GZIP);
    let mut text: Box<dyn BufRead> = if packed {
        Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(raw)))
    } else {
        Box::new(raw)
    };
    // Spreadsheets begin a CSV with it; left there, it would be a part of the first column's name.
    if text.fill_buf().context("cannot read")?.starts_with(&BYTE_ORDER_MARK) {
        text.consume(BYTE_ORDER_MARK.len());
    }
    Ok(text)
}

/// Lines that are not blank, as they are: a record that cannot be read is for the dead letters to show.
fn lines(mut text: impl BufRead) -> impl Iterator<Item = anyhow::Result<Vec<u8>>> {
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match text.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Err(error) => return Some(Err(error).context("cannot read")),
                Ok(_) => {}
            }
            let line = line.trim_ascii();
            if !line.is_empty() {
                return Some(Ok(line.to_vec()));
            }
        }
    })
}

/// The scalar at a path such as `customer.id` or `lines.0.sku`, as a key. None when there is none, or it is null.
pub(crate) fn key_at(record: &Value, path: &str) -> Option<Vec<u8>> {
    let found = path.split('.').try_fold(record, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    })?;
    match found {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Number(number) => Some(number.to_string().into_bytes()),
        Value::Bool(flag) => Some(flag.to_string().into_bytes()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::{Cursor, Write as _};

    fn read(bytes: &[u8], format: Format) -> Vec<String> {
        let values = values(unpacked(Cursor::new(bytes.to_vec())).unwrap(), format).unwrap();
        values.map(|value| String::from_utf8(value.unwrap()).unwrap()).collect()
    }

    #[test]
    fn lines_come_as_they_are_and_blank_ones_not() {
        let expected = ["{\"a\": 1}", "not json"];
        assert_eq!(read(b"{\"a\": 1}\r\n\n  \nnot json", Format::Ndjson), expected);
    }

    #[test]
    fn a_packed_file_is_unpacked_by_its_first_bytes() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"1\n2\n").unwrap();
        assert_eq!(read(&packed.finish().unwrap(), Format::Ndjson), ["1", "2"]);
    }

    #[test]
    fn a_line_of_csv_is_an_object_of_texts() {
        let expected = ["{\"id\":\"1\",\"name\":\"a, b\"}", "{\"id\":\"2\",\"name\":\"\"}"];
        assert_eq!(read(b"id,name\n1,\"a, b\"\n2,\n", Format::Csv), expected);
        assert_eq!(format_of(Path::new("orders.CSV.gz")), Format::Csv);
        assert_eq!(format_of(Path::new("-")), Format::Ndjson);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_name() {
        assert_eq!(read(b"\xef\xbb\xbfid\n1\n", Format::Csv), ["{\"id\":\"1\"}"]);
    }

    #[test]
    fn a_key_is_a_scalar_at_a_path() {
        let record = json!({ "customer": { "id": 7 }, "lines": [{ "sku": "a" }], "none": null });
        let key = |path| key_at(&record, path).map(|key| String::from_utf8(key).unwrap());
        assert_eq!(key("customer.id").as_deref(), Some("7"));
        assert_eq!(key("lines.0.sku").as_deref(), Some("a"));
        assert_eq!(key("customer"), None);
        assert_eq!(key("none"), None);
        assert_eq!(key("lines.1.sku"), None);
    }
}
