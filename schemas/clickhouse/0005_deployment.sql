-- What people are shown beside the figures: names, notices, reference lines. None of it changes a figure, so none of it is of an
-- epoch. Every migrate writes one row that replaces all of it, so that what is no longer configured is gone.

CREATE TABLE IF NOT EXISTS {store}.deployment
(
    slot UInt8 DEFAULT 0 COMMENT 'Always 0: the table holds one row',
    sequence UInt64 COMMENT 'Version of the row' CODEC(Delta, ZSTD(1)),
    name String COMMENT 'Name of the deployment' CODEC(ZSTD(1)),
    notice String COMMENT 'Put on every panel and report; empty for none' CODEC(ZSTD(1)),
    bands Map(String, String) COMMENT 'Survey -> preset of the bands of its NPS: bain or strict' CODEC(ZSTD(1)),
    benchmarks Array(Tuple(
        name String,
        kind String,
        metric String,
        survey String,
        dimension String,
        segment String,
        value Float64,
        valid_from Date,
        valid_to Nullable(Date),
        source String)) COMMENT 'Reference lines, as the view benchmarks shows them' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(sequence)
ORDER BY slot
COMMENT 'What people are shown beside the figures: [deployment], [[benchmark]] and the band of each [[survey]]';
