//! Whoever asks for much waits in a line of their own, which is only so long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

/// In one person's line at most: a little more than they may open at once, so that a line costs nobody else their place in
/// the house.
const LONGEST: usize = 128;

/// A line for everybody who waits. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<HashMap<Uuid, Line>>>);

#[derive(Default)]
struct Line {
    turn: Arc<tokio::sync::Mutex<()>>,
    waiting: usize,
}

/// The first place in a line, until it is dropped.
pub(super) struct Place {
    _turn: OwnedMutexGuard<()>,
    _counted: Counted,
}

/// Somebody who is in a line.
struct Counted {
    lines: Lines,
    person: Uuid,
}

impl Lines {
    /// Waits for the first place in the person's line; nothing where it is too long already.
    pub(super) async fn wait(&self, person: Uuid) -> Option<Place> {
        let (turn, counted) = self.join(person)?;
        Some(Place { _turn: turn.lock_owned().await, _counted: counted })
    }

    fn join(&self, person: Uuid) -> Option<(Arc<tokio::sync::Mutex<()>>, Counted)> {
        let mut lines = self.all();
        let line = lines.entry(person).or_default();
        if line.waiting >= LONGEST {
            return None;
        }
        line.waiting += 1;
        Some((Arc::clone(&line.turn), Counted { lines: self.clone(), person }))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Uuid, Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut lines = self.lines.all();
        if let Some(line) = lines.get_mut(&self.person) {
            line.waiting -= 1;
            if line.waiting == 0 {
                lines.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const ANNA: Uuid = Uuid::from_u128(1);
    const BEN: Uuid = Uuid::from_u128(2);

    #[tokio::test]
    async fn a_line_moves_one_by_one_and_nobody_waits_in_anothers() {
        let lines = Lines::default();
        let first = lines.wait(ANNA).await.unwrap();
        let mut second = Box::pin(lines.wait(ANNA));
        assert!((&mut second).now_or_never().is_none());
        assert!(lines.wait(BEN).now_or_never().is_some());
        drop(first);
        assert!(second.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_line_has_an_end_and_leaves_nothing_behind() {
        let lines = Lines::default();
        let first = lines.wait(ANNA).await.unwrap();
        let mut waiting: Vec<_> = (1..LONGEST).map(|_| Box::pin(lines.wait(ANNA))).collect();
        assert!(waiting.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
        assert!(lines.wait(ANNA).now_or_never().unwrap().is_none());
        // Whoever goes away makes room.
        waiting.pop();
        assert!(lines.wait(ANNA).now_or_never().is_none());
        drop((first, waiting));
        assert!(lines.all().is_empty());
    }
}
