//! The sign of life of a consumer's loop.

use std::fmt;
use std::sync::Arc;

/// Called whenever the loop, or a handler that keeps it waiting, has got something done: a turn, a batch, an answer, even
/// a refusal. Silence means that nothing moves any more.
#[derive(Clone)]
pub struct Pulse(Arc<dyn Fn() + Send + Sync>);

impl Pulse {
    /// Calls `beat`, which must be quick.
    pub fn new(beat: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(beat))
    }

    /// Something was done.
    pub fn beat(&self) {
        (self.0)();
    }
}

/// Nobody listens.
impl Default for Pulse {
    fn default() -> Self {
        Self::new(|| {})
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pulse")
    }
}
