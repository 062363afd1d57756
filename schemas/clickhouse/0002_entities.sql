-- Entities (one row per key and id, all that the join needs to go on and what follows for it) and what is derived for customers.

CREATE TABLE IF NOT EXISTS {store}.orders
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    first_version UInt64 COMMENT 'Version of the first row of the entity' CODEC(Delta, ZSTD(1)),
    erased Bool COMMENT 'Erased: content is blanked for ever, the empty row stays',
    stamp UInt128 COMMENT 'Place in the order of versions (updated_at, mapping revision, record hash) of all fields but later_fields' CODEC(ZSTD(1)),
    later_fields Array(String) COMMENT 'Fields whose stamp is not stamp' CODEC(ZSTD(1)),
    later_stamps Array(UInt128) COMMENT 'Stamp of each of later_fields, in the same order' CODEC(ZSTD(1)),
    cleared Array(String) COMMENT 'Fields that an explicit null has emptied' CODEC(ZSTD(1)),
    ordered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the purchase was made' CODEC(Delta, ZSTD(1)),
    status LowCardinality(Nullable(String)) COMMENT 'pending, placed, paid, shipped, delivered, completed, cancelled, returned or failed',
    kind LowCardinality(Nullable(String)) COMMENT 'sale, exchange, replacement or sample; NULL is a sale',
    amount Nullable(Decimal(18, 4)) COMMENT 'Goods after discounts, without tax and shipping' CODEC(ZSTD(1)),
    tax Nullable(Decimal(18, 4)) COMMENT 'Tax' CODEC(ZSTD(1)),
    shipping Nullable(Decimal(18, 4)) COMMENT 'Shipping' CODEC(ZSTD(1)),
    discount Nullable(Decimal(18, 4)) COMMENT 'Discount' CODEC(ZSTD(1)),
    bonus_spent Nullable(Decimal(18, 4)) COMMENT 'Paid with loyalty points, in money' CODEC(ZSTD(1)),
    margin Nullable(Decimal(18, 4)) COMMENT 'Margin, as the record says' CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)) COMMENT 'Currency of all its money',
    purchase_id Nullable(String) COMMENT 'Purchase that the order is a part of; NULL: the order is a purchase of its own' CODEC(ZSTD(1)),
    channel LowCardinality(Nullable(String)) COMMENT 'Sales channel',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    seller LowCardinality(Nullable(String)) COMMENT 'Seller',
    manager LowCardinality(Nullable(String)) COMMENT 'Manager',
    campaign LowCardinality(Nullable(String)) COMMENT 'Campaign',
    referred_by Nullable(String) COMMENT 'Customer who referred the buyer' CODEC(ZSTD(1)),
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the fact counts in no figure: test, employee, reseller, fraud, ...',
    moved Nullable(Bool) COMMENT 'Lives under another key now; dominates every status',
    deleted Nullable(Bool) COMMENT 'Taken out of the facts',
    attribute_names Array(String) COMMENT 'Free attributes that a dimension reads' CODEC(ZSTD(1)),
    attribute_values Array(String) COMMENT 'Value of each of attribute_names, in the same order' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    latest_stamp UInt128 COMMENT 'Greatest stamp of any field' CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made' CODEC(Delta, ZSTD(1)),
    day Nullable(Date) COMMENT 'Calendar day of ordered_at in the reporting time zone' CODEC(Delta, ZSTD(1)),
    counted Bool COMMENT 'Whether it counts (METRICS 1)',
    refunded Decimal(18, 4) COMMENT 'Refunds that name the order, at most its amount' CODEC(ZSTD(1)),
    over_refunded Decimal(38, 4) COMMENT 'Refunds that name the order beyond its amount' CODEC(ZSTD(1)),
    revenue Decimal(18, 4) COMMENT 'amount - refunded, of a counted order' CODEC(ZSTD(1)),
    net_margin Decimal(38, 4) COMMENT 'Margin after refunds, of a counted order' CODEC(ZSTD(1)),
    nth Nullable(UInt32) COMMENT 'The purchase of the customer that it belongs to: 1, 2, 3, ...; NULL of a guest and when not counted',
    is_first Bool COMMENT 'Whether it is the first counted order of its customer',
    days_since_previous Nullable(UInt32) COMMENT 'Whole days since the customer\'s purchase before; NULL of the first'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key, id)
COMMENT 'Orders, one row per key and order id and version (METRICS 1)';

CREATE TABLE IF NOT EXISTS {store}.refunds
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    first_version UInt64 COMMENT 'Version of the first row of the entity' CODEC(Delta, ZSTD(1)),
    erased Bool COMMENT 'Erased: content is blanked for ever, the empty row stays',
    stamp UInt128 COMMENT 'Place in the order of versions (updated_at, mapping revision, record hash) of all fields but later_fields' CODEC(ZSTD(1)),
    later_fields Array(String) COMMENT 'Fields whose stamp is not stamp' CODEC(ZSTD(1)),
    later_stamps Array(UInt128) COMMENT 'Stamp of each of later_fields, in the same order' CODEC(ZSTD(1)),
    cleared Array(String) COMMENT 'Fields that an explicit null has emptied' CODEC(ZSTD(1)),
    refunded_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the money was given back' CODEC(Delta, ZSTD(1)),
    amount Nullable(Decimal(18, 4)) COMMENT 'Money given back' CODEC(ZSTD(1)),
    margin Nullable(Decimal(18, 4)) COMMENT 'Margin given back, as the record says' CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)) COMMENT 'Currency',
    order_id Nullable(String) COMMENT 'Order that it names; NULL: none, it reduces the customer\'s revenue on its own day' CODEC(ZSTD(1)),
    channel LowCardinality(Nullable(String)) COMMENT 'Sales channel',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    reason LowCardinality(Nullable(String)) COMMENT 'Reason',
    moved Nullable(Bool) COMMENT 'Lives under another key now; dominates every status',
    deleted Nullable(Bool) COMMENT 'Taken out of the facts',
    attribute_names Array(String) COMMENT 'Free attributes that a dimension reads' CODEC(ZSTD(1)),
    attribute_values Array(String) COMMENT 'Value of each of attribute_names, in the same order' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    latest_stamp UInt128 COMMENT 'Greatest stamp of any field' CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made' CODEC(Delta, ZSTD(1)),
    day Nullable(Date) COMMENT 'Calendar day of refunded_at in the reporting time zone' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key, id)
COMMENT 'Refunds, one row per key and refund id and version (METRICS 1)';

CREATE TABLE IF NOT EXISTS {store}.survey_responses
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    first_version UInt64 COMMENT 'Version of the first row of the entity' CODEC(Delta, ZSTD(1)),
    erased Bool COMMENT 'Erased: content is blanked for ever, the empty row stays',
    stamp UInt128 COMMENT 'Place in the order of versions (updated_at, mapping revision, record hash) of all fields but later_fields' CODEC(ZSTD(1)),
    later_fields Array(String) COMMENT 'Fields whose stamp is not stamp' CODEC(ZSTD(1)),
    later_stamps Array(UInt128) COMMENT 'Stamp of each of later_fields, in the same order' CODEC(ZSTD(1)),
    cleared Array(String) COMMENT 'Fields that an explicit null has emptied' CODEC(ZSTD(1)),
    survey LowCardinality(Nullable(String)) COMMENT 'Survey',
    answered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the answer was given' CODEC(Delta, ZSTD(1)),
    score Nullable(Int8) COMMENT 'Score 0..10; NULL: answered without a score',
    reasons Array(String) COMMENT 'Reasons named' CODEC(ZSTD(1)),
    channel LowCardinality(Nullable(String)) COMMENT 'Channel of the survey',
    touchpoint LowCardinality(Nullable(String)) COMMENT 'Touchpoint asked about',
    wave LowCardinality(Nullable(String)) COMMENT 'Wave',
    language LowCardinality(Nullable(String)) COMMENT 'Language',
    manager LowCardinality(Nullable(String)) COMMENT 'Manager',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    order_id Nullable(String) COMMENT 'Order asked about' CODEC(ZSTD(1)),
    invitation_id Nullable(String) COMMENT 'Invitation answered' CODEC(ZSTD(1)),
    respondent_id Nullable(String) COMMENT 'Respondent, when the customer is not known' CODEC(ZSTD(1)),
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the fact counts in no figure: test, employee, reseller, fraud, ...',
    moved Nullable(Bool) COMMENT 'Lives under another key now; dominates every status',
    deleted Nullable(Bool) COMMENT 'Taken out of the facts',
    attribute_names Array(String) COMMENT 'Free attributes that a dimension reads' CODEC(ZSTD(1)),
    attribute_values Array(String) COMMENT 'Value of each of attribute_names, in the same order' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    latest_stamp UInt128 COMMENT 'Greatest stamp of any field' CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made' CODEC(Delta, ZSTD(1)),
    day Nullable(Date) COMMENT 'Calendar day of answered_at in the reporting time zone' CODEC(Delta, ZSTD(1)),
    counted Bool COMMENT 'Whether it counts: not excluded, and the latest scored answer to its invitation (METRICS 1)',
    superseded_on Nullable(Date) COMMENT 'Day of the next scored answer of the same customer to the same survey; NULL: it is the latest' CODEC(Delta, ZSTD(1)),
    dimensions Array(String) COMMENT 'Dimensions that cut it, without all' CODEC(ZSTD(1)),
    segments Array(String) COMMENT 'Segment in each of dimensions, in the same order' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key, id)
COMMENT 'Survey responses, one row per key and response id and version (METRICS 1)';

CREATE TABLE IF NOT EXISTS {store}.survey_invitations
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    first_version UInt64 COMMENT 'Version of the first row of the entity' CODEC(Delta, ZSTD(1)),
    erased Bool COMMENT 'Erased: content is blanked for ever, the empty row stays',
    stamp UInt128 COMMENT 'Place in the order of versions (updated_at, mapping revision, record hash) of all fields but later_fields' CODEC(ZSTD(1)),
    later_fields Array(String) COMMENT 'Fields whose stamp is not stamp' CODEC(ZSTD(1)),
    later_stamps Array(UInt128) COMMENT 'Stamp of each of later_fields, in the same order' CODEC(ZSTD(1)),
    cleared Array(String) COMMENT 'Fields that an explicit null has emptied' CODEC(ZSTD(1)),
    survey LowCardinality(Nullable(String)) COMMENT 'Survey',
    invited_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When the question was asked' CODEC(Delta, ZSTD(1)),
    status LowCardinality(Nullable(String)) COMMENT 'sent, delivered or bounced',
    channel LowCardinality(Nullable(String)) COMMENT 'Channel of the survey',
    touchpoint LowCardinality(Nullable(String)) COMMENT 'Touchpoint asked about',
    manager LowCardinality(Nullable(String)) COMMENT 'Manager',
    store LowCardinality(Nullable(String)) COMMENT 'Store',
    order_id Nullable(String) COMMENT 'Order asked about' CODEC(ZSTD(1)),
    reminder_of Nullable(String) COMMENT 'Invitation that it reminds of; a reminder is part of that' CODEC(ZSTD(1)),
    moved Nullable(Bool) COMMENT 'Lives under another key now; dominates every status',
    deleted Nullable(Bool) COMMENT 'Taken out of the facts',
    attribute_names Array(String) COMMENT 'Free attributes that a dimension reads' CODEC(ZSTD(1)),
    attribute_values Array(String) COMMENT 'Value of each of attribute_names, in the same order' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    latest_stamp UInt128 COMMENT 'Greatest stamp of any field' CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made' CODEC(Delta, ZSTD(1)),
    day Nullable(Date) COMMENT 'Calendar day of invited_at in the reporting time zone' CODEC(Delta, ZSTD(1)),
    counted Bool COMMENT 'Whether it counts: not excluded, not a reminder',
    reminders UInt32 COMMENT 'Reminders of it',
    response_id Nullable(String) COMMENT 'Latest scored answer to it' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key, id)
COMMENT 'Survey invitations, one row per key and invitation id and version (METRICS 1)';

CREATE TABLE IF NOT EXISTS {store}.customers
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    id String COMMENT 'Id of the entity' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    first_version UInt64 COMMENT 'Version of the first row of the entity' CODEC(Delta, ZSTD(1)),
    erased Bool COMMENT 'Erased: content is blanked for ever, the empty row stays',
    stamp UInt128 COMMENT 'Place in the order of versions (updated_at, mapping revision, record hash) of all fields but later_fields' CODEC(ZSTD(1)),
    later_fields Array(String) COMMENT 'Fields whose stamp is not stamp' CODEC(ZSTD(1)),
    later_stamps Array(UInt128) COMMENT 'Stamp of each of later_fields, in the same order' CODEC(ZSTD(1)),
    cleared Array(String) COMMENT 'Fields that an explicit null has emptied' CODEC(ZSTD(1)),
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the fact counts in no figure: test, employee, reseller, fraud, ...',
    deleted Nullable(Bool) COMMENT 'Taken out of the facts',
    attribute_names Array(String) COMMENT 'Free attributes that a dimension reads' CODEC(ZSTD(1)),
    attribute_values Array(String) COMMENT 'Value of each of attribute_names, in the same order' CODEC(ZSTD(1)),
    source LowCardinality(String) COMMENT 'Configured source of the latest record',
    latest_stamp UInt128 COMMENT 'Greatest stamp of any field' CODEC(ZSTD(1)),
    updated_at DateTime64(6, 'UTC') COMMENT 'When the latest record says it was made' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key, id)
COMMENT 'Customer records, one row per key and version; what is derived is in customer_figures (METRICS 1)';

CREATE TABLE IF NOT EXISTS {store}.customer_figures
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    excluded_reason LowCardinality(Nullable(String)) COMMENT 'Why the fact counts in no figure: test, employee, reseller, fraud, ...',
    first_order_at Nullable(DateTime64(6, 'UTC')) COMMENT 'First counted order' CODEC(Delta, ZSTD(1)),
    last_order_at Nullable(DateTime64(6, 'UTC')) COMMENT 'Latest counted order' CODEC(Delta, ZSTD(1)),
    first_day Nullable(Date) COMMENT 'Day of the first purchase' CODEC(Delta, ZSTD(1)),
    last_day Nullable(Date) COMMENT 'Day of the latest purchase' CODEC(Delta, ZSTD(1)),
    orders UInt32 COMMENT 'Counted orders',
    purchases UInt32 COMMENT 'Purchases: counted orders, those of one purchase_id taken as one',
    answers UInt32 COMMENT 'Scored answers that count, of all surveys',
    years_bought UInt16 COMMENT 'Calendar years with a purchase',
    latest_score Nullable(Int8) COMMENT 'Latest score in the headline survey',
    latest_answered_at Nullable(DateTime64(6, 'UTC')) COMMENT 'When that was answered' CODEC(Delta, ZSTD(1)),
    referred_by Nullable(String) COMMENT 'Customer named by the first counted order as who referred' CODEC(ZSTD(1)),
    dimensions Array(String) COMMENT 'Dimensions that cut it, without all' CODEC(ZSTD(1)),
    segments Array(String) COMMENT 'Segment in each of dimensions, in the same order' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key)
COMMENT 'What is derived for a customer from all its records, one row per key and version';

CREATE TABLE IF NOT EXISTS {store}.customer_money
(
    epoch UInt64 COMMENT 'Hash of the definitions that the row follows',
    key String COMMENT 'Canonical key: c:<customer>, else o:<order>, else e:<own id>' CODEC(ZSTD(1)),
    key_hash UInt32 COMMENT 'murmur2(key) & 0x7fffffff: key_hash % partitions is the partition',
    version UInt64 COMMENT 'Topic generation << 48 | position of the shard at the flush' CODEC(Delta, ZSTD(1)),
    currency Array(String) COMMENT 'Currencies of its counted orders, sorted' CODEC(ZSTD(1)),
    orders Array(Int64) COMMENT 'Counted orders, in the order of currency' CODEC(ZSTD(1)),
    purchases Array(Int64) COMMENT 'Purchases, in the order of currency' CODEC(ZSTD(1)),
    months_487 Array(Int64) COMMENT 'Lifetime in 1/487 month: max(487, 16 x days from first to last purchase) (METRICS 4), in the order of currency' CODEC(ZSTD(1)),
    gross Array(Decimal(38, 4)) COMMENT 'Sum of amounts of counted orders, in the order of currency' CODEC(ZSTD(1)),
    refunded Array(Decimal(38, 4)) COMMENT 'Refunds, those that name no order included, in the order of currency' CODEC(ZSTD(1)),
    revenue Array(Decimal(38, 4)) COMMENT 'gross - refunded, in the order of currency' CODEC(ZSTD(1)),
    margin Array(Decimal(38, 4)) COMMENT 'Margin after refunds, in the order of currency' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY epoch
ORDER BY (epoch, key)
COMMENT 'Sums of a customer\'s money, one element per currency and one row per key and version: a currency that it has no more leaves with the next row';
