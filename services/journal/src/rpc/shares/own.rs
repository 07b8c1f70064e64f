//! One's own shares: preview, share, see, take back, rate.

use super::needed_id;
use crate::Error;
use crate::app::shares::{self as app, SHARE_ITEM, ShareItem, Wanted};
use crate::app::{Attempt, Timeline, preview_share, seal_token, thaw};
use crate::domain::{Cursor, Invalid, PageSize, Selection, WishedResponse, state_of, to_microseconds};
use crate::rpc::{Journal, SentKey, chosen_id, database, instant, page_start, to_proto};
use crate::store::shares::OwnShare;
use candor_proto::journal::v1 as proto;
use chassis::Fault;
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;
use vault::DataKey;

/// The renderings of a page together, in bytes: with one more than this it still fits a message of 1 MiB.
const PAGE_BYTES: i64 = 768 * 1024;

impl Journal {
    pub(super) async fn preview(
        &self,
        account_id: Uuid,
        request: proto::PreviewShareRequest,
    ) -> Result<proto::Rendering, Fault> {
        let selection = selection_from_proto(request.selection.as_ref())?;
        let data_key = self.key_to_read(account_id).await?.ok_or(Error::ItemNotFound)?;
        let mut conn = self.0.pool.acquire().await.map_err(database)?;
        Ok(preview_share(&mut conn, &data_key, account_id, &selection).await?)
    }

    pub(super) async fn share(
        &self,
        account_id: Uuid,
        sent_key: &SentKey,
        request: proto::ShareItemRequest,
    ) -> Result<proto::Share, Fault> {
        let sent_key = sent_key.parse()?;
        let data_key = self.key_to_write(account_id).await?;
        let command = self.parse_share(account_id, sent_key, &data_key, request)?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let now = to_microseconds(self.0.clock.now());
        let share_id = app::share_item(&mut transaction, &data_key, &command, now, &self.0.ids).await?;
        let share = app::find_share(&mut transaction, account_id, share_id).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(share_to_proto(&data_key, share, now)?)
    }

    fn parse_share(
        &self,
        account_id: Uuid,
        sent_key: Option<Uuid>,
        data_key: &DataKey,
        mut request: proto::ShareItemRequest,
    ) -> Result<ShareItem, Error> {
        let chosen = chosen_id("share_id", &request.share_id)?;
        let recipient_id = needed_id("recipient_account_id", &request.recipient_account_id)?;
        let selection = selection_from_proto(request.selection.as_ref())?;
        let wish = WishedResponse::parse(request.wished_response)?;
        let expire_time = request.expire_time.map(|time| instant("expire_time", time)).transpose()?;
        // The same request in other letters is the same request.
        request.share_id = chosen.map(|id| id.to_string()).unwrap_or_default();
        request.recipient_account_id = recipient_id.to_string();
        if let Some(sent) = &mut request.selection {
            sent.item_id = selection.item_id().to_string();
            sent.domain_ids.sort_unstable();
        }
        let share_id = chosen.unwrap_or_else(|| self.0.ids.next_opaque());
        let key = sent_key.unwrap_or(share_id);
        let attempt = Attempt::new(key, data_key, SHARE_ITEM, &request.encode_to_vec());
        let open_now = request.open_now;
        Ok(ShareItem { account_id, share_id, recipient_id, selection, wish, open_now, expire_time, attempt })
    }

    pub(super) async fn shares(
        &self,
        account_id: Uuid,
        request: &proto::ListSharesRequest,
    ) -> Result<proto::ListSharesResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let item_id = chosen_id("item_id", &request.item_id)?;
        let Some(data_key) = self.key_to_read(account_id).await? else {
            return Ok(proto::ListSharesResponse::default());
        };
        let after = page_start(&data_key, Timeline::Shares, &request.page_token)?;
        let now = self.0.clock.now();
        let wanted = Wanted { item_id, open_at: request.open_only.then_some(now) };
        let (found, more) = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::list_shares(&mut conn, account_id, wanted, after, size.get(), PAGE_BYTES)
                .await
                .map_err(database)?
        };
        let last =
            found.last().filter(|_| more).map(|last| Cursor { time: last.create_time, id: last.share_id });
        let mut shares = Vec::with_capacity(found.len());
        for share in found {
            shares.push(share_to_proto(&data_key, share, now)?);
        }
        let token = |cursor| seal_token(&data_key, Timeline::Shares, cursor);
        Ok(proto::ListSharesResponse { shares, next_page_token: last.map(token).unwrap_or_default() })
    }

    pub(super) async fn own_share(&self, account_id: Uuid, share_id: Uuid) -> Result<proto::Share, Fault> {
        let data_key = self.key_to_read(account_id).await?.ok_or(Error::ShareNotFound)?;
        let share = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::find_share(&mut conn, account_id, share_id).await?
        };
        Ok(share_to_proto(&data_key, share, self.0.clock.now())?)
    }

    pub(super) async fn withdraw(&self, account_id: Uuid, share_id: Uuid) -> Result<(), Fault> {
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let now = to_microseconds(self.0.clock.now());
        app::withdraw_share(&mut transaction, account_id, share_id, now, &self.0.ids).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(())
    }

    pub(super) async fn rate(
        &self,
        account_id: Uuid,
        share_id: Uuid,
        felt_understood: i32,
    ) -> Result<(), Fault> {
        let broken = Invalid { field: "felt_understood", rule: "must be between 0 and 5" };
        let felt = i16::try_from(felt_understood).ok().filter(|felt| (0..=5).contains(felt));
        let felt = felt.ok_or(Error::Invalid(broken))?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        app::rate_share(&mut transaction, account_id, share_id, (felt > 0).then_some(felt)).await?;
        transaction.commit().await.map_err(database)
    }
}

fn selection_from_proto(sent: Option<&proto::Selection>) -> Result<Selection, Error> {
    let sent = sent.ok_or(Invalid { field: "selection", rule: "is required" })?;
    let item_id = needed_id("selection.item_id", &sent.item_id)?;
    let spans: Vec<(i32, i32)> = sent.spans.iter().map(|span| (span.start, span.end)).collect();
    Ok(Selection::parse(sent.kind, item_id, sent.depth, &sent.words, &spans, &sent.domain_ids)?)
}

fn share_to_proto(data_key: &DataKey, share: OwnShare, now: Timestamp) -> Result<proto::Share, Error> {
    let rendering = match &share.rendering {
        Some(sealed) => thaw(data_key, share.share_id, sealed)?,
        None => proto::Rendering { kind: share.kind.into(), depth: share.depth.into(), ..Default::default() },
    };
    let state = state_of(share.window, share.withdrawn, share.unlinked_at, now);
    Ok(proto::Share {
        share_id: share.share_id.to_string(),
        recipient_account_id: share.recipient_id.to_string(),
        item_id: share.item_id.to_string(),
        rendering: Some(rendering),
        wished_response: share.wished_response.into(),
        state: state as i32,
        create_time: to_proto(share.create_time),
        open_time: to_proto(share.window.open_time),
        expire_time: to_proto(share.window.expire_time),
        told_read_time: share.told_read_time.and_then(to_proto),
        answered: share.answered,
        felt_understood: share.felt_understood.unwrap_or_default().into(),
    })
}
