//! What has to be accounted for, and the chain that shows when somebody changed it afterwards.
//!
//! A record's *commitment* is a hash over a random salt and its content. Commitments become the leaves of a batch's
//! Merkle tree; a batch's head holds the root and the head before it, and is signed. Without its salt and content a
//! record says nothing any more, and the chain over its commitment still holds: that is how erasure leaves it whole.

mod act;
mod anchor;
mod chain;
mod content;
mod finding;
mod read;
mod tree;

pub use act::{Action, Actor, ActorKind, Details, Subject, SubjectKind};
pub use anchor::{Anchor, day, hex};
pub use chain::{GENESIS, Head, MOST_RECORDS_OF_A_BATCH};
pub use content::{Content, commitment};
pub use finding::Finding;
pub use read::{ExactRead, own_read};
pub use tree::Tree;
