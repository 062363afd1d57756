-- Details: fields that no figure needs, kept by ClickHouse alone. The same join as that of entities, done by merging on stamp (DESIGN 2.1).

CREATE TABLE IF NOT EXISTS {store}.details
(
    subject LowCardinality(String) COMMENT 'Kind of the entity: order, survey_response, ...',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    field LowCardinality(String) COMMENT 'Field: comment, answers.<question>, attributes.<name>, ...',
    value Nullable(String) COMMENT 'Value; NULL: cleared' CODEC(ZSTD(1)),
    stamp UInt128 COMMENT 'Place in the order of versions: the greatest wins' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition'
)
ENGINE = ReplacingMergeTree(stamp)
ORDER BY (subject, key, id, field)
COMMENT 'Detail fields, one row per entity, field and stamp';

CREATE TABLE IF NOT EXISTS {store}.order_items
(
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Order id' CODEC(ZSTD(1)),
    sku Array(String) COMMENT 'Stock-keeping unit of each line, in the order of the lines' CODEC(ZSTD(1)),
    category Array(String) COMMENT 'Category of each line, in the order of the lines; empty when unknown' CODEC(ZSTD(1)),
    brand Array(String) COMMENT 'Brand of each line, in the order of the lines; empty when unknown' CODEC(ZSTD(1)),
    quantity Array(Decimal(18, 4)) COMMENT 'Quantity of each line, in the order of the lines' CODEC(ZSTD(1)),
    price Array(Decimal(18, 4)) COMMENT 'Price of one of each line, in the order of the lines' CODEC(ZSTD(1)),
    amount Array(Decimal(18, 4)) COMMENT 'Amount of each line, in the order of the lines' CODEC(ZSTD(1)),
    stamp UInt128 COMMENT 'Place in the order of versions: the greatest wins' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition'
)
ENGINE = ReplacingMergeTree(stamp)
ORDER BY (key, id)
COMMENT 'Lines of orders, one row per order and stamp';
