//! How many files are put together at once: each holds a page of its owner's, for as long as it is read.

use crate::error::Problem;
use axum::http::StatusCode;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files at once in one process, and of one account: a connection that was lost may not have been noticed yet.
const OF_ALL: usize = 16;
const OF_ONE: usize = 2;

/// The room for files that are put together.
#[derive(Clone, Default)]
pub(crate) struct Room(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// A place in it, free again once it is dropped.
pub(super) struct Place {
    room: Room,
    account_id: Arc<str>,
}

impl Room {
    /// A place for a file of somebody's.
    ///
    /// # Errors
    /// 429 when theirs are on their way already; 503 when many people's are.
    pub(super) fn enter(&self, account_id: &Arc<str>) -> Result<Place, Problem> {
        let mut room = self.lock();
        if room.values().sum::<usize>() >= OF_ALL {
            return Err(Problem::busy());
        }
        let of_theirs = room.entry(Arc::clone(account_id)).or_default();
        if *of_theirs >= OF_ONE {
            let detail = "Your file is on its way already. If it broke off, please try again in a minute.";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "EXPORT_ON_ITS_WAY", detail));
        }
        *of_theirs += 1;
        Ok(Place { room: self.clone(), account_id: Arc::clone(account_id) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut room = self.room.lock();
        if let Some(of_theirs) = room.get_mut(&self.account_id) {
            *of_theirs -= 1;
            if *of_theirs == 0 {
                room.remove(&self.account_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_two_of_one_person_and_sixteen_of_all() {
        let room = Room::default();
        let person = |number: usize| Arc::from(number.to_string());
        let refused = |room: &Room, number: usize| room.enter(&person(number)).err().unwrap().status.as_u16();
        let mut places: Vec<_> = (0..OF_ALL / OF_ONE)
            .flat_map(|number| [room.enter(&person(number)).unwrap(), room.enter(&person(number)).unwrap()])
            .collect();
        assert_eq!(refused(&room, 99), 503);
        places.pop();
        assert_eq!(refused(&room, 0), 429);
        drop(room.enter(&person(99)).unwrap());
        places.clear();
        assert!(room.lock().is_empty(), "nobody is remembered");
    }
}
