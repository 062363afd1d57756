//! What falls due, soonest first.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

/// Things that fall due. Of two at one moment the one that was put in first comes first, so that the order is always
/// the same.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    heap: BinaryHeap<Reverse<Due<T>>>,
    next: u64,
}

#[derive(Debug)]
struct Due<T> {
    at: Timestamp,
    place: u64,
    what: T,
}

impl<T> Due<T> {
    fn rank(&self) -> (Timestamp, u64) {
        (self.at, self.place)
    }
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Due<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), next: 0 }
    }

    pub(crate) fn push(&mut self, at: Timestamp, what: T) {
        self.heap.push(Reverse(Due { at, place: self.next, what }));
        self.next += 1;
    }

    /// The next thing and when it falls due.
    pub(crate) fn pop(&mut self) -> Option<(Timestamp, T)> {
        self.heap.pop().map(|Reverse(due)| (due.at, due.what))
    }

    /// The next thing, if it falls due before `end`.
    pub(crate) fn pop_before(&mut self, end: Timestamp) -> Option<(Timestamp, T)> {
        let Reverse(first) = self.heap.peek()?;
        if first.at < end { self.pop() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soonest_comes_first_and_equals_in_the_order_they_were_put_in() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut queue = Queue::new();
        for (second, what) in [(2, "c"), (1, "a"), (2, "d"), (1, "b")] {
            queue.push(at(second), what);
        }
        assert_eq!(queue.pop_before(at(1)), None);
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(_, what)| what).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
    }
}
