//! The events of accounts, appended in the transaction that makes them true.

use crate::store::{
    access::Epoch, account::State, care, circle, consent, counselor, couple, session::Ended, software,
};
use bus::{Envelope, outbox};
use candor_proto::accounts::v1::{
    AccessEpochRaised, AccountRegistered, AccountVerified, CareEnded, CareStarted, CircleChanged,
    ConsentGranted, ConsentRevoked, CounselorSuspended, CounselorVerified, CoupleLinked, CoupleUnlinked,
    ProfileChanged, SessionEnded,
};
use chassis::Ids;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody registered.
pub(super) fn registered(ids: &Ids, now: Timestamp, state: &State) -> Envelope {
    let event = AccountRegistered {
        account_id: state.account_id.to_string(),
        time_zone: state.time_zone.clone(),
        locale: state.locale.clone(),
    };
    Envelope::new(ids.next(), now, state.account_id, state.version, &event)
}

/// An address is proven.
pub(super) fn verified(ids: &Ids, now: Timestamp, state: &State) -> Envelope {
    let event = AccountVerified {
        account_id: state.account_id.to_string(),
        time_zone: state.time_zone.clone(),
        locale: state.locale.clone(),
    };
    Envelope::new(ids.next(), now, state.account_id, state.version, &event)
}

/// Somebody corrected what their account says.
pub(super) fn profile_changed(ids: &Ids, now: Timestamp, state: &State) -> Envelope {
    let event = ProfileChanged {
        account_id: state.account_id.to_string(),
        time_zone: state.time_zone.clone(),
        locale: state.locale.clone(),
    };
    Envelope::new(ids.next(), now, state.account_id, state.version, &event)
}

/// Names the pairs of owner and reader, which have no id of their own.
const PAIRS: Uuid = Uuid::from_u128(0x9d1f_6c0e_53b7_4b62_8a41_2f0c_7e95_d3a8);
/// Names counselors, whose accounts are aggregates already.
const COUNSELORS: Uuid = Uuid::from_u128(0x2f6b_8c41_7d0e_4a95_b3c2_91e4_5d70_68fa);
/// Two people are linked (version 1 of the couple), or no more (version 2).
pub(super) fn couple(ids: &Ids, now: Timestamp, state: &couple::State) -> Envelope {
    let (couple_id, first, second) =
        (state.couple_id.to_string(), state.first_id.to_string(), state.second_id.to_string());
    match state.unlinked_at {
        None => {
            let event = CoupleLinked {
                couple_id,
                first_account_id: first,
                second_account_id: second,
                link_time: Some(wire(state.linked_at)),
            };
            Envelope::new(ids.next(), now, state.couple_id, 1, &event)
        }
        Some(unlinked_at) => {
            let event = CoupleUnlinked {
                couple_id,
                first_account_id: first,
                second_account_id: second,
                unlink_time: Some(wire(unlinked_at)),
            };
            Envelope::new(ids.next(), now, state.couple_id, 2, &event)
        }
    }
}

/// Somebody is in a circle (version 1 of their place), or no more (version 2).
pub(super) fn circle(ids: &Ids, now: Timestamp, state: &circle::State) -> Envelope {
    let event = CircleChanged {
        circle_id: state.circle_id.to_string(),
        host_account_id: state.host_id.to_string(),
        guest_account_id: state.guest_id.to_string(),
        joined: state.ended_at.is_none(),
        change_time: Some(wire(state.ended_at.unwrap_or(state.joined_at))),
    };
    let version = if state.ended_at.is_none() { 1 } else { 2 };
    Envelope::new(ids.next(), now, state.circle_id, version, &event)
}

/// A member or a couple is in a counselor's care (version 1), or no more (version 2).
pub(super) fn care(ids: &Ids, now: Timestamp, state: &care::State) -> Envelope {
    let care_id = state.care_id.to_string();
    let member_account_ids = state.member_ids.iter().map(ToString::to_string).collect();
    let counselor_account_id = state.counselor_id.to_string();
    let couple_id = state.couple_id.map(|id| id.to_string()).unwrap_or_default();
    match state.ended_at {
        None => {
            let start_time = Some(wire(state.started_at));
            let event =
                CareStarted { care_id, member_account_ids, counselor_account_id, couple_id, start_time };
            Envelope::new(ids.next(), now, state.care_id, 1, &event)
        }
        Some(ended_at) => {
            let end_time = Some(wire(ended_at));
            let event = CareEnded { care_id, member_account_ids, counselor_account_id, couple_id, end_time };
            Envelope::new(ids.next(), now, state.care_id, 2, &event)
        }
    }
}

/// A member opened something to their counselor (version 1 of the consent), or it ended before its time (version 2).
pub(super) fn consent(ids: &Ids, now: Timestamp, state: &consent::State) -> Envelope {
    match state.ended_at {
        None => consent_granted(ids, now, state),
        Some(ended_at) => {
            let consent::State { consent_id, owner_id, counselor_id, .. } = *state;
            let ended = consent::Ended { consent_id, owner_id, counselor_id };
            consent_revoked(ids, now, &ended, ended_at.to_jiff())
        }
    }
}

/// A member opened something to their counselor. Version 1 of the consent.
pub(super) fn consent_granted(ids: &Ids, now: Timestamp, state: &consent::State) -> Envelope {
    let event = ConsentGranted {
        consent_id: state.consent_id.to_string(),
        owner_account_id: state.owner_id.to_string(),
        reader_account_id: state.counselor_id.to_string(),
        care_id: state.care_id.to_string(),
        scope: state.scope,
        item_id: state.item_id.map(|id| id.to_string()).unwrap_or_default(),
        purpose: state.purpose,
        text_id: state.text_id.clone(),
        text_version: state.text_version,
        grant_time: Some(wire(state.granted_at)),
        expire_time: Some(wire(state.expires_at)),
    };
    Envelope::new(ids.next(), now, state.consent_id, 1, &event)
}

/// It is open no more, since a moment. Version 2 of the consent.
pub(super) fn consent_revoked(
    ids: &Ids,
    now: Timestamp,
    ended: &consent::Ended,
    ended_at: Timestamp,
) -> Envelope {
    let event = ConsentRevoked {
        consent_id: ended.consent_id.to_string(),
        owner_account_id: ended.owner_id.to_string(),
        reader_account_id: ended.counselor_id.to_string(),
        revoke_time: Some(wire(ended_at)),
    };
    Envelope::new(ids.next(), now, ended.consent_id, 2, &event)
}

/// A member opened something to software (version 1 of the consent), or it ended before its time (version 2).
pub(super) fn software_consent(ids: &Ids, now: Timestamp, state: &software::State) -> Envelope {
    match state.ended_at {
        None => software_consent_granted(ids, now, state),
        Some(ended_at) => {
            let software::State { consent_id, owner_id, client_id, .. } = *state;
            let ended = software::Ended { consent_id, owner_id, client_id };
            software_consent_revoked(ids, now, &ended, ended_at.to_jiff())
        }
    }
}

/// A member opened something to software. Version 1 of the consent.
pub(super) fn software_consent_granted(ids: &Ids, now: Timestamp, state: &software::State) -> Envelope {
    let event = ConsentGranted {
        consent_id: state.consent_id.to_string(),
        owner_account_id: state.owner_id.to_string(),
        reader_account_id: state.client_id.to_string(),
        care_id: state.care_id.map(|id| id.to_string()).unwrap_or_default(),
        scope: state.scope,
        item_id: state.item_id.map(|id| id.to_string()).unwrap_or_default(),
        purpose: state.purpose,
        text_id: state.text_id.clone(),
        text_version: state.text_version,
        grant_time: Some(wire(state.granted_at)),
        expire_time: Some(wire(state.expires_at)),
    };
    Envelope::new(ids.next(), now, state.consent_id, 1, &event)
}

/// It is open to the software no more, since a moment. Version 2 of the consent.
pub(super) fn software_consent_revoked(
    ids: &Ids,
    now: Timestamp,
    ended: &software::Ended,
    ended_at: Timestamp,
) -> Envelope {
    let event = ConsentRevoked {
        consent_id: ended.consent_id.to_string(),
        owner_account_id: ended.owner_id.to_string(),
        reader_account_id: ended.client_id.to_string(),
        revoke_time: Some(wire(ended_at)),
    };
    Envelope::new(ids.next(), now, ended.consent_id, 2, &event)
}

/// Somebody is a counselor, or none for now. An account has events of its own, so the counselor is another aggregate; its
/// version is the revision, which grows with both.
pub(super) fn counselor(ids: &Ids, now: Timestamp, state: &counselor::State) -> Envelope {
    let (counselor_account_id, at) = (state.account_id.to_string(), Some(wire(state.decided_at)));
    let (aggregate, version) =
        (Uuid::new_v5(&COUNSELORS, state.account_id.as_bytes()), i64::from(state.revision));
    match state.verified_at {
        Some(verified_at) => {
            let verify_time = Some(wire(verified_at.to_jiff()));
            let event = CounselorVerified { counselor_account_id, verify_time };
            Envelope::new(ids.next(), now, aggregate, version, &event)
        }
        None => {
            let event = CounselorSuspended { counselor_account_id, suspend_time: at };
            Envelope::new(ids.next(), now, aggregate, version, &event)
        }
    }
}

/// What an owner had open to a reader is open no more. The two of them are the aggregate, the epoch its version.
pub(super) fn epoch_raised(ids: &Ids, now: Timestamp, raised: &Epoch) -> Envelope {
    let event = AccessEpochRaised {
        owner_account_id: raised.owner_id.to_string(),
        reader_account_id: raised.reader_id.to_string(),
        epoch: raised.epoch,
    };
    let pair = [raised.owner_id.into_bytes(), raised.reader_id.into_bytes()].concat();
    Envelope::new(ids.next(), now, Uuid::new_v5(&PAIRS, &pair), raised.epoch, &event)
}

fn wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

/// Sessions are over. Each is an aggregate of its own, and this is all that is ever told of it.
pub(super) async fn sessions_ended(
    conn: &mut PgConnection,
    ids: &Ids,
    now: Timestamp,
    ended: &[Ended],
) -> Result<(), sqlx::Error> {
    let events: Vec<_> = ended
        .iter()
        .map(|session| {
            let event = SessionEnded {
                account_id: session.account_id.to_string(),
                session_id: session.session_id.to_string(),
            };
            Envelope::new(ids.next(), now, session.session_id, 1, &event)
        })
        .collect();
    outbox::append(conn, &events).await
}
