//! Bugs that are planted to prove that a simulation finds them. Without the feature `planted` there are none, and what asks
//! for one is compiled to nothing.

/// Whether the bug of this name is planted: at the line of the rule that it breaks.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub(crate) const fn planted(_: &str) -> bool {
    false
}

/// Whether the bug of this name is planted: at the line of the rule that it breaks.
#[cfg(feature = "planted")]
pub(crate) fn planted(bug: &str) -> bool {
    fail::fail_point!(bug, |_| true);
    false
}
