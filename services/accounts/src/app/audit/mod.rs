//! The audit: what has to be accounted for is recorded in the transaction that does it.
//!
//! [`record`] adds one row and nothing else. It waits for nobody: the chain over the records is made later, by a job,
//! so that those who write never queue for its end. Nothing that a client sends becomes a record; only the use cases
//! call this.

mod checking;
mod forgetting;
mod reads;
mod recording;
mod sealing;
mod verifying;

pub use forgetting::forget_account;
pub use recording::{Record, SealedNote, actor, record, record_at_machine, seal_note};
pub use sealing::{SealingKey, is_waiting, seal_batch, sealing_key, todays_anchor};
pub use verifying::{Verified, verify};
pub(in crate::app) use {
    forgetting::forget,
    reads::of_read,
    recording::{listed, prepare},
};
