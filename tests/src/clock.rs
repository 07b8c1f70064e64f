//! Time that several processes share and a test moves.

use jiff::{SignedDuration, Timestamp};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A file that holds one instant, as `CLOCK__FILE` wants it. Time stands still between moves.
pub struct TestClock {
    path: PathBuf,
    now: Mutex<Timestamp>,
}

impl TestClock {
    /// Writes the file.
    pub fn new(path: impl Into<PathBuf>, start: Timestamp) -> Self {
        let clock = Self { path: path.into(), now: Mutex::new(start) };
        clock.set(start);
        clock
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Now, as every process that reads the file sees it.
    pub fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    /// Moves time to an instant. A reader sees the old one or the new one, never half of one.
    pub fn set(&self, to: Timestamp) {
        let mut now = self.now.lock().unwrap();
        let half = self.path.with_extension("half");
        std::fs::write(&half, to.to_string()).unwrap();
        std::fs::rename(&half, &self.path).unwrap();
        *now = to;
    }

    /// Moves time on.
    pub fn advance(&self, by: SignedDuration) {
        self.set(self.now() + by);
    }

    /// Moves time on by whole days of 24 hours.
    pub fn advance_days(&self, days: i64) {
        self.advance(SignedDuration::from_hours(24 * days));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_follows() {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::new(folder.path().join("clock"), "2026-03-02T09:00:00Z".parse().unwrap());
        clock.advance_days(8);
        assert_eq!(std::fs::read_to_string(clock.path()).unwrap(), "2026-03-10T09:00:00Z");
    }
}
