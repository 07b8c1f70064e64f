//! The audit: what has to be accounted for is recorded in the transaction that does it.
//!
//! [`record`] adds one row and nothing else. It waits for nobody: the chain over the records is made later, by a job,
//! so that those who write never queue for its end. Nothing that a client sends becomes a record; only the use cases
//! call this.

mod recording;

pub use recording::{Record, SealedNote, actor, record, seal_note};
