//! Pages of a timeline: by key, never by offset, so that what is written meanwhile moves nothing.

use super::Invalid;
use jiff::Timestamp;
use uuid::Uuid;

/// Items on a page when the caller does not say.
pub const DEFAULT_PAGE: i64 = 20;

/// The most items a page may have.
pub const MAX_PAGE: i64 = 100;

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    /// 1 to 100; 0 means 20.
    ///
    /// # Errors
    /// When it is negative or more than 100.
    pub fn parse(size: i32) -> Result<Self, Invalid> {
        match i64::from(size) {
            0 => Ok(Self(DEFAULT_PAGE)),
            size @ 1..=MAX_PAGE => Ok(Self(size)),
            _ => Err(Invalid { field: "page_size", rule: "must be between 0 and 100" }),
        }
    }

    /// The number of items.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A place in a timeline: the page begins with the first item that is older than it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The moment of the last item seen.
    pub time: Timestamp,
    /// Its id, which orders items of the same moment.
    pub id: Uuid,
}

impl Cursor {
    /// The bytes of a cursor: microseconds of Unix time, then the id.
    pub const LENGTH: usize = 24;

    /// Before the newest item there can be.
    pub fn newest() -> Self {
        Self { time: Timestamp::MAX, id: Uuid::max() }
    }

    /// As bytes.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.time.as_microsecond().to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        bytes
    }

    /// From bytes; `None` when they hold no time that can be.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let (time, id) = bytes.split_at(8);
        let time = Timestamp::from_microsecond(i64::from_be_bytes(time.try_into().ok()?)).ok()?;
        Some(Self { time, id: Uuid::from_slice(id).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_page_has_between_1_and_100_items() {
        assert_eq!(PageSize::parse(0).unwrap().get(), 20);
        assert_eq!(PageSize::parse(1).unwrap().get(), 1);
        assert_eq!(PageSize::parse(100).unwrap().get(), 100);
        for refused in [-1, 101, i32::MIN, i32::MAX] {
            assert!(PageSize::parse(refused).is_err());
        }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_its_bytes(micros in -377_705_023_201_000_000i64..253_402_207_200_000_000, id in any::<u128>()) {
            let cursor = Cursor { time: Timestamp::from_microsecond(micros).unwrap(), id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
        }

        #[test]
        fn any_bytes_are_a_cursor_or_nothing(bytes in any::<[u8; Cursor::LENGTH]>()) {
            if let Some(cursor) = Cursor::from_bytes(&bytes) {
                prop_assert_eq!(cursor.to_bytes(), bytes);
            }
        }
    }
}
