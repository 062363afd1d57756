//! Bytes to core events and back: JSON sources by mapping, canonical Avro, reasons for rejection.
//!
//! - [`Mapping`] turns a record of a source topic into canonical events, as the `[[source]]` sections say.
//! - [`encode`] and [`decode`] are canonical Avro, as it stands on `sarafan.events.v1`.
//! - [`export_json`] prints a canonical event for people and for the recount.
//!
//! Nothing here knows of Kafka, waits, or reads a clock: what becomes of a record is a function of the record and the
//! configuration.
//!
//! # The mapping language
//!
//! One `[[source]]` per topic:
//!
//! | key | what it says | default |
//! |---|---|---|
//! | `name`, `topic` | the source's label, and the topic it reads | required |
//! | `updated_at` | the declared version: a value, or `"record_timestamp"`; a record may have its own | required |
//! | `mapping_revision` | raised when the mapping was wrong and the topic is replayed | 1 |
//! | `format` | `"json"` | `"json"` |
//! | `timestamps`, `zone` | how instants are written, and the zone of those without an offset | `"rfc3339"`, none |
//! | `clear_on_null` | whether null and blank empty a field (true) or say nothing of it (false) | true |
//! | `shift_days` | whole days added to every event time and version that is read | 0 |
//! | `max_bytes`, `max_depth` | limits on a record, at most 4 MiB | 1 MiB, 16 |
//! | `[[source.skip]]` | `rule` (its name) and `when`: records left out on purpose | |
//! | `[[source.record]]` | one entity; every one whose `when` holds is made, all or none | required |
//!
//! A `[[source.record]]` has `subject`, `id`, and as needed `when`, `customer_id`, `previous_customer_id` (the entity
//! came from that customer, or with null from a guest), `key_order_id` (what decides a guest's key, where the subject
//! has no field `order_id`), `updated_at`, `erased` (a condition), and the subject's fields by name; parts of a named
//! field as `attributes.<name>`, or all entries of an object as `answers = "path"`.
//!
//! A **value** is a path (`"lines.0.sku"`) or a table with one of
//!
//! | key | what it says |
//! |---|---|
//! | `path` | where the value stands |
//! | `value` | a constant |
//! | `template` | text with placeholders: `"{year}-05-{day:02}T12:00:00Z"` |
//! | `sum`, `of` | of money: the sum over a list of the product of these, exactly; `currency` names that of a line |
//! | `each` | of items: `sku`, `quantity`, `price` and, if there are, `amount`, `category`, `brand`, `currency` of each line |
//! | `when` | of flags: whether a condition holds |
//!
//! and, beside it, `map` (source word = our word) and `map_default`, `null_values` (codes that mean blank), `blank`
//! (`"clear"` or `"absent"`, in place of `clear_on_null`), `default` (when the record has no value), `required`,
//! `format` and `zone` (instants: `rfc3339`, `epoch_s`, `epoch_ms`, `epoch_us`, or a pattern such as `%d.%m.%Y %H:%M`),
//! `times` (amounts: `"-1"`, or `"0.01"` for cents), `split` (a list in one text). An empty text is blank, like null. A
//! missing path says nothing of the field. A `default` speaks in every record that lacks the value, so it belongs into
//! sources that send whole records, not into those that send what changed.
//!
//! A **condition** is `{ path = ..., equals = ... }`, `in = [...]` or `exists = true | false`, or a list of these that
//! must all hold. Texts, numbers and flags compare by their text: `11`, `11.0` and `"11"` are one.
//!
//! # Reasons of rejection
//!
//! A record that cannot be mapped goes to the dead letters as a whole, with one of these codes: a metric label and a
//! header, and so a contract. `schemas/examples/rejected/` has one example of each.
//!
//! | code | when |
//! |---|---|
//! | `no_value` | a tombstone |
//! | `too_large`, `too_deep` | beyond the source's limits; checked before anything is parsed |
//! | `invalid_utf8`, `not_json`, `not_an_object` | not what the format says |
//! | `no_rule_matched` | no `[[source.record]]` speaks of it, and no `[[source.skip]]` |
//! | `missing_id`, `missing_field` | no id; nothing where the mapping says `required`, or in a line |
//! | `wrong_type` | an object for a text, a text for a list, ... |
//! | `missing_version` | no declared version, or no timestamp of the record to check it against |
//! | `version_in_future` | a version more than a day after the record's own timestamp: it would lock the entity |
//! | `bad_timestamp` | a time that does not follow its format |
//! | `time_out_of_range` | a time before 1990, or more than a day after the record's own timestamp |
//! | `bad_amount`, `amount_too_large`, `amount_too_fine` | no decimal; beyond 18 digits; more than four decimals |
//! | `negative_amount` | below zero, where only a margin may be |
//! | `missing_currency`, `bad_currency` | an amount without one in the same record; not three upper-case letters |
//! | `mixed_currency` | a line in another currency than its order |
//! | `unknown_status`, `unknown_value` | a word that no value map has, or that the field does not |
//! | `score_not_integer`, `score_out_of_range` | 8.5; 11 |
//! | `undeclared_survey` | an answer or invitation of a survey that no `[[survey]]` declares |
//! | `bad_text` | a NUL character, or an id of more than 1024 bytes |

#[cfg(test)]
mod arbitrary;
mod avro;
mod content;
mod export;
mod json;
mod mapping;
mod reason;
mod topics;

pub use avro::{AvroError, decode, encode, schema_of};
pub use content::{record_hash, sort_fields};
pub use export::export_json;
pub use mapping::{Mapping, MappingError, Outcome, SourceLabels, SourceRecord};
pub use reason::{Reason, Rejection};
pub use topics::TopicsSection;
