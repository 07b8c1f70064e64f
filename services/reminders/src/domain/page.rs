//! Lists in pages.

use super::Invalid;
use jiff::Timestamp;
use uuid::Uuid;

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    const DEFAULT: i64 = 20;
    const MAX: i64 = 100;

    /// 1 to 100; 0 means 20.
    ///
    /// # Errors
    /// When it is negative or over 100.
    pub fn parse(size: i32) -> Result<Self, Invalid> {
        match i64::from(size) {
            0 => Ok(Self(Self::DEFAULT)),
            size @ 1..=Self::MAX => Ok(Self(size)),
            _ => Err(Invalid { field: "page_size", rule: "must be between 0 and 100" }),
        }
    }

    /// The number of items.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// The lists that have pages; a cursor of one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum List {
    /// Schedules, soonest first.
    Schedules = 1,
    /// The inbox, newest first.
    Inbox = 2,
}

/// A place in a list: the page holds what comes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last item seen.
    pub time: Timestamp,
    /// Its id, which orders items of the same time.
    pub id: Uuid,
}

impl Cursor {
    /// Before everything that is ordered soonest first; nothing here is older than 1970.
    pub const SOONEST: Self = Self { time: Timestamp::UNIX_EPOCH, id: Uuid::nil() };
    /// Before everything that is ordered newest first.
    pub const NEWEST: Self = Self { time: Timestamp::MAX, id: Uuid::max() };
    const LENGTH: usize = 25;

    /// The list, microseconds of Unix time, the id.
    pub fn to_bytes(self, list: List) -> Vec<u8> {
        let mut bytes = vec![list as u8];
        bytes.extend_from_slice(&self.time.as_microsecond().to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }

    /// None when the bytes are no cursor of this list.
    pub fn from_bytes(list: List, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::LENGTH || bytes[0] != list as u8 {
            return None;
        }
        let (time, id) = bytes[1..].split_at(8);
        let time = Timestamp::from_microsecond(i64::from_be_bytes(time.try_into().ok()?)).ok()?;
        // Databases know less of the past than the calendar does.
        if time < Self::SOONEST.time {
            return None;
        }
        Some(Self { time, id: Uuid::from_slice(id).ok()? })
    }
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From one item more than the page may have, if there is one.
    pub fn new(mut items: Vec<T>, size: PageSize, cursor: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(size.get()).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list_only() {
        let cursor = Cursor { time: Timestamp::UNIX_EPOCH, id: Uuid::from_u128(3) };
        let bytes = cursor.to_bytes(List::Inbox);
        assert_eq!(Cursor::from_bytes(List::Inbox, &bytes), Some(cursor));
        assert_eq!(Cursor::from_bytes(List::Schedules, &bytes), None);
        assert_eq!(Cursor::from_bytes(List::Inbox, &bytes[1..]), None);
        let before_all_schedules = Cursor { time: Timestamp::MIN, ..cursor };
        assert_eq!(Cursor::from_bytes(List::Inbox, &before_all_schedules.to_bytes(List::Inbox)), None);
    }

    #[test]
    fn a_page_has_between_1_and_100_items() {
        assert_eq!([0, 1, 100].map(|size| PageSize::parse(size).unwrap().get()), [20, 1, 100]);
        assert!([-1, 101, i32::MIN].iter().all(|size| PageSize::parse(*size).is_err()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_cursor_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(cursor) = Cursor::from_bytes(List::Inbox, &bytes) {
                prop_assert_eq!(cursor.to_bytes(List::Inbox), bytes);
            }
        }
    }
}
