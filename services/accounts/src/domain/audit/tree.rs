//! The Merkle tree over a batch's commitments, made while they pass by: it remembers one hash a level.

use sha2::{Digest as _, Sha256};

/// A tree that grows a leaf at a time. Leaves and inner nodes are hashed apart, so that neither passes for the other.
#[derive(Default)]
pub struct Tree {
    /// The roots of the full trees so far, the largest first, each with its height.
    full: Vec<(u32, [u8; 32])>,
}

impl Tree {
    /// Adds the next commitment.
    pub fn add(&mut self, commitment: &[u8; 32]) {
        let mut root: [u8; 32] = Sha256::new().chain_update([0]).chain_update(commitment).finalize().into();
        let mut height = 0;
        while let Some((_, left)) = self.full.pop_if(|(other, _)| *other == height) {
            root = joined(&left, &root);
            height += 1;
        }
        self.full.push((height, root));
    }

    /// The root over everything so far.
    pub fn root(&self) -> [u8; 32] {
        let mut roots = self.full.iter().rev().map(|(_, root)| *root);
        let smallest = roots.next().unwrap_or([0; 32]);
        roots.fold(smallest, |right, left| joined(&left, &right))
    }
}

fn joined(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same by the book: split at the largest power of two below the number of leaves.
    fn by_the_book(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => [0; 32],
            [leaf] => Sha256::new().chain_update([0]).chain_update(leaf).finalize().into(),
            more => {
                let half = more.len().next_power_of_two() / 2;
                joined(&by_the_book(&more[..half]), &by_the_book(&more[half..]))
            }
        }
    }

    fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.add(leaf));
        tree.root()
    }

    proptest! {
        #[test]
        fn growing_and_splitting_come_to_the_same_root(leaves in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
            prop_assert_eq!(root(&leaves), by_the_book(&leaves));
        }

        #[test]
        fn whatever_changes_changes_the_root(
            leaves in prop::collection::vec(any::<[u8; 32]>(), 1..40), at: prop::sample::Index, with: [u8; 32],
        ) {
            let (was, at) = (root(&leaves), at.index(leaves.len()));
            let mut changed = leaves.clone();
            changed[at] = with;
            prop_assert_eq!(root(&changed) == was, changed == leaves);
            let mut removed = leaves.clone();
            removed.remove(at);
            prop_assert_ne!(root(&removed), was);
            let mut added = leaves.clone();
            added.insert(at, with);
            prop_assert_ne!(root(&added), was);
            let mut turned = leaves.clone();
            turned.reverse();
            prop_assert_eq!(root(&turned) == was, turned == leaves);
        }
    }
}
