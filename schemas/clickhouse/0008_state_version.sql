-- Which versions of sarafan may read and write the rows (DESIGN 2.6).

CREATE TABLE IF NOT EXISTS {store}.state_versions
(
    slot UInt8 DEFAULT 0 COMMENT 'Always 0: the table holds one row',
    sequence UInt64 COMMENT 'Version of the row' CODEC(Delta, ZSTD(1)),
    state_version UInt64 COMMENT 'How rows are encoded: a sarafan that knows only lower versions neither reads nor writes'
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY slot
COMMENT 'The state version of the store: raised by a migrate whose rows an earlier sarafan would read wrongly (DESIGN 2.6)';
