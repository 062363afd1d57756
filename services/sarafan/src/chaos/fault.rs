//! The faults there are: what each is called, and how it is brought about.

use clap::ValueEnum;

/// Something that is done to a running deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Fault {
    /// An ingest dies at a random moment.
    KillIngest,
    /// An ingest dies between producing and committing.
    PointIngest,
    /// An ingest sleeps, and wakes up when its partitions are with others.
    ZombieIngest,
    /// An aggregator dies at a random moment.
    KillAggregator,
    /// An aggregator dies after an insert, before it acts on the acknowledgement.
    PointInsert,
    /// An aggregator dies between tables and ledger.
    PointTables,
    /// An aggregator dies between ledger and commit.
    PointLedger,
    /// An aggregator dies when it has claimed a term.
    PointClaim,
    /// An aggregator dies in a revoke.
    PointRevoke,
    /// An aggregator sleeps, and wakes up when its partitions are with others.
    ZombieAggregator,
    /// Six aggregators come and go.
    RebalanceStorm,
    /// The broker is restarted in an orderly way.
    BrokerRestart,
    /// The broker dies.
    BrokerKill,
    /// The broker answers nobody.
    BrokerFreeze,
    /// ClickHouse dies while it inserts.
    ClickhouseKillInsert,
    /// ClickHouse dies while it merges.
    ClickhouseKillMerge,
    /// ClickHouse answers nobody.
    ClickhouseFreeze,
    /// ClickHouse comes back with older files, and an operator adopts it.
    ClickhouseRestored,
    /// ClickHouse's disk is full.
    DiskFull,
    /// ClickHouse refuses inserts, because of too many parts.
    TooManyParts,
    /// Inserts happen, and their answers are lost.
    AnswerLost,
    /// Inserts are cut off on their way.
    RequestCut,
    /// Every byte to and from ClickHouse is slow.
    SlowNetwork,
    /// Inserts arrive after their sender has given up or died, and another has gone on.
    LateDelivery,
    /// One record in ten cannot be read.
    PoisonFlood,
    /// ClickHouse is away for long while records pour in, and a member goes and comes back meanwhile.
    LongOutage,
}

impl Fault {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What is done, in words that stand in the table of deploy/RELIABILITY.md.
    pub(crate) const fn how(self) -> &'static str {
        match self {
            Self::KillIngest => "SIGKILL of one of two ingests",
            Self::PointIngest => {
                "an ingest aborts after producing, or after the acknowledgement, before the commit"
            }
            Self::ZombieIngest => "SIGSTOP of an ingest beyond its session timeout, then SIGCONT",
            Self::KillAggregator => "SIGKILL of one of two aggregators",
            Self::PointInsert => "an aggregator aborts after an insert, before it reads the acknowledgement",
            Self::PointTables => "an aggregator aborts between the tables of a flush and the ledger",
            Self::PointLedger => "an aggregator aborts between the ledger and the commit",
            Self::PointClaim => "an aggregator aborts right after it has claimed a term",
            Self::PointRevoke => {
                "an aggregator aborts within a revoke: before the ledger, or before its answer"
            }
            Self::ZombieAggregator => "SIGSTOP of an aggregator beyond its session timeout, then SIGCONT",
            Self::RebalanceStorm => "four more aggregators join, leave and die at random, a move each second",
            Self::BrokerRestart => "SIGTERM of the broker, start",
            Self::BrokerKill => "SIGKILL of the broker, start",
            Self::BrokerFreeze => "SIGSTOP of the broker, SIGCONT",
            Self::ClickhouseKillInsert => "SIGKILL of ClickHouse while an insert runs, start",
            Self::ClickhouseKillMerge => "SIGKILL of ClickHouse while a merge runs, start",
            Self::ClickhouseFreeze => "SIGSTOP of ClickHouse, SIGCONT",
            Self::ClickhouseRestored => {
                "ClickHouse comes back with an older copy of its files, aggregators stopped or living on; the one hand of this table: `sarafan adopt --yes`"
            }
            Self::DiskFull => {
                "ClickHouse's disk (a tmpfs) is filled up into its reserve (keep_free_space_bytes), then emptied"
            }
            Self::TooManyParts => "merges stopped, parts_to_throw_insert = 3, then undone",
            Self::AnswerLost => "the proxy lets inserts through and drops two of three answers",
            Self::RequestCut => "the proxy cuts two of three inserts after a random number of bytes",
            Self::SlowNetwork => "the proxy passes 64 kB/s each way, after 100 ms",
            Self::LateDelivery => {
                "the proxy withholds inserts, half the time the aggregators die, and inserts arrive when others have gone on"
            }
            Self::PoisonFlood => "one record in ten is cut in half",
            Self::LongOutage => {
                "SIGSTOP of ClickHouse five times as long, 5 times the records, an aggregator oversleeps meanwhile"
            }
        }
    }

    /// Whether it needs a disk of its own for ClickHouse.
    pub(crate) fn needs_small_disk(self) -> bool {
        self == Self::DiskFull
    }
}
