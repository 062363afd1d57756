//! Points of the code at which a process can be made to die, for the chaos runs: between two steps whose order matters, which
//! a kill from outside meets by chance only.
//!
//! Without the feature `failpoints` nothing of it is in the program.

/// The process dies here, without a goodbye, if the variable `FAILPOINTS` says so of this point. `abort` unwinds nothing and
/// runs no destructor: for everybody outside it is what SIGKILL is.
#[inline]
pub fn pass(point: &'static str) {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(point, |_| std::process::abort());
    #[cfg(not(feature = "failpoints"))]
    let _ = point;
}

/// Reads `FAILPOINTS`, such as `flush.recorded=7*off->return`: dies when that point is passed for the eighth time. To be called
/// once, before anything else runs.
#[cfg(feature = "failpoints")]
pub fn arm() {
    // For as long as the process lives.
    std::mem::forget(fail::FailScenario::setup());
}
