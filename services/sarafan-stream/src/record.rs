//! A consumed record as handlers see it: borrowed bytes, nothing decoded.

/// One consumed record. All bytes are as the producer wrote them.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The topic it was read from.
    pub topic: &'a str,
    /// The partition it was read from.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// Its timestamp in milliseconds since the Unix epoch, if it has one (set by its producer, or by the broker,
    /// as the topic is configured).
    pub timestamp_ms: Option<i64>,
    /// Whether that is the broker's own time, of the moment at which it appended the record (`LogAppendTime`).
    pub by_broker: bool,
    /// Its key; an absent key and an empty one differ.
    pub key: Option<&'a [u8]>,
    /// Its value; an absent value (a tombstone) and an empty one differ.
    pub value: Option<&'a [u8]>,
    /// Its headers, in order, names possibly repeated.
    pub headers: Headers<'a>,
}

impl Record<'_> {
    /// When the broker appended it, in milliseconds since the Unix epoch, if its topic keeps that: a time that a producer
    /// gives may be of any day.
    pub fn appended_ms(&self) -> Option<i64> {
        self.timestamp_ms.filter(|_| self.by_broker)
    }

    /// The bytes of key and value together.
    pub fn size_bytes(&self) -> u64 {
        (self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)) as u64
    }
}

/// The headers of a record, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a>(Layout<'a>);

#[derive(Clone, Copy, Debug)]
enum Layout<'a> {
    Spans { spans: &'a [HeaderSpan], bytes: &'a [u8] },
    Owned(&'a [OwnedHeader]),
}

impl Default for Layout<'_> {
    fn default() -> Self {
        Self::Owned(&[])
    }
}

/// Where a header lies in the bytes of its batch: the name, then the value if there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeaderSpan {
    pub(crate) name_start: usize,
    pub(crate) name_end: usize,
    pub(crate) value_end: Option<usize>,
}

impl<'a> Headers<'a> {
    pub(crate) fn from_spans(spans: &'a [HeaderSpan], bytes: &'a [u8]) -> Self {
        Self(Layout::Spans { spans, bytes })
    }

    pub(crate) fn from_owned(headers: &'a [OwnedHeader]) -> Self {
        Self(Layout::Owned(headers))
    }

    /// How many headers there are.
    pub fn len(&self) -> usize {
        match self.0 {
            Layout::Spans { spans, .. } => spans.len(),
            Layout::Owned(headers) => headers.len(),
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Name and value of each header, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> + use<'a> {
        let layout = self.0;
        (0..self.len()).map(move |index| match layout {
            Layout::Owned(headers) => (headers[index].name.as_str(), headers[index].value.as_deref()),
            Layout::Spans { spans, bytes } => {
                let span = spans[index];
                // Written from a `str`, hence always valid; an empty name is the harmless answer otherwise.
                let name = str::from_utf8(&bytes[span.name_start..span.name_end]).unwrap_or_default();
                (name, span.value_end.map(|end| &bytes[span.name_end..end]))
            }
        })
    }

    /// The value of the last header called `name` (as Java clients look one up), if it has a value.
    pub fn last(&self, name: &str) -> Option<&'a [u8]> {
        self.iter().filter(|(key, _)| *key == name).last().and_then(|(_, value)| value)
    }
}

/// A header that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedHeader {
    /// The header's name.
    pub name: String,
    /// The header's value; absent and empty differ.
    pub value: Option<Vec<u8>>,
}

impl OwnedHeader {
    /// A header with a value.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: Some(value.into()) }
    }
}

/// A record that owns its bytes: what readers hand out and what tests build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnedRecord {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// Whether the broker set that, when it appended the record.
    pub by_broker: bool,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Vec<OwnedHeader>,
}

impl OwnedRecord {
    /// The borrowed view that handlers take.
    pub fn as_record(&self) -> Record<'_> {
        Record {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            timestamp_ms: self.timestamp_ms,
            by_broker: self.by_broker,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: Headers(Layout::Owned(&self.headers)),
        }
    }
}

impl From<Record<'_>> for OwnedRecord {
    fn from(record: Record<'_>) -> Self {
        Self {
            topic: record.topic.to_owned(),
            partition: record.partition,
            offset: record.offset,
            timestamp_ms: record.timestamp_ms,
            by_broker: record.by_broker,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| OwnedHeader { name: name.to_owned(), value: value.map(<[u8]>::to_vec) })
                .collect(),
        }
    }
}
