//! How much memory a process has, and how much it may have.

use std::collections::BTreeMap;

use anyhow::ensure;

/// The most resident memory that any process of a command had, MiB.
pub(crate) type Peaks = BTreeMap<&'static str, u64>;

/// What a process of each command may have at most in any run, MiB, whatever happens to it. The state of a run is a few
/// MiB: the rest is what the client fetches ahead (64 MiB), a batch with its blocks, and what the allocator keeps of
/// them. An ingest has the limit of its container.
const BOUNDS: [(&str, u64); 2] = [("ingest", 512), ("aggregate", 768)];

/// Fails when a service was larger than it may be.
pub(super) fn bounded(peaks: &Peaks) -> anyhow::Result<()> {
    for (command, bound) in BOUNDS {
        let peak = peaks.get(command).copied().unwrap_or(0);
        ensure!(peak > 0, "nobody measured the memory of `sarafan {command}`");
        ensure!(peak <= bound, "`sarafan {command}` grew to {peak} MiB; {bound} are allowed");
    }
    Ok(())
}

/// Resident memory of a process in MiB, as the kernel counts it; none when it has ended.
pub(super) fn resident_mib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_outgrows_its_bound_or_was_not_measured_fails_the_run() {
        let peaks = |ingest, aggregate| Peaks::from([("ingest", ingest), ("aggregate", aggregate)]);
        assert!(bounded(&peaks(100, 200)).is_ok());
        assert!(bounded(&peaks(513, 200)).is_err() && bounded(&peaks(100, 769)).is_err());
        assert!(bounded(&peaks(0, 200)).is_err() && bounded(&Peaks::default()).is_err());
    }

    #[test]
    fn a_running_process_has_memory_and_one_that_ended_has_none() {
        assert!(resident_mib(std::process::id()).unwrap() > 0);
        assert_eq!(resident_mib(u32::MAX), None);
    }
}
