//! Canonical events as bytes: Avro single-object encoding, `C3 01`, fingerprint, body.
//!
//! **One record schema per subject**, not one union envelope: a ninth branch of a union could not be read by an
//! earlier program, and a field added to one subject would change the fingerprint of all. The fingerprint in front
//! says which schema it is, so nothing is lost.
//!
//! **Codes are strings**, not enums: an enum symbol that a reader does not know fails the whole record, a word does
//! not. `encode` takes only the words that [`Kind::Code`] lists; `decode` takes any, so that a program that is one
//! version behind keeps reading.
//!
//! [`Kind::Code`]: sarafan_core::vocabulary::Kind::Code

mod bundle;
mod fingerprint;
mod read;
mod write;

use sarafan_core::event::Event;
use sarafan_core::vocabulary::Subject;
use thiserror::Error;

/// The two bytes that single-object encoding starts with.
const MARKER: [u8; 2] = [0xc3, 0x01];
/// Marker and fingerprint.
const HEADER_BYTES: usize = 10;

/// Why an event could not be written, or bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AvroError {
    /// The bytes do not begin as single-object encoding does.
    #[error("not a canonical event: it does not begin with C3 01 and a fingerprint")]
    NotSingleObject,
    /// The fingerprint is of no bundled schema: somebody newer wrote it, or it is not ours.
    #[error(
        "schema {fingerprint:016x} is not bundled with this program; upgrade it to the version that writes the topic"
    )]
    UnknownSchema {
        /// The fingerprint found.
        fingerprint: u64,
    },
    /// The body does not follow its schema.
    #[error("the body of this {subject} does not follow its schema: {problem}")]
    Malformed {
        /// Name of the subject.
        subject: &'static str,
        /// What the decoder said.
        problem: String,
    },
    /// Bytes are left over after the body.
    #[error("{count} bytes are left over after the body of this {subject}")]
    TrailingBytes {
        /// Name of the subject.
        subject: &'static str,
        /// How many.
        count: usize,
    },
    /// A field holds what it may not hold.
    #[error("{subject}.{field}: {problem}")]
    BadField {
        /// Name of the subject.
        subject: &'static str,
        /// Name of the field.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A bundled schema is broken: a fault of the build, held off by a test.
    #[error("the bundled schema of {subject} is broken: {problem}")]
    Schema {
        /// Name of the subject.
        subject: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl AvroError {
    /// A stable snake_case code: metric label and reason of a dead letter.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotSingleObject => "not_single_object",
            Self::UnknownSchema { .. } => "unknown_schema",
            Self::Malformed { .. } => "malformed_avro",
            Self::TrailingBytes { .. } => "trailing_bytes",
            Self::BadField { .. } => "bad_field",
            Self::Schema { .. } => "broken_schema",
        }
    }

    /// The same code, under the name that all libraries here give it.
    pub const fn kind(&self) -> &'static str {
        self.reason()
    }
}

/// Writes an event as it stands on the canonical topic.
///
/// # Errors
/// [`AvroError::BadField`] when a field is unknown, given twice, or holds what its kind does not allow.
pub fn encode(event: &Event) -> Result<Vec<u8>, AvroError> {
    let subject = event.subject;
    let Some((fingerprint, writer)) = bundle::codec()?.writer(subject) else {
        return Err(AvroError::Schema { subject: subject.name(), problem: "missing".to_owned() });
    };
    let value = write::record(event)?;
    let mut bytes = Vec::with_capacity(256);
    bytes.extend(MARKER);
    bytes.extend(fingerprint.to_le_bytes());
    writer.write_value_ref(&mut bytes, &value).map_err(|e| malformed(subject, &e))?;
    Ok(bytes)
}

/// Reads an event of the canonical topic, written by this or any earlier version. Its fields come in canonical order.
///
/// Never panics, whatever the bytes.
///
/// # Errors
/// [`AvroError`]; a caller dead-letters the record with [`AvroError::reason`].
pub fn decode(bytes: &[u8]) -> Result<Event, AvroError> {
    let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(AvroError::NotSingleObject)?;
    let [m0, m1, fingerprint @ ..] = *header;
    if [m0, m1] != MARKER {
        return Err(AvroError::NotSingleObject);
    }
    let fingerprint = u64::from_le_bytes(fingerprint);
    let (subject, reader) =
        bundle::codec()?.reader(fingerprint).ok_or(AvroError::UnknownSchema { fingerprint })?;
    let mut body = &bytes[HEADER_BYTES..];
    let value = reader.read_value(&mut body).map_err(|e| malformed(subject, &e))?;
    if !body.is_empty() {
        return Err(AvroError::TrailingBytes { subject: subject.name(), count: body.len() });
    }
    read::event(subject, value)
}

/// The schema that [`encode`] writes a subject with, as JSON text, and its fingerprint as readers look it up.
///
/// # Errors
/// [`AvroError::Schema`] when the build bundled a broken one.
pub fn schema_of(subject: Subject) -> Result<(&'static str, u64), AvroError> {
    let broken = AvroError::Schema { subject: subject.name(), problem: "missing".to_owned() };
    let (fingerprint, _) = bundle::codec()?.writer(subject).ok_or(broken)?;
    Ok((bundle::current_text(subject), *fingerprint))
}

fn malformed(subject: Subject, error: &apache_avro::Error) -> AvroError {
    AvroError::Malformed { subject: subject.name(), problem: error.to_string() }
}

#[cfg(test)]
mod tests {
    mod compatibility;

    use super::*;
    use proptest::prelude::*;
    use sarafan_core::event::Origin;
    use sarafan_core::vocabulary::{FieldValue, Instant, Stamp};

    #[test]
    fn a_record_of_very_many_parts_takes_no_square_of_them() {
        let part = |i| (format!("attributes.{i:06}"), FieldValue::Cleared);
        let set = |i| (format!("attributes.{i:06}"), FieldValue::Text("x".to_owned()));
        let event = Event {
            subject: Subject::Customer,
            id: "17850".to_owned(),
            customer_id: Some("17850".to_owned()),
            order_id: None,
            stamp: Stamp::new(Instant::from_micros(7), 1, 0),
            erased: false,
            fields: (0..60_000).map(part).chain((60_000..120_000).map(set)).collect(),
            origin: Origin::default(),
        };
        let started = std::time::Instant::now();
        assert_eq!(decode(&encode(&event).unwrap()).unwrap(), event);
        // Its square took minutes; this bound is a hundred times what it takes.
        assert!(started.elapsed().as_secs() < 60);
    }

    proptest! {
        #[test]
        fn an_event_survives_its_own_bytes(event in crate::arbitrary::event()) {
            let bytes = encode(&event).unwrap();
            prop_assert_eq!(decode(&bytes).unwrap(), event);
        }

        #[test]
        fn any_bytes_are_an_event_or_a_reason(noise: Vec<u8>, subject in 0..Subject::ALL.len()) {
            let (_, fingerprint) = schema_of(Subject::ALL[subject]).unwrap();
            let framed = [&MARKER[..], &fingerprint.to_le_bytes(), &noise].concat();
            for bytes in [noise, framed] {
                if let Err(error) = decode(&bytes) {
                    prop_assert!(!error.reason().is_empty());
                }
            }
        }

        #[test]
        fn a_damaged_event_is_an_event_or_a_reason(
            event in crate::arbitrary::event(), at: proptest::sample::Index, byte: u8, cut: proptest::sample::Index,
        ) {
            let mut bytes = encode(&event).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes.truncate(cut.index(bytes.len()) + 1);
            // What it reads, it can write again.
            if let Ok(read) = decode(&bytes) {
                let words = read.fields.iter().all(|(name, value)| {
                    let plain = name.split('.').next().unwrap();
                    read.subject.field(plain).is_some_and(|field| value.fits(field.kind))
                });
                prop_assert!(!words || encode(&read).is_ok());
            }
        }
    }
}
