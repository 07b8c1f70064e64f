//! `MoodService`.

use super::{
    Journal, SentKey, chosen_id, database, moment, mood_from_proto, mood_to_proto, page_start, to_proto,
};
use crate::Error;
use crate::app::{self, Attempt, RECORD_MOOD, RecordMood, Timeline, Written};
use crate::domain::{Cursor, Invalid, MoodRecord, PageSize, to_microseconds};
use candor_proto::journal::v1 as proto;
use candor_proto::journal::v1::mood_service_server::MoodService;
use chassis::Fault;
use chassis::rpc::{admit_member, admit_owner};
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

#[tonic::async_trait]
impl MoodService for Journal {
    async fn record_mood(
        &self,
        request: Request<proto::RecordMoodRequest>,
    ) -> Result<Response<proto::RecordMoodResponse>, Status> {
        let sent_key = SentKey::of(request.metadata());
        let (caller, request) = admit_member(request)?;
        let record = self.record(caller.account_id, &sent_key, request).await?;
        Ok(Response::new(proto::RecordMoodResponse { record: Some(record_to_proto(&record)) }))
    }

    async fn list_moods(
        &self,
        request: Request<proto::ListMoodsRequest>,
    ) -> Result<Response<proto::ListMoodsResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        Ok(Response::new(self.moods(caller.account_id, &request).await?))
    }
}

impl Journal {
    async fn record(
        &self,
        account_id: Uuid,
        sent_key: &SentKey,
        mut request: proto::RecordMoodRequest,
    ) -> Result<MoodRecord, Fault> {
        let chosen = chosen_id("mood_id", &request.mood_id)?;
        let sent_key = sent_key.parse()?;
        // The same request in other letters is the same request.
        request.mood_id = chosen.map(|id| id.to_string()).unwrap_or_default();
        let record = self.parse_mood(account_id, chosen, &request)?;
        let data_key = self.key_to_write(account_id).await?;
        let key = sent_key.unwrap_or(record.mood_id);
        let attempt = Attempt::new(key, &data_key, RECORD_MOOD, &request.encode_to_vec());

        let mut transaction = self.0.pool.begin().await.map_err(database)?;
        let written = app::record_mood(&mut transaction, &RecordMood::new(record.clone(), &attempt)).await?;
        let kept = match written {
            Written::Fresh => record,
            Written::Replayed(mood_id) => app::find_mood(&mut transaction, account_id, mood_id).await?,
        };
        transaction.commit().await.map_err(database)?;
        Ok(kept)
    }

    fn parse_mood(
        &self,
        account_id: Uuid,
        chosen: Option<Uuid>,
        request: &proto::RecordMoodRequest,
    ) -> Result<MoodRecord, Error> {
        let now = to_microseconds(self.0.clock.now());
        let mood = request.mood.as_ref().ok_or(Invalid { field: "mood", rule: "is required" })?;
        Ok(MoodRecord {
            account_id,
            mood_id: chosen.unwrap_or_else(|| self.0.ids.next()),
            entry_id: None,
            mood: mood_from_proto(mood)?,
            felt_time: moment("felt_time", request.felt_time, now)?.timestamp(),
            create_time: now,
        })
    }

    async fn moods(
        &self,
        account_id: Uuid,
        request: &proto::ListMoodsRequest,
    ) -> Result<proto::ListMoodsResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let Some(data_key) = self.key_to_read(account_id).await? else {
            return Ok(proto::ListMoodsResponse::default());
        };
        let after = page_start(&data_key, Timeline::Moods, &request.page_token)?;
        let (records, more) = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::list_moods(&mut conn, account_id, after, size.get()).await.map_err(database)?
        };
        let last =
            records.last().filter(|_| more).map(|last| Cursor { time: last.felt_time, id: last.mood_id });
        let token = |cursor| app::seal_token(&data_key, Timeline::Moods, cursor);
        Ok(proto::ListMoodsResponse {
            records: records.iter().map(record_to_proto).collect(),
            next_page_token: last.map(token).unwrap_or_default(),
        })
    }
}

fn record_to_proto(record: &MoodRecord) -> proto::MoodRecord {
    proto::MoodRecord {
        mood_id: record.mood_id.to_string(),
        mood: Some(mood_to_proto(&record.mood)),
        felt_time: to_proto(record.felt_time),
        entry_id: record.entry_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}
