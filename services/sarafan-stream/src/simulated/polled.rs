//! A future that is polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A future of which one step is one poll. Whether it could go on is not asked for: nobody is woken.
///
/// To be polled inside a tokio runtime whose clock is paused. It is not subject to tokio's budget: that is renewed only when
/// the task of the runtime yields, and a spent one makes everything look as if it were not ready.
pub struct Polled<T>(Option<Pin<Box<dyn Future<Output = T>>>>);

impl<T: 'static> Polled<T> {
    /// Nothing of it happens before the first poll.
    pub fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self(Some(Box::pin(tokio::task::unconstrained(future))))
    }

    /// Polls once. Its outcome when it has ended; it is dropped then.
    pub fn poll(&mut self) -> Option<T> {
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(outcome) = self.0.as_mut()?.as_mut().poll(&mut context) else { return None };
        self.0 = None;
        Some(outcome)
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.0.is_none()
    }
}
