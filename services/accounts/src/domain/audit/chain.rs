//! The chain of batches.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Hashed and signed before everything else, so that a head's bytes are those of nothing else.
const TAG: &[u8] = b"candor.audit.v1.head\0";

/// What the first batch has in the place of the head before it.
pub const GENESIS: [u8; 32] = [0; 32];

/// Records that a batch holds at most.
pub const MOST_RECORDS_OF_A_BATCH: i64 = 4_096;

/// The head of a batch: what is signed, and what the next batch holds the hash of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number; the first is 1.
    pub batch: i64,
    /// The hash of the head before it.
    pub previous: [u8; 32],
    /// The root of the tree over its records' commitments.
    pub root: [u8; 32],
    /// How many records it holds.
    pub records: i32,
    /// How many records the chain holds with it.
    pub total: i64,
    /// When it was sealed, to the microsecond.
    pub sealed_at: Timestamp,
    /// The key that signed it.
    pub key_id: Uuid,
}

impl Head {
    /// What is signed.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = TAG.to_vec();
        bytes.extend_from_slice(&self.batch.to_be_bytes());
        bytes.extend_from_slice(&self.previous);
        bytes.extend_from_slice(&self.root);
        bytes.extend_from_slice(&self.records.to_be_bytes());
        bytes.extend_from_slice(&self.total.to_be_bytes());
        bytes.extend_from_slice(&self.sealed_at.as_microsecond().to_be_bytes());
        bytes.extend_from_slice(self.key_id.as_bytes());
        bytes
    }

    /// What the next batch holds of it, and an anchor outside the database.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }
}
