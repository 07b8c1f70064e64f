//! Pages of a list: by key, never by offset, so that what is added meanwhile moves nothing.

use super::Invalid;
use jiff::Timestamp;
use uuid::Uuid;

/// How many items a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(i64);

impl PageSize {
    const DEFAULT: i64 = 20;
    const MOST: i64 = 100;

    /// 1 to 100; 0 means 20.
    ///
    /// # Errors
    /// When it is negative or over 100.
    pub fn parse(size: i32) -> Result<Self, Invalid> {
        match i64::from(size) {
            0 => Ok(Self(Self::DEFAULT)),
            size @ 1..=Self::MOST => Ok(Self(size)),
            _ => Err(Invalid { field: "page_size", description: "must be between 0 and 100" }),
        }
    }

    /// The number of items.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// A place in a list that is ordered newest first: the page begins with what comes after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last item seen.
    pub time: Timestamp,
    /// Its id, which orders items of the same time.
    pub id: Uuid,
}

impl Cursor {
    const VERSION: u8 = 1;
    const LENGTH: usize = 1 + 8 + 16;

    /// Before everything there can be.
    pub fn start() -> Self {
        Self { time: Timestamp::MAX, id: Uuid::max() }
    }

    /// Before everything there can be, in a list that is ordered oldest first.
    pub fn oldest() -> Self {
        Self { time: Timestamp::UNIX_EPOCH, id: Uuid::nil() }
    }

    /// As bytes: a version, microseconds of Unix time, the id.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.push(Self::VERSION);
        bytes.extend_from_slice(&self.time.as_microsecond().to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes
    }

    /// From bytes; `None` when they never were a cursor.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().ok()?;
        let (head, id) = bytes.split_at(9);
        let micros = i64::from_be_bytes(head[1..].try_into().ok()?);
        let time = Timestamp::from_microsecond(micros).ok().filter(|_| head[0] == Self::VERSION)?;
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
        assert_eq!(PageSize::parse(100).unwrap().get(), 100);
        for refused in [-1, 101, i32::MIN, i32::MAX] {
            assert!(PageSize::parse(refused).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_cursor_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(cursor) = Cursor::from_bytes(&bytes) {
                prop_assert_eq!(cursor.to_bytes(), bytes);
            }
        }

        #[test]
        fn a_cursor_survives_its_bytes(micros in 0i64..253_402_207_200_000_000, id in any::<u128>()) {
            let cursor = Cursor { time: Timestamp::from_microsecond(micros).unwrap(), id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::from_bytes(&cursor.to_bytes()), Some(cursor));
        }
    }
}
