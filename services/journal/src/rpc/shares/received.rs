//! Another person's shares and answers, with what accounts said to it; and one's own answers.

use super::{needed_id, share_id};
use crate::Error;
use crate::app::received::{self as app, AnswerShare, ReadShare};
use crate::app::{Timeline, seal_token};
use crate::domain::{Cursor, EntryBody, PageSize, WishedResponse, starters, to_microseconds};
use crate::rpc::{Journal, database, page_start, to_proto};
use crate::store::received::{OpenShare, SealedAnswer};
use candor_proto::journal::v1 as proto;
use chassis::Fault;
use chassis::identity::Capability;
use prost::Message as _;
use uuid::Uuid;
use vault::DataKey;

impl Journal {
    pub(super) async fn received_shares(
        &self,
        capability: &Capability,
        request: &proto::ListReceivedSharesRequest,
    ) -> Result<proto::ListReceivedSharesResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let owner_id = capability.opening.owner_id;
        let keys = (self.key_to_read(owner_id).await?, self.key_to_read(capability.reader_id).await?);
        let (Some(_), Some(own_key)) = keys else { return Ok(Default::default()) };
        let after = page_start(&own_key, Timeline::ReceivedShares, &request.page_token)?;

        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let now = to_microseconds(self.0.clock.now());
        let (found, more) =
            app::list_received(&mut transaction, capability, after, size.get(), now, &self.0.ids).await?;
        let last =
            found.last().filter(|_| more).map(|last| Cursor { time: last.open_time, id: last.share_id });
        let mut shares = Vec::with_capacity(found.len());
        for share in found {
            shares.push(received_to_proto(Some(&own_key), owner_id, &share)?);
        }
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        let token = |cursor| seal_token(&own_key, Timeline::ReceivedShares, cursor);
        Ok(proto::ListReceivedSharesResponse { shares, next_page_token: last.map(token).unwrap_or_default() })
    }

    pub(super) async fn received_share(
        &self,
        capability: &Capability,
        share_id: Uuid,
    ) -> Result<proto::GetReceivedShareResponse, Fault> {
        let owner_id = capability.opening.owner_id;
        let owner_key = self.key_to_read(owner_id).await?.ok_or(Error::ShareNotFound)?;
        let own_key = self.key_to_read(capability.reader_id).await?;
        let wish = ReadShare::new(capability.clone(), share_id, owner_key);
        let (share, rendering) = self.0.reads.submit(wish).await?;
        let received = received_to_proto(own_key.as_ref(), owner_id, &share)?;
        let wish = WishedResponse::parse(share.wished_response.into()).map_err(Error::Invalid)?;
        Ok(proto::GetReceivedShareResponse {
            share: Some(received),
            rendering: Some(rendering),
            starters: starters::starters(wish).iter().map(starter_to_proto).collect(),
        })
    }

    pub(super) async fn answer_received(
        &self,
        capability: &Capability,
        mut request: proto::AnswerShareRequest,
    ) -> Result<proto::ShareAnswer, Fault> {
        let share_id = share_id(&request.share_id)?;
        // The same request in other letters is the same request.
        request.share_id = share_id.to_string();
        request.owner_account_id = needed_id("owner_account_id", &request.owner_account_id)?.to_string();
        let canonical = request.encode_to_vec();
        let body = EntryBody::parse(request.body).map_err(Error::Invalid)?;
        if self.key_to_read(capability.opening.owner_id).await?.is_none() {
            return Err(Error::ShareNotFound.into());
        }
        let own_key = self.key_to_write(capability.reader_id).await?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let new = (self.0.ids.next(), to_microseconds(self.0.clock.now()));
        let command = AnswerShare::new(&own_key, capability, share_id, &body, &canonical, new);
        let kept = app::answer_share(&mut transaction, capability, command, &self.0.ids).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(answer_to_proto(&own_key, &kept)?)
    }

    pub(super) async fn told_read(&self, capability: &Capability, share_id: Uuid) -> Result<(), Fault> {
        if self.key_to_read(capability.opening.owner_id).await?.is_none() {
            return Err(Error::ShareNotFound.into());
        }
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let now = to_microseconds(self.0.clock.now());
        app::tell_read(&mut transaction, capability, share_id, now, &self.0.ids).await?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(())
    }

    pub(super) async fn share_answer(
        &self,
        capability: &Capability,
        share_id: Uuid,
    ) -> Result<proto::ShareAnswer, Fault> {
        let answerer_key =
            self.key_to_read(capability.opening.owner_id).await?.ok_or(Error::AnswerNotFound)?;
        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let now = to_microseconds(self.0.clock.now());
        let found = app::find_answer(&mut transaction, capability, share_id, now, &self.0.ids).await?;
        let answer = answer_to_proto(&answerer_key, &found)?;
        transaction.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(answer)
    }

    pub(super) async fn own_answers(
        &self,
        account_id: Uuid,
        request: &proto::ListOwnAnswersRequest,
    ) -> Result<proto::ListOwnAnswersResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let Some(own_key) = self.key_to_read(account_id).await? else { return Ok(Default::default()) };
        let after = page_start(&own_key, Timeline::OwnAnswers, &request.page_token)?;
        let (found, more) = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::list_own_answers(&mut conn, account_id, after, size.get()).await.map_err(database)?
        };
        let last =
            found.last().filter(|_| more).map(|last| Cursor { time: last.create_time, id: last.answer_id });
        let mut answers = Vec::with_capacity(found.len());
        for answer in &found {
            answers.push(answer_to_proto(&own_key, answer)?);
        }
        let token = |cursor| seal_token(&own_key, Timeline::OwnAnswers, cursor);
        Ok(proto::ListOwnAnswersResponse { answers, next_page_token: last.map(token).unwrap_or_default() })
    }
}

/// A share as its reader sees it; without the reader's key, without their answer.
fn received_to_proto(
    own_key: Option<&DataKey>,
    owner_id: Uuid,
    share: &OpenShare,
) -> Result<proto::ReceivedShare, Error> {
    let own_answer = own_key.zip(share.own_answer.as_ref());
    let own_answer = own_answer.map(|(key, answer)| answer_to_proto(key, answer)).transpose()?;
    Ok(proto::ReceivedShare {
        share_id: share.share_id.to_string(),
        owner_account_id: owner_id.to_string(),
        kind: share.kind.into(),
        depth: share.depth.into(),
        wished_response: share.wished_response.into(),
        open_time: to_proto(share.open_time),
        expire_time: to_proto(share.expire_time),
        own_answer,
        told_read: share.told_read,
    })
}

/// An answer, opened with the key of whoever gave it.
fn answer_to_proto(data_key: &DataKey, answer: &SealedAnswer) -> Result<proto::ShareAnswer, Error> {
    Ok(proto::ShareAnswer {
        share_id: answer.share_id.to_string(),
        owner_account_id: answer.owner_id.to_string(),
        body: app::open_answer(data_key, answer)?,
        create_time: to_proto(answer.create_time),
    })
}

fn starter_to_proto((step, text): &starters::Starter) -> proto::AnswerStarter {
    proto::AnswerStarter { step: *step as i32, text: (*text).to_owned() }
}
