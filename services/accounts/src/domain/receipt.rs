//! What is known of the reads under one receipt, and what of it its owner may know.

use super::Visibility;
use jiff::Timestamp;
use uuid::Uuid;

/// Ids that a receipt holds at most whose reads are their reader's own.
pub const MOST_ITEMS: usize = 100;
/// Ids that a receipt holds at most whose reads show exactly. Each opening has one of its own then, which is good for ten
/// seconds, so this is more than one person can have read.
pub const MOST_EXACT_ITEMS: usize = 5_000;

/// The reads under a receipt so far. Reads can be added twice and in any order: the end is the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// The earliest; none while the receipt does not count.
    pub read_at: Option<Timestamp>,
    /// What was read, in the order of the ids; of more than a receipt holds those with the lowest.
    pub item_ids: Vec<Uuid>,
    /// The earliest read that the reader wants the owner to know of.
    pub told_at: Option<Timestamp>,
    /// What the reader wants the owner to know of; as `item_ids`.
    pub told_item_ids: Vec<Uuid>,
}

/// One read, as the service that holds the data tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// When.
    pub time: Timestamp,
    /// What.
    pub item_ids: Vec<Uuid>,
    /// Whether the reader wants the owner to know.
    pub told: bool,
}

/// What the owner sees of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// For a partner, when they said so; for others, when they read.
    pub time: Timestamp,
    /// For a partner, what they said they read; for others, what they read.
    pub item_ids: Vec<Uuid>,
}

impl Reads {
    /// The reads with one more.
    #[must_use]
    pub fn with(&self, read: &Read, visibility: Visibility) -> Self {
        let most = match visibility {
            Visibility::WhenTold => MOST_ITEMS,
            Visibility::Exactly => MOST_EXACT_ITEMS,
        };
        let mut all = self.clone();
        all.read_at = earlier(all.read_at, read.time);
        all.item_ids = union(all.item_ids, &read.item_ids, most);
        if read.told {
            all.told_at = earlier(all.told_at, read.time);
            all.told_item_ids = union(all.told_item_ids, &read.item_ids, MOST_ITEMS);
        }
        all
    }

    /// The rule of the ledger (M11). What a partner reads stays theirs, unless they say that they read it; then the
    /// owner learns when they said it and of what, and still not when it was read first or what else. What others
    /// read appears exactly. What was opened and never read appears to nobody.
    pub fn shown(&self, visibility: Visibility) -> Option<Shown> {
        let (time, item_ids) = match visibility {
            Visibility::WhenTold => (self.told_at?, &self.told_item_ids),
            Visibility::Exactly => (self.read_at?, &self.item_ids),
        };
        Some(Shown { time, item_ids: item_ids.clone() })
    }
}

fn earlier(known: Option<Timestamp>, time: Timestamp) -> Option<Timestamp> {
    Some(known.map_or(time, |known| known.min(time)))
}

fn union(mut known: Vec<Uuid>, more: &[Uuid], most: usize) -> Vec<Uuid> {
    known.extend_from_slice(more);
    known.sort_unstable();
    known.dedup();
    known.truncate(most);
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(second: i64, items: &[u128], told: bool) -> Read {
        let item_ids = items.iter().map(|id| Uuid::from_u128(*id)).collect();
        Read { time: Timestamp::from_second(second).unwrap(), item_ids, told }
    }

    fn after(reads: &[Read]) -> Reads {
        reads.iter().fold(Reads::default(), |all, read| all.with(read, Visibility::WhenTold))
    }

    #[test]
    fn a_partners_reads_show_when_they_said_so_and_only_what_they_said() {
        let silent = after(&[read(10, &[1, 2, 3], false), read(20, &[1], false)]);
        assert_eq!(silent.shown(Visibility::WhenTold), None);
        let told = after(&[read(10, &[1, 2, 3], false), read(90, &[2], true), read(95, &[3], false)]);
        let shown = told.shown(Visibility::WhenTold).unwrap();
        assert_eq!((shown.time.as_second(), shown.item_ids), (90, vec![Uuid::from_u128(2)]));
    }

    #[test]
    fn others_reads_show_exactly() {
        let shown =
            after(&[read(20, &[1], false), read(10, &[2], false)]).shown(Visibility::Exactly).unwrap();
        assert_eq!((shown.time.as_second(), shown.item_ids.len()), (10, 2));
    }

    #[test]
    fn what_shows_exactly_leaves_no_item_out_of_a_long_page() {
        let items: Vec<u128> = (0..100).collect();
        let (one, other): (Vec<u128>, Vec<u128>) = (items.clone(), items.iter().map(|id| id + 50).collect());
        let both = |visibility| {
            [&one, &other]
                .into_iter()
                .fold(Reads::default(), |all, items| all.with(&read(10, items, false), visibility))
        };
        assert_eq!(both(Visibility::Exactly).item_ids.len(), 150);
        assert_eq!(both(Visibility::WhenTold).item_ids.len(), MOST_ITEMS);
    }

    #[test]
    fn what_was_never_read_shows_to_nobody() {
        for visibility in [Visibility::WhenTold, Visibility::Exactly] {
            assert_eq!(Reads::default().shown(visibility), None);
        }
    }

    prop_compose! {
        fn any_read()(second in 0i64..50, items in prop::collection::vec(0u128..300, 0..60), told: bool) -> Read {
            read(second, &items, told)
        }
    }

    proptest! {
        #[test]
        fn order_and_duplicates_change_nothing(
            reads in prop::collection::vec(any_read(), 0..8), seed in prop::collection::vec(any::<prop::sample::Index>(), 8),
        ) {
            let mut shuffled = reads.clone();
            for (at, index) in seed.iter().enumerate().take(reads.len()) {
                shuffled.swap(at, index.index(reads.len()));
                shuffled.push(reads[index.index(reads.len())].clone());
            }
            let (one, other) = (after(&reads), after(&shuffled));
            prop_assert!(one.item_ids.len() <= MOST_ITEMS);
            prop_assert_eq!(one, other);
        }

        #[test]
        fn without_telling_a_partner_leaves_no_trace(reads in prop::collection::vec(any_read(), 0..8)) {
            let silent: Vec<_> = reads.into_iter().map(|read| Read { told: false, ..read }).collect();
            prop_assert_eq!(after(&silent).shown(Visibility::WhenTold), None);
        }
    }
}
