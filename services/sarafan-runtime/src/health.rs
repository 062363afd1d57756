//! Whether this process can serve, and whether it is still alive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{IntGaugeVec, Registry};

use crate::{RuntimeError, metrics};

/// All that decides about `/readyz` and `/livez`. Clones share one state.
#[derive(Debug, Clone)]
pub struct Health {
    state: Arc<Mutex<State>>,
    gauges: IntGaugeVec,
}

#[derive(Debug, Default)]
struct State {
    /// Why each condition does not hold; `None` when it does.
    conditions: BTreeMap<&'static str, Option<String>>,
    heartbeats: BTreeMap<&'static str, Beat>,
}

#[derive(Debug)]
struct Beat {
    last: Instant,
    longest_silence: Duration,
}

impl Health {
    /// Health without conditions: ready and alive. Each condition is exported as [`metrics::READY`].
    ///
    /// # Errors
    ///
    /// When the registry holds that metric already.
    pub fn new(registry: &Registry) -> Result<Self, RuntimeError> {
        Ok(Self { state: Arc::default(), gauges: metrics::ready_gauges(registry)? })
    }

    /// Adds a condition for being ready. It does not hold until [`Condition::ready`] is called.
    pub fn condition(&self, name: &'static str) -> Condition {
        let condition = Condition { name, health: self.clone() };
        condition.not_ready("has not started");
        condition
    }

    /// Adds a task that shows that it is alive by [`Heartbeat::beat`], at least once in `longest_silence`. To be used
    /// for loops whose standstill only a restart can end.
    pub fn heartbeat(&self, name: &'static str, longest_silence: Duration) -> Heartbeat {
        let beat = Beat { last: Instant::now(), longest_silence };
        self.state().heartbeats.insert(name, beat);
        Heartbeat { name, health: self.clone() }
    }

    /// What keeps this process from serving, one line per condition; empty when it is ready.
    pub fn not_ready(&self) -> Vec<String> {
        let state = self.state();
        let waiting = state.conditions.iter().filter_map(|(name, reason)| Some((name, reason.as_ref()?)));
        waiting.map(|(name, reason)| format!("{name}: {reason}")).collect()
    }

    /// Tasks that have been silent for too long at `now`, one line each; empty when all are alive.
    pub fn silent(&self, now: Instant) -> Vec<String> {
        let state = self.state();
        let silent = state.heartbeats.iter().map(|(name, beat)| (name, now.duration_since(beat.last), beat));
        silent
            .filter(|(_, silence, beat)| *silence > beat.longest_silence)
            .map(|(name, silence, _)| format!("{name}: silent for {} s", silence.as_secs()))
            .collect()
    }

    fn set(&self, name: &'static str, reason: Option<String>) {
        self.gauges.with_label_values(&[name]).set(i64::from(reason.is_none()));
        self.state().conditions.insert(name, reason);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One condition for being ready.
#[derive(Debug, Clone)]
pub struct Condition {
    name: &'static str,
    health: Health,
}

impl Condition {
    /// It holds from now on.
    pub fn ready(&self) {
        self.health.set(self.name, None);
    }

    /// It does not hold; `reason` is for the person who reads `/readyz`.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.health.set(self.name, Some(reason.into()));
    }
}

/// The sign of life of one task.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    name: &'static str,
    health: Health,
}

impl Heartbeat {
    /// Says that the task is alive.
    pub fn beat(&self) {
        if let Some(beat) = self.health.state().heartbeats.get_mut(self.name) {
            beat.last = Instant::now();
        }
    }

    /// Ends the task's promise, because it has come to its end.
    pub fn finish(self) {
        self.health.state().heartbeats.remove(self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        Health::new(&Registry::new()).unwrap()
    }

    #[test]
    fn ready_only_while_every_condition_holds() {
        let health = health();
        assert!(health.not_ready().is_empty());
        let (store, consumer) = (health.condition("store"), health.condition("consumer"));
        assert_eq!(health.not_ready(), ["consumer: has not started", "store: has not started"]);
        store.ready();
        consumer.ready();
        assert!(health.not_ready().is_empty());
        consumer.not_ready("restoring partition 3");
        assert_eq!(health.not_ready(), ["consumer: restoring partition 3"]);
        assert_eq!(health.gauges.with_label_values(&["store"]).get(), 1);
        assert_eq!(health.gauges.with_label_values(&["consumer"]).get(), 0);
    }

    #[test]
    fn a_silent_task_is_named_until_it_beats_or_finishes() {
        let health = health();
        let now = Instant::now();
        let task = health.heartbeat("consumer", Duration::from_secs(60));
        assert!(health.silent(now + Duration::from_secs(30)).is_empty());
        let later = now + Duration::from_secs(90);
        assert_eq!(health.silent(later), ["consumer: silent for 89 s"]);
        task.beat();
        assert!(health.silent(now + Duration::from_secs(50)).is_empty());
        task.finish();
        assert!(health.silent(later).is_empty());
    }
}
