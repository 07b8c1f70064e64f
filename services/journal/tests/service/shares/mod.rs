//! Shares: Ada writes and shares, Ben reads and answers.

mod answering;
mod circles;
mod frozen;
mod listing;
mod making;
mod network;
mod pace;
mod privacy;
mod races;
mod reading;
mod receiving;
mod self_checks;
mod worlds;

use crate::stage::{Stage, entry, passport, signed_in, stage};
use candor_proto::journal::v1::share_service_server::ShareService as _;
use candor_proto::journal::v1::{
    AnswerShareRequest, DataRead, GetReceivedShareRequest, GetReceivedShareResponse, GetShareAnswerRequest,
    GetShareRequest, ListReceivedSharesRequest, ListReceivedSharesResponse, ListSharesRequest,
    ListSharesResponse, PreviewShareRequest, RateFeltUnderstoodRequest, Rendering, Selection, Share,
    ShareAnswer, ShareDepth, ShareItemRequest, ShareKind, Span, TellReadRequest, WithdrawShareRequest,
};
use candor_proto::options::v1::Scope;
use chassis::identity::Passport;
use chassis::identity::capability::{Capability, Opening};
use jiff::{Timestamp, ToSpan as _};
use journal::domain::ShareState;
use journal::rpc::Journal;
use journal::store::couples::{self, Couple};
use sqlx::PgPool;
use tonic::{Request, Status};
use uuid::Uuid;

/// Two linked members and an entry of Ada's.
struct Pair {
    stage: Stage,
    ada: Uuid,
    ben: Uuid,
    couple_id: Uuid,
    entry_id: Uuid,
}

async fn pair() -> Pair {
    let stage = stage().await;
    let (ada, ben, entry_id) = (stage.member(), stage.member(), stage.ids.next());
    let couple_id = link(&stage, ada, ben).await;
    stage.write(ada, entry(entry_id, "The first part. The second part.")).await.unwrap();
    Pair { stage, ada, ben, couple_id, entry_id }
}

/// Links two members, as accounts says it.
async fn link(stage: &Stage, one: Uuid, other: Uuid) -> Uuid {
    let couple_id = stage.ids.next();
    note(stage, couple_id, one, other, 1).await;
    couple_id
}

async fn note(stage: &Stage, couple_id: Uuid, one: Uuid, other: Uuid, version: i64) {
    let (first_id, second_id) = (one.min(other), one.max(other));
    let changed_at = stage.clock.now();
    let mut conn = stage.pool.acquire().await.unwrap();
    couples::note(&mut conn, &Couple { couple_id, first_id, second_id, version, changed_at }).await.unwrap();
}

impl Pair {
    fn journal(&self) -> &Journal {
        &self.stage.journal
    }

    /// A share of Ada's entry with Ben: its topic, open at once.
    fn topic(&self, words: &str) -> ShareItemRequest {
        ShareItemRequest {
            share_id: self.stage.ids.next().to_string(),
            recipient_account_id: self.ben.to_string(),
            selection: Some(selection(self.entry_id, ShareDepth::Topic, words, &[])),
            open_now: true,
            ..Default::default()
        }
    }

    async fn share(&self, request: ShareItemRequest) -> Share {
        share(self.journal(), self.ada, request).await.unwrap()
    }

    /// What accounts gives Ben for one of Ada's shares, or for all of them.
    fn opening(&self, item_id: Option<Uuid>) -> Capability {
        self.opening_of(self.ada, self.ben, item_id)
    }

    fn opening_of(&self, owner_id: Uuid, reader_id: Uuid, item_id: Option<Uuid>) -> Capability {
        capability(&self.stage, owner_id, reader_id, self.couple_id, item_id)
    }

    async fn read(&self, share_id: &str) -> Result<GetReceivedShareResponse, Status> {
        received(self.journal(), &self.opening(Some(share_id.parse().unwrap())), share_id).await
    }

    async fn received(&self) -> Vec<String> {
        ids(&list_received(self.journal(), &self.opening(None), 0, "").await.unwrap())
    }

    async fn own(&self) -> Vec<Share> {
        list_shares(self.journal(), self.ada, ListSharesRequest::default()).await.unwrap().shares
    }

    async fn withdraw(&self, share_id: &str) -> Result<(), Status> {
        withdraw(self.journal(), self.ada, share_id).await
    }

    async fn answer(&self, share_id: &str, body: &str) -> Result<ShareAnswer, Status> {
        answer(self.journal(), &self.opening(Some(share_id.parse().unwrap())), share_id, body).await
    }

    /// Ada reads Ben's answer.
    async fn read_answer(&self, share_id: &str) -> Result<ShareAnswer, Status> {
        let opening = self.opening_of(self.ben, self.ada, Some(share_id.parse().unwrap()));
        share_answer(self.journal(), &opening, share_id).await
    }

    async fn unlink(&self) {
        note(&self.stage, self.couple_id, self.ada, self.ben, 2).await;
    }
}

fn selection(item_id: Uuid, depth: ShareDepth, words: &str, spans: &[(i32, i32)]) -> Selection {
    Selection {
        kind: ShareKind::Entry.into(),
        item_id: item_id.to_string(),
        depth: depth.into(),
        words: words.to_owned(),
        spans: spans.iter().map(|(start, end)| Span { start: *start, end: *end }).collect(),
        ..Default::default()
    }
}

fn capability(
    stage: &Stage,
    owner_id: Uuid,
    reader_id: Uuid,
    relation_id: Uuid,
    item_id: Option<Uuid>,
) -> Capability {
    let opening = Opening {
        owner_id,
        relation_id,
        scope: Scope::SharedItems.into(),
        item_id,
        epoch: 0,
        receipt_id: stage.ids.next(),
    };
    let session_id = passport(reader_id).session_id;
    Capability { opening, reader_id, session_id, expires_at: stage.clock.now() + 10.seconds() }
}

/// A request of a capability's reader, as it comes out of the identity layer.
fn opened<T>(capability: &Capability, message: T) -> Request<T> {
    let reader = Passport { session_id: capability.session_id, ..passport(capability.reader_id) };
    shown(reader, Some(capability.clone()), message)
}

fn shown<T>(reader: Passport, capability: Option<Capability>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(reader);
    if let Some(capability) = capability {
        request.extensions_mut().insert(capability);
    }
    request
}

async fn preview(journal: &Journal, who: Uuid, selection: Selection) -> Result<Rendering, Status> {
    let request = signed_in(who, PreviewShareRequest { selection: Some(selection) });
    Ok(journal.preview_share(request).await?.into_inner().rendering.unwrap())
}

async fn share(journal: &Journal, who: Uuid, request: ShareItemRequest) -> Result<Share, Status> {
    Ok(journal.share_item(signed_in(who, request)).await?.into_inner().share.unwrap())
}

async fn list_shares(
    journal: &Journal,
    who: Uuid,
    request: ListSharesRequest,
) -> Result<ListSharesResponse, Status> {
    Ok(journal.list_shares(signed_in(who, request)).await?.into_inner())
}

async fn own_share(journal: &Journal, who: Uuid, share_id: &str) -> Result<Share, Status> {
    let request = GetShareRequest { share_id: share_id.to_owned() };
    Ok(journal.get_share(signed_in(who, request)).await?.into_inner().share.unwrap())
}

async fn withdraw(journal: &Journal, who: Uuid, share_id: &str) -> Result<(), Status> {
    let request = WithdrawShareRequest { share_id: share_id.to_owned() };
    journal.withdraw_share(signed_in(who, request)).await.map(drop)
}

async fn rate(journal: &Journal, who: Uuid, share_id: &str, felt_understood: i32) -> Result<(), Status> {
    let request = RateFeltUnderstoodRequest { share_id: share_id.to_owned(), felt_understood };
    journal.rate_felt_understood(signed_in(who, request)).await.map(drop)
}

async fn received(
    journal: &Journal,
    capability: &Capability,
    share_id: &str,
) -> Result<GetReceivedShareResponse, Status> {
    let owner_account_id = capability.opening.owner_id.to_string();
    let message = GetReceivedShareRequest { owner_account_id, share_id: share_id.to_owned() };
    Ok(journal.get_received_share(opened(capability, message)).await?.into_inner())
}

async fn list_received(
    journal: &Journal,
    capability: &Capability,
    page_size: i32,
    token: &str,
) -> Result<ListReceivedSharesResponse, Status> {
    let owner_account_id = capability.opening.owner_id.to_string();
    let message = ListReceivedSharesRequest { owner_account_id, page_size, page_token: token.to_owned() };
    Ok(journal.list_received_shares(opened(capability, message)).await?.into_inner())
}

async fn answer(
    journal: &Journal,
    capability: &Capability,
    share_id: &str,
    body: &str,
) -> Result<ShareAnswer, Status> {
    let owner_account_id = capability.opening.owner_id.to_string();
    let message =
        AnswerShareRequest { owner_account_id, share_id: share_id.to_owned(), body: body.to_owned() };
    Ok(journal.answer_share(opened(capability, message)).await?.into_inner().answer.unwrap())
}

async fn tell_read(journal: &Journal, capability: &Capability, share_id: &str) -> Result<(), Status> {
    let owner_account_id = capability.opening.owner_id.to_string();
    let message = TellReadRequest { owner_account_id, share_id: share_id.to_owned() };
    journal.tell_read(opened(capability, message)).await.map(drop)
}

async fn share_answer(
    journal: &Journal,
    capability: &Capability,
    share_id: &str,
) -> Result<ShareAnswer, Status> {
    let owner_account_id = capability.opening.owner_id.to_string();
    let message = GetShareAnswerRequest { owner_account_id, share_id: share_id.to_owned() };
    // Answers are a scope of their own.
    let opening = Opening { scope: Scope::ShareAnswers.into(), ..capability.opening };
    let capability = Capability { opening, ..capability.clone() };
    Ok(journal.get_share_answer(opened(&capability, message)).await?.into_inner().answer.unwrap())
}

fn moment(time: Timestamp) -> Option<prost_types::Timestamp> {
    Some(journal::events::to_proto(time))
}

/// Where a share stands, as its owner sees it.
fn state(share: &Share) -> ShareState {
    use ShareState::{Ended, Expired, Open, Waiting, Withdrawn};
    [Waiting, Open, Expired, Withdrawn, Ended].into_iter().find(|it| *it as i32 == share.state).unwrap()
}

fn ids(page: &ListReceivedSharesResponse) -> Vec<String> {
    page.shares.iter().map(|share| share.share_id.clone()).collect()
}

/// The events of a kind that are to be told, each with its aggregate and version.
pub(crate) async fn told<E: prost::Message + prost::Name + Default>(pool: &PgPool) -> Vec<(Uuid, i64, E)> {
    let rows: Vec<(Uuid, i64, Vec<u8>)> =
        sqlx::query_as("SELECT aggregate_id, version, body FROM bus.outbox WHERE key = $1 ORDER BY id")
            .bind(bus::key_of::<E>())
            .fetch_all(pool)
            .await
            .unwrap();
    let decode = |(aggregate, version, body): (Uuid, i64, Vec<u8>)| {
        (aggregate, version, E::decode(&body[..]).unwrap())
    };
    rows.into_iter().map(decode).collect()
}

/// What was read under each receipt, and whether the reader wanted it told.
async fn reads(pool: &PgPool) -> Vec<(Uuid, Vec<String>, bool)> {
    let reads = told::<DataRead>(pool).await;
    reads.into_iter().map(|(receipt, _, read)| (receipt, read.item_ids, read.told)).collect()
}

/// Everything a caller can tell one refusal from another by.
pub(crate) fn refusal(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}
