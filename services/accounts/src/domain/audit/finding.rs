//! What can be wrong with the chain, each in one sentence.

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

/// Something that is not as it was sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A batch's row is gone from the middle.
    #[error("batch {0} is missing: it was removed")]
    BatchMissing(i64),
    /// A batch does not follow the one before it.
    #[error("batch {0} does not follow batch {before}: one of the two was written anew", before = .0 - 1)]
    BatchUnchained(i64),
    /// A head is not what was signed.
    #[error("the head of batch {0} is not what was signed: it was changed")]
    BatchUnsigned(i64),
    /// A head is signed with a key that the anchors do not know.
    #[error("batch {0} is signed with a key that no anchor knows: it was written by somebody else")]
    KeyUnknown(i64),
    /// The commitments of a batch are not those whose root was signed.
    #[error("the list of commitments in batch {0} is not what was sealed: it was changed")]
    CommitmentsChanged(i64),
    /// There is no record at a place.
    #[error("the record at place {position} of batch {batch} is missing: it was removed")]
    RecordMissing {
        /// The batch.
        batch: i64,
        /// The place, counted from 0.
        position: i64,
    },
    /// Another record stands at a place, and the right one at another.
    #[error(
        "record {record_id} stands at place {position} of batch {batch}, but was sealed at another: it was moved"
    )]
    RecordMoved {
        /// The record.
        record_id: Uuid,
        /// The batch.
        batch: i64,
        /// The place.
        position: i64,
    },
    /// A record's commitment is not the one that was sealed.
    #[error(
        "record {record_id} at place {position} of batch {batch} is not the one that was sealed there: it was exchanged"
    )]
    RecordExchanged {
        /// The record.
        record_id: Uuid,
        /// The batch.
        batch: i64,
        /// The place.
        position: i64,
    },
    /// A record's content does not fit its commitment.
    #[error("record {record_id} of batch {batch} does not say what it said: it was changed")]
    RecordChanged {
        /// The record.
        record_id: Uuid,
        /// The batch.
        batch: i64,
    },
    /// A record has a place that was never given.
    #[error(
        "record {record_id} claims place {position} of batch {batch}, which was never given: it was inserted"
    )]
    RecordInserted {
        /// The record.
        record_id: Uuid,
        /// The batch.
        batch: i64,
        /// The place.
        position: i64,
    },
    /// A record says that it was made long before it could have been sealed.
    #[error(
        "record {record_id} says it is of {recorded_at}, but everything of that time was sealed by {sealed_at}: it was inserted later"
    )]
    RecordBackdated {
        /// The record.
        record_id: Uuid,
        /// What it says.
        recorded_at: Timestamp,
        /// When the batch before its own was sealed.
        sealed_at: Timestamp,
    },
    /// More records are without content than erasures account for.
    #[error(
        "{bare} records are without content, but erasures account for {erased}: content was taken away by hand"
    )]
    ContentTaken {
        /// How many are.
        bare: i64,
        /// How many were erased.
        erased: i64,
    },
    /// There is no receipt of a read that was recorded.
    #[error("receipt {0} of a read that was recorded is missing: it was removed")]
    ReadMissing(Uuid),
    /// A receipt is not what was recorded of the read.
    #[error("receipt {0} says something else than what was recorded of the read: it was changed")]
    ReadChanged(Uuid),
    /// The chain ends before an anchor.
    #[error(
        "the anchor of {day} knows batch {batch}, but the chain ends at batch {last}: its end was removed"
    )]
    TailMissing {
        /// The anchor's day.
        day: Date,
        /// Its batch.
        batch: i64,
        /// The last batch there is.
        last: i64,
    },
    /// A batch is not the one that was anchored.
    #[error("batch {batch} is not the one that was anchored on {day}: the chain was written anew")]
    Rewritten {
        /// The anchor's day.
        day: Date,
        /// Its batch.
        batch: i64,
    },
    /// An anchor is not what was signed.
    #[error("the anchor of {0} does not fit its signature: it was changed")]
    AnchorChanged(Date),
}
