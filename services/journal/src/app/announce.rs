//! The events the journal emits: ids, kinds, numbers and times. Each is appended in the transaction that makes it true.

use crate::domain::Facts;
use crate::store::shares::ShareFacts;
use bus::Envelope;
use candor_proto::journal::v1::{DataRead, EntryWritten, ItemShared, ShareAnswered, ShareWithdrawn};
use chassis::identity::Capability;
use jiff::Timestamp;
use uuid::Uuid;

/// `journal.v1.entry_written`: ids, times, the zone and whether a mood came with it. An entry never changes, so
/// the event is its version 1.
pub fn entry_written(event_id: Uuid, time: Timestamp, entry: &Facts) -> Envelope {
    let event = EntryWritten {
        entry_id: entry.entry_id.to_string(),
        account_id: entry.account_id.to_string(),
        entry_time: Some(to_proto(entry.entry_time)),
        time_zone: entry.time_zone.clone(),
        has_mood: entry.has_mood,
        create_time: Some(to_proto(entry.create_time)),
    };
    Envelope::new(event_id, time, entry.entry_id, 1, &event)
}

/// `journal.v1.data_read`: something of the capability's owner was read by its reader, or with `told`, the reader wants
/// the owner to know. About the receipt; what came later has the higher version.
pub fn data_read(
    event_id: Uuid,
    time: Timestamp,
    capability: &Capability,
    item_ids: &[Uuid],
    told: bool,
) -> Envelope {
    let event = DataRead {
        receipt_id: capability.opening.receipt_id.to_string(),
        owner_account_id: capability.opening.owner_id.to_string(),
        reader_account_id: capability.reader_id.to_string(),
        item_ids: item_ids.iter().map(Uuid::to_string).collect(),
        read_time: Some(to_proto(time)),
        told,
    };
    Envelope::new(event_id, time, capability.opening.receipt_id, time.as_microsecond(), &event)
}

/// `journal.v1.item_shared`: with whom, under which link, from when until when; not what. Version 1 of the share.
pub fn item_shared(event_id: Uuid, time: Timestamp, share: &ShareFacts) -> Envelope {
    let event = ItemShared {
        share_id: share.share_id.to_string(),
        owner_account_id: share.account_id.to_string(),
        recipient_account_id: share.recipient_id.to_string(),
        couple_id: share.couple_id.to_string(),
        open_time: Some(to_proto(share.window.open_time)),
        expire_time: Some(to_proto(share.window.expire_time)),
        create_time: Some(to_proto(share.create_time)),
    };
    Envelope::new(event_id, time, share.share_id, 1, &event)
}

/// `journal.v1.share_answered`: by whom and when, not what. Version 2 of the share.
pub fn share_answered(event_id: Uuid, time: Timestamp, share: &ShareFacts) -> Envelope {
    let event = ShareAnswered {
        share_id: share.share_id.to_string(),
        owner_account_id: share.account_id.to_string(),
        answerer_account_id: share.recipient_id.to_string(),
        couple_id: share.couple_id.to_string(),
        answer_time: share.answer_time.map(to_proto),
    };
    Envelope::new(event_id, time, share.share_id, 2, &event)
}

/// `journal.v1.share_withdrawn`: by its owner. Version 3 of the share, above whatever came before.
pub fn share_withdrawn(event_id: Uuid, time: Timestamp, share: &ShareFacts) -> Envelope {
    let event = ShareWithdrawn {
        share_id: share.share_id.to_string(),
        owner_account_id: share.account_id.to_string(),
        recipient_account_id: share.recipient_id.to_string(),
        couple_id: share.couple_id.to_string(),
    };
    Envelope::new(event_id, time, share.share_id, 3, &event)
}

/// A moment as protobuf says it: whole seconds towards the past, nanoseconds forward from there.
pub fn to_proto(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default(),
        nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default(),
    }
}
