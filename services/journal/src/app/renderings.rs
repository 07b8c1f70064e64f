//! What a share shows: rendered once, shown in the preview, and frozen in the share as the very same message.

use super::{assessments, find_entry, open_entry, to_proto};
use crate::Error;
use crate::domain::{Entry, Item, Rendering, Selection, ShareKind, render};
use candor_proto::journal::v1 as proto;
use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::{DataKey, Place};

/// What a selection of the account's own things shows, as they are now.
///
/// # Errors
/// [`Error::ItemNotFound`] for what does not exist, is somebody else's, or is a self-check without a result;
/// [`Error::Invalid`] when the selection does not fit it.
pub async fn preview_share(
    conn: &mut PgConnection,
    data_key: &DataKey,
    account_id: Uuid,
    selection: &Selection,
) -> Result<proto::Rendering, Error> {
    let rendering = match selection.kind() {
        ShareKind::Entry => {
            let sealed = match find_entry(conn, account_id, selection.item_id()).await {
                Err(Error::EntryNotFound) => Err(Error::ItemNotFound),
                found => found,
            }?;
            let entry = open_entry(data_key, sealed)?;
            render(selection, Item::Entry(&entry))?
        }
        ShareKind::SelfCheck => {
            let results = assessments::shared_results(conn, account_id, selection.item_id()).await?;
            render(selection, Item::SelfCheck(results.ok_or(Error::ItemNotFound)?))?
        }
    };
    Ok(to_message(rendering))
}

/// All that is ever shown of a whole entry.
///
/// # Errors
/// By no entry there is.
pub(super) fn whole(entry: &Entry) -> Result<proto::Rendering, Error> {
    let selection = Selection::whole_entry(entry.entry_id);
    Ok(to_message(render(&selection, Item::Entry(entry))?))
}

fn to_message(rendering: Rendering) -> proto::Rendering {
    let (entry_time, time_zone) =
        rendering.moment.map(|(time, zone)| (Some(to_proto(time)), zone)).unwrap_or_default();
    let band = |(title, band)| proto::DomainBand { title, band };
    proto::Rendering {
        kind: rendering.kind as i32,
        depth: rendering.depth as i32,
        words: rendering.words,
        title: rendering.title,
        body: rendering.body,
        entry_time,
        time_zone,
        bands: rendering.bands.into_iter().map(band).collect(),
    }
}

/// Seals a rendering with the owner's data key, for the share's row.
pub(super) fn freeze(data_key: &DataKey, share_id: Uuid, rendering: &proto::Rendering) -> Vec<u8> {
    data_key.seal(&place(share_id), &rendering.encode_to_vec())
}

/// Opens what a share shows with its owner's data key.
///
/// # Errors
/// [`Error::Unreadable`] when it was altered or moved.
pub fn thaw(data_key: &DataKey, share_id: Uuid, sealed: &[u8]) -> Result<proto::Rendering, Error> {
    let plain = data_key.open(&place(share_id), sealed).map_err(Error::Unreadable)?;
    proto::Rendering::decode(plain.as_slice()).map_err(|_| Error::Unreadable(vault::Error::Refused))
}

fn place(share_id: Uuid) -> Place<'static> {
    Place { table: "shares", column: "rendering", row: share_id }
}
