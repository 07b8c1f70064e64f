//! Time, injected: nothing else in the workspace asks the machine what time it is.

use jiff::Timestamp;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Tells the time. Clones share the same source.
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    /// A file that holds one RFC 3339 instant; read at every call, so that several processes share it.
    File(PathBuf),
    Manual(Mutex<Timestamp>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// Time as a file says it, for tests over several processes. Without a readable file it is the epoch,
    /// which every check of expiry notices.
    pub fn file(path: PathBuf) -> Self {
        Self(Arc::new(Source::File(path)))
    }

    /// Time that stands still until it is moved with [`Clock::set`].
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Source::Manual(Mutex::new(start))))
    }

    /// Now.
    #[allow(clippy::disallowed_methods)] // the one place
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => Timestamp::now(),
            Source::File(path) => std::fs::read_to_string(path)
                .ok()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(Timestamp::UNIX_EPOCH),
            Source::Manual(instant) => *instant.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a manual clock; any other clock stays as it is.
    pub fn set(&self, to: Timestamp) {
        if let Source::Manual(instant) = &*self.0 {
            *instant.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_clock_follows_its_file() {
        let path = std::env::temp_dir().join(format!("candor-clock-{}", std::process::id()));
        std::fs::write(&path, "2024-03-10T07:30:00Z\n").unwrap();
        let clock = Clock::file(path.clone());
        assert_eq!(clock.now(), "2024-03-10T07:30:00Z".parse().unwrap());
        std::fs::write(&path, "2024-03-17T07:30:00Z").unwrap();
        assert_eq!(clock.now(), "2024-03-17T07:30:00Z".parse().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn a_manual_clock_moves_only_when_it_is_moved() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let shared = clock.clone();
        shared.set(Timestamp::from_second(7).unwrap());
        assert_eq!(clock.now(), Timestamp::from_second(7).unwrap());
    }
}
