//! A record's content, and the commitment to it.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Hashed before everything else, so that a commitment is the hash of nothing but a record.
const TAG: &[u8] = b"candor.audit.v1.record\0";

/// Everything that a commitment covers, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// When, to the microsecond.
    pub recorded_at: Timestamp,
    /// What kind of account did it.
    pub actor_kind: String,
    /// The account.
    pub actor_id: Option<Uuid>,
    /// Its session.
    pub session_id: Option<Uuid>,
    /// What was done.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: Uuid,
    /// What else there is to say, a JSON object.
    pub details: String,
    /// What the actor wrote, sealed.
    pub note: Option<Vec<u8>>,
}

/// The commitment to a record: a hash over its salt, its id and its content, each part behind its length, so that no
/// two records have the same bytes.
pub fn commitment(salt: &[u8; 32], record_id: Uuid, content: &Content) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(TAG).chain_update(salt).chain_update(record_id.as_bytes());
    hash.update(content.recorded_at.as_microsecond().to_be_bytes());
    let texts = [&content.actor_kind, &content.action, &content.subject_kind, &content.details];
    for text in texts {
        part(&mut hash, Some(text.as_bytes()));
    }
    let ids = [content.actor_id, content.session_id, Some(content.subject_id)];
    for id in ids {
        part(&mut hash, id.as_ref().map(|id| &id.as_bytes()[..]));
    }
    part(&mut hash, content.note.as_deref());
    hash.finalize().into()
}

fn part(hash: &mut Sha256, bytes: Option<&[u8]>) {
    match bytes {
        None => hash.update([0]),
        Some(bytes) => {
            hash.update([1]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_content()(
            micros in 0i64..4_000_000_000_000_000, texts in prop::array::uniform4("[a-z]{0,3}"),
            actor_id in prop::option::of(0u128..3), session_id in prop::option::of(0u128..3), subject in 0u128..3,
            note in prop::option::of(prop::collection::vec(0u8..3, 0..3)),
        ) -> Content {
            let [actor_kind, action, subject_kind, details] = texts;
            Content {
                recorded_at: Timestamp::from_microsecond(micros).unwrap(),
                actor_kind, action, subject_kind, details, note,
                actor_id: actor_id.map(Uuid::from_u128),
                session_id: session_id.map(Uuid::from_u128),
                subject_id: Uuid::from_u128(subject),
            }
        }
    }

    proptest! {
        #[test]
        fn one_commitment_is_one_record(one in any_content(), other in any_content(), salts: [u8; 2]) {
            let id = Uuid::nil();
            let of = |content, salt| commitment(&[salt; 32], id, content);
            prop_assert_eq!(of(&one, 1) == of(&other, 1), one == other);
            prop_assert_eq!(of(&one, salts[0]) == of(&one, salts[1]), salts[0] == salts[1]);
            prop_assert_ne!(of(&one, 1), commitment(&[1; 32], Uuid::max(), &one));
        }
    }
}
