//! What the audit says of reads.

use super::Details;
use crate::domain::{Relation, Scope};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// A read that shows exactly, as its receipt stands after it.
#[derive(Debug, Clone, Copy)]
pub struct ExactRead<'a> {
    /// The receipt.
    pub receipt_id: Uuid,
    /// How many records there are about it by now, this one included.
    pub number: i32,
    /// The consent it rests on.
    pub consent_id: Uuid,
    /// What kind of data.
    pub scope: Scope,
    /// All that was read, in the order of the ids.
    pub item_ids: &'a [Uuid],
    /// The earliest read.
    pub read_at: Timestamp,
}

impl ExactRead<'_> {
    /// As a record's details. What was read is there as a number and a hash: enough to hold a receipt against it.
    pub fn details(&self) -> Details {
        let mut hash = Sha256::new();
        self.item_ids.iter().for_each(|id| hash.update(id.as_bytes()));
        Details::none()
            .id("receipt", self.receipt_id)
            .number("number", self.number.into())
            .id("consent", self.consent_id)
            .code("scope", self.scope.as_str())
            .number("items", i64::try_from(self.item_ids.len()).unwrap_or(i64::MAX))
            .digest("item_ids", &hash.finalize().into())
            .number("read_at", self.read_at.as_microsecond())
    }

    /// The receipt that details are about, and their number; none where they are of something else.
    pub fn named_by(details: &str) -> Option<(Uuid, i32)> {
        let details: serde_json::Value = serde_json::from_str(details).ok()?;
        details.get("consent")?;
        let receipt_id = details.get("receipt")?.as_str()?.parse().ok()?;
        Some((receipt_id, i32::try_from(details.get("number")?.as_i64()?).ok()?))
    }
}

/// The details of a read that is its reader's own: that its receipt counts, and no more.
pub fn own_read(receipt_id: Uuid, relation: Relation, scope: Scope) -> Details {
    Details::none()
        .id("receipt", receipt_id)
        .code("relation", relation.as_str())
        .code("scope", scope.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: Uuid = Uuid::from_u128(1);

    fn read(item_ids: &[Uuid]) -> ExactRead<'_> {
        ExactRead {
            receipt_id: RECEIPT,
            number: 2,
            consent_id: Uuid::from_u128(3),
            scope: Scope::Entries,
            item_ids,
            read_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn details_hold_ids_numbers_and_a_hash_and_name_their_receipt() {
        let items = [Uuid::from_u128(7), Uuid::from_u128(9)];
        let text = read(&items).details().text();
        assert_eq!(ExactRead::named_by(&text), Some((RECEIPT, 2)));
        assert!(text.contains(r#""items":2"#) && text.contains(r#""scope":"entries""#), "{text}");
        assert!(!text.contains(&items[0].to_string()), "{text}");
        for others in [&items[..1], &[items[1], items[0]], &[]] {
            assert_ne!(read(others).details().text(), text);
        }
        let own = own_read(RECEIPT, Relation::Partner, Scope::SharedItems).text();
        assert_eq!(ExactRead::named_by(&own), None);
        assert_eq!(ExactRead::named_by("{}").or(ExactRead::named_by("[")), None);
    }
}
