//! Check-ins of two linked members.

mod answering;
mod deciding;
mod ending;
mod forgetting;
mod races;
mod seeing;
mod serving;

use crate::stage::{Stage, signed_in, stage};
use candor_proto::journal::v1::check_in_service_server::CheckInService as _;
use candor_proto::journal::v1::{
    AnswerCheckInRequest, CheckIn, CheckInReply, GetCheckInRequest, ListCheckInsRequest,
    ListCheckInsResponse, TakeBackCheckInAnswerRequest,
};
use chassis::identity::capability::{Capability, Opening};
use chassis::{Clock, Ids};
use jiff::{Timestamp, ToSpan as _};
use journal::domain::{Appointment, CheckInKey, OpenTime, check_in_id};
use journal::rpc::Journal;
use journal::store::couples::{self, Couple};
use sqlx::PgPool;
use tonic::{Request, Status};
use uuid::Uuid;

/// When the check-in of these tests opens.
const OPENS: &str = "2024-03-11T19:30:00Z";
const GATHERING: &str = "CHECK_IN_STATE_GATHERING";
const OPEN: &str = "CHECK_IN_STATE_OPEN";
const NOT_THIS_TIME: &str = "CHECK_IN_STATE_NOT_THIS_TIME";
/// `candor.options.v1.Scope.SCOPE_CHECK_INS`.
const SCOPE: i32 = 2;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Two linked members and their schedule.
struct Two {
    stage: Stage,
    ada: Uuid,
    ben: Uuid,
    couple_id: Uuid,
    schedule_id: Uuid,
}

async fn two() -> Two {
    let stage = stage().await;
    let (ada, ben, schedule_id) = (stage.member(), stage.member(), stage.ids.next());
    let couple_id = link(&stage, ada, ben).await;
    Two { stage, ada, ben, couple_id, schedule_id }
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

impl Two {
    fn check_in_id(&self) -> Uuid {
        check_in_id(self.schedule_id, OpenTime::kept(at(OPENS)).unwrap())
    }

    /// An answer of one reply to the check-in of these tests.
    fn words(&self, text: &str) -> AnswerCheckInRequest {
        words(self.schedule_id, at(OPENS), text)
    }

    async fn answer(&self, who: Uuid, text: &str) -> Result<CheckIn, Status> {
        answer(&self.stage.journal, who, self.words(text)).await
    }

    async fn take_back(&self, who: Uuid) -> Result<(), Status> {
        take_back(&self.stage.journal, who, self.check_in_id()).await
    }

    /// One's own part.
    async fn own(&self, who: Uuid) -> Result<CheckIn, Status> {
        get(&self.stage.journal, who, self.check_in_id(), None).await
    }

    /// With the partner's opening, made now.
    async fn both(&self, who: Uuid) -> Result<CheckIn, Status> {
        get(&self.stage.journal, who, self.check_in_id(), Some(self.opening(who))).await
    }

    fn opening(&self, reader_id: Uuid) -> Capability {
        let owner_id = if reader_id == self.ada { self.ben } else { self.ada };
        let expires_at = self.stage.clock.now() + 10.seconds();
        opening(reader_id, owner_id, self.couple_id, self.check_in_id(), expires_at)
    }

    fn let_the_time_come(&self) {
        self.stage.clock.set(at(OPENS));
    }

    async fn unlink(&self) {
        note(&self.stage, self.couple_id, self.ada, self.ben, 2).await;
    }

    /// What reminders says at the time.
    async fn due(&self) {
        self.due_under(self.couple_id).await;
    }

    /// The same of another couple's check-in of the same schedule and time.
    async fn due_under(&self, couple_id: Uuid) {
        let Stage { pool, ids, clock, .. } = &self.stage;
        due(pool, ids, clock, couple_id, self.schedule_id, at(OPENS)).await;
    }
}

/// As the handler of `reminders.v1.check_in_due` does it.
async fn due(
    pool: &PgPool,
    ids: &Ids,
    clock: &Clock,
    couple_id: Uuid,
    schedule_id: Uuid,
    open_time: Timestamp,
) {
    let open_time = OpenTime::kept(open_time).unwrap();
    let key = CheckInKey { couple_id, check_in_id: check_in_id(schedule_id, open_time) };
    let appointment = Appointment { key, schedule_id, open_time };
    let mut transaction = pool.begin().await.unwrap();
    journal::app::check_in_due(&mut transaction, ids, &appointment, clock.now()).await.unwrap();
    transaction.commit().await.unwrap();
}

fn words(schedule_id: Uuid, open_time: Timestamp, text: &str) -> AnswerCheckInRequest {
    AnswerCheckInRequest {
        schedule_id: schedule_id.to_string(),
        open_time: Some(journal::events::to_proto(open_time)),
        replies: vec![reply("weather-inside", text)],
    }
}

fn reply(prompt_id: &str, text: &str) -> CheckInReply {
    CheckInReply { prompt_id: prompt_id.to_owned(), text: text.to_owned() }
}

/// Where a check-in stands, by name.
fn state(check_in: &CheckIn) -> &'static str {
    check_in.state().as_str_name()
}

/// The texts of replies.
fn texts(replies: &[CheckInReply]) -> Vec<&str> {
    replies.iter().map(|reply| reply.text.as_str()).collect()
}

fn opening(
    reader_id: Uuid,
    owner_id: Uuid,
    relation_id: Uuid,
    item_id: Uuid,
    expires_at: Timestamp,
) -> Capability {
    let receipt_id = Uuid::from_u128(reader_id.as_u128() ^ owner_id.as_u128());
    let opening =
        Opening { owner_id, relation_id, scope: SCOPE, item_id: Some(item_id), epoch: 0, receipt_id };
    Capability { opening, reader_id, session_id: crate::stage::passport(reader_id).session_id, expires_at }
}

async fn answer(journal: &Journal, who: Uuid, request: AnswerCheckInRequest) -> Result<CheckIn, Status> {
    Ok(journal.answer_check_in(signed_in(who, request)).await?.into_inner().check_in.unwrap())
}

async fn take_back(journal: &Journal, who: Uuid, check_in_id: Uuid) -> Result<(), Status> {
    let request = TakeBackCheckInAnswerRequest { check_in_id: check_in_id.to_string() };
    journal.take_back_check_in_answer(signed_in(who, request)).await.map(drop)
}

async fn get(
    journal: &Journal,
    who: Uuid,
    check_in_id: Uuid,
    capability: Option<Capability>,
) -> Result<CheckIn, Status> {
    let owner = capability.as_ref().map(|capability| capability.opening.owner_id.to_string());
    let message = GetCheckInRequest {
        check_in_id: check_in_id.to_string(),
        owner_account_id: owner.unwrap_or_default(),
    };
    let mut request: Request<GetCheckInRequest> = signed_in(who, message);
    if let Some(capability) = capability {
        request.extensions_mut().insert(capability);
    }
    Ok(journal.get_check_in(request).await?.into_inner().check_in.unwrap())
}

async fn list(
    journal: &Journal,
    who: Uuid,
    page_size: i32,
    token: &str,
) -> Result<ListCheckInsResponse, Status> {
    let request = ListCheckInsRequest { page_size, page_token: token.to_owned() };
    Ok(journal.list_check_ins(signed_in(who, request)).await?.into_inner())
}

/// The bodies of the events of a kind that are to be told.
async fn told<E: prost::Message + prost::Name + Default>(pool: &PgPool) -> Vec<E> {
    let bodies: Vec<Vec<u8>> = sqlx::query_scalar("SELECT body FROM bus.outbox WHERE key = $1 ORDER BY id")
        .bind(bus::key_of::<E>())
        .fetch_all(pool)
        .await
        .unwrap();
    bodies.iter().map(|body| E::decode(&body[..]).unwrap()).collect()
}

/// Everything a caller can tell one refusal from another by.
fn refusal(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

/// Everything a caller can tell one answer from another by: its bytes, or the refusal's.
fn seen(result: Result<CheckIn, Status>) -> Result<Vec<u8>, (tonic::Code, String, Vec<u8>)> {
    result.map(|check_in| prost::Message::encode_to_vec(&check_in)).map_err(|status| refusal(&status))
}
