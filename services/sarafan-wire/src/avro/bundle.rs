//! The schemas that come with the program: the current one of each subject and every version ever released.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use sarafan_core::vocabulary::Subject;

use super::AvroError;
use super::fingerprint::{canonical_form, rabin};

/// A decoded record is at most this large: longer lengths in the bytes are lies. Kafka's own default limit on a
/// record is 1 MiB; the rest is what the decoder adds per element.
const MAX_DECODED_BYTES: usize = 64 << 20;

/// The text of the current schema of a subject.
pub(super) const fn current_text(subject: Subject) -> &'static str {
    macro_rules! current {
        ($name:literal) => {
            include_str!(concat!("../../../../schemas/avro/", $name, ".avsc"))
        };
    }
    match subject {
        Subject::Order => current!("order"),
        Subject::Refund => current!("refund"),
        Subject::SurveyResponse => current!("survey_response"),
        Subject::SurveyInvitation => current!("survey_invitation"),
        Subject::Customer => current!("customer"),
        Subject::FollowUp => current!("follow_up"),
        Subject::Spend => current!("spend"),
        Subject::Deal => current!("deal"),
    }
}

/// The texts of all released versions of a subject's schema, the first one first. A released version never changes.
pub(super) const fn released_texts(subject: Subject) -> &'static [&'static str] {
    macro_rules! released {
        ($name:literal, $($version:literal),+) => {
            &[$(include_str!(concat!("../../../../schemas/avro/history/", $name, "/", $version, ".avsc"))),+]
        };
    }
    match subject {
        Subject::Order => released!("order", 1),
        Subject::Refund => released!("refund", 1),
        Subject::SurveyResponse => released!("survey_response", 1),
        Subject::SurveyInvitation => released!("survey_invitation", 1),
        Subject::Customer => released!("customer", 1),
        Subject::FollowUp => released!("follow_up", 1),
        Subject::Spend => released!("spend", 1),
        Subject::Deal => released!("deal", 1),
    }
}

/// One schema, parsed.
pub(super) struct Version {
    pub(super) subject: Subject,
    pub(super) fingerprint: u64,
    pub(super) schema: Schema,
}

impl Version {
    fn parse(subject: Subject, text: &str) -> Result<Self, AvroError> {
        let broken = |what: String| AvroError::Schema { subject: subject.name(), problem: what };
        let json = serde_json::from_str(text).map_err(|e| broken(e.to_string()))?;
        let form = canonical_form(&json, "").ok_or_else(|| broken("has no canonical form".to_owned()))?;
        let schema = Schema::parse_str(text).map_err(|e| broken(e.to_string()))?;
        Ok(Self { subject, fingerprint: rabin(form.as_bytes()), schema })
    }
}

static VERSIONS: LazyLock<Result<Vec<Version>, AvroError>> = LazyLock::new(|| {
    let mut versions: Vec<Version> = Vec::new();
    for subject in Subject::ALL {
        versions.push(Version::parse(subject, current_text(subject))?);
        for text in released_texts(subject) {
            let version = Version::parse(subject, text)?;
            if !versions.iter().any(|v| v.fingerprint == version.fingerprint) {
                versions.push(version);
            }
        }
    }
    Ok(versions)
});

/// What reads and writes the bundled schemas.
pub(super) struct Codec {
    writers: Vec<(u64, GenericDatumWriter<'static>)>,
    readers: Vec<(u64, Subject, GenericDatumReader<'static>)>,
}

impl Codec {
    /// The writer of a subject's current schema, and its fingerprint.
    pub(super) fn writer(&self, subject: Subject) -> Option<&(u64, GenericDatumWriter<'static>)> {
        self.writers.get(Subject::ALL.iter().position(|s| *s == subject)?)
    }

    /// What reads the schema of that fingerprint into the current one.
    pub(super) fn reader(&self, fingerprint: u64) -> Option<(Subject, &GenericDatumReader<'static>)> {
        let found = self.readers.iter().find(|(known, ..)| *known == fingerprint)?;
        Some((found.1, &found.2))
    }

    fn of(versions: &'static [Version]) -> Result<Self, apache_avro::Error> {
        apache_avro::util::max_allocation_bytes(MAX_DECODED_BYTES);
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for subject in Subject::ALL {
            let mut of_subject = versions.iter().filter(|v| v.subject == subject);
            let Some(current) = of_subject.next() else { continue };
            // `write` builds values from the very field table that the schema is tested against.
            let writer = GenericDatumWriter::builder(&current.schema).validate(false).build()?;
            writers.push((current.fingerprint, writer));
            readers.push((
                current.fingerprint,
                subject,
                GenericDatumReader::builder(&current.schema).build()?,
            ));
            for earlier in of_subject {
                let reader = GenericDatumReader::builder(&earlier.schema).reader_schema(&current.schema);
                readers.push((earlier.fingerprint, subject, reader.build()?));
            }
        }
        Ok(Self { writers, readers })
    }
}

static CODEC: LazyLock<Result<Codec, AvroError>> = LazyLock::new(|| {
    let versions = VERSIONS.as_ref().map_err(Clone::clone)?;
    Codec::of(versions).map_err(|e| AvroError::Schema { subject: "any", problem: e.to_string() })
});

/// The one codec of the process.
pub(super) fn codec() -> Result<&'static Codec, AvroError> {
    CODEC.as_ref().map_err(Clone::clone)
}
