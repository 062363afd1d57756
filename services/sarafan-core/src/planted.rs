//! Bugs that are planted to prove that the simulation finds them. Without the feature `planted` there are none, and what
//! asks for one is compiled to nothing.

/// Whether the bug of this name is planted: at the line of the rule that it breaks.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub const fn planted(_: &str) -> bool {
    false
}

/// Whether the bug of this name is planted: at the line of the rule that it breaks.
#[cfg(feature = "planted")]
pub fn planted(bug: &str) -> bool {
    if SOUND.get() {
        return false;
    }
    fail::fail_point!(bug, |_| true);
    false
}

/// Does something as it is done without any bug: what others are compared with.
#[cfg(not(feature = "planted"))]
pub fn soundly<T>(action: impl FnOnce() -> T) -> T {
    action()
}

/// Does something as it is done without any bug: what others are compared with.
#[cfg(feature = "planted")]
pub fn soundly<T>(action: impl FnOnce() -> T) -> T {
    SOUND.set(true);
    let done = action();
    SOUND.set(false);
    done
}

#[cfg(feature = "planted")]
thread_local! {
    static SOUND: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
