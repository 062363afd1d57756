//! The pure core: vocabulary, the join, every metric, the Shard. No IO, no clock, no async.
