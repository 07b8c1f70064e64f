//! `EntryService`.

use super::{
    Journal, SentKey, chosen_id, database, moment, mood_from_proto, mood_to_proto, page_start, to_proto,
};
use crate::Error;
use crate::app::{self, Attempt, Timeline, WRITE_ENTRY, WriteEntry, Written};
use crate::domain::{Cursor, Entry, EntryBody, PageSize, Title, Zone, to_microseconds};
use candor_proto::journal::v1 as proto;
use candor_proto::journal::v1::entry_service_server::EntryService;
use chassis::Fault;
use chassis::rpc::{admit_member, admit_owner};
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

/// The texts of a page together, in bytes: with one entry more than this it still fits a message of 1 MiB.
const PAGE_BYTES: usize = 768 * 1024;

#[tonic::async_trait]
impl EntryService for Journal {
    async fn write_entry(
        &self,
        request: Request<proto::WriteEntryRequest>,
    ) -> Result<Response<proto::WriteEntryResponse>, Status> {
        let sent_key = SentKey::of(request.metadata());
        let (caller, request) = admit_member(request)?;
        let entry = self.write(caller.account_id, &sent_key, request).await?;
        Ok(Response::new(proto::WriteEntryResponse { entry: Some(entry) }))
    }

    async fn get_entry(
        &self,
        request: Request<proto::GetEntryRequest>,
    ) -> Result<Response<proto::GetEntryResponse>, Status> {
        let (caller, request) = admit_member(request)?;
        let entry_id = chosen_id("entry_id", &request.entry_id)?.ok_or(Error::EntryNotFound)?;
        let entry = self.read(caller.account_id, entry_id).await?;
        Ok(Response::new(proto::GetEntryResponse { entry: Some(entry) }))
    }

    async fn list_entries(
        &self,
        request: Request<proto::ListEntriesRequest>,
    ) -> Result<Response<proto::ListEntriesResponse>, Status> {
        let (caller, request) = admit_owner(request)?;
        Ok(Response::new(self.list(caller.account_id, &request).await?))
    }
}

impl Journal {
    async fn write(
        &self,
        account_id: Uuid,
        sent_key: &SentKey,
        mut request: proto::WriteEntryRequest,
    ) -> Result<proto::Entry, Fault> {
        let chosen = chosen_id("entry_id", &request.entry_id)?;
        let sent_key = sent_key.parse()?;
        // The same request in other letters is the same request.
        request.entry_id = chosen.map(|id| id.to_string()).unwrap_or_default();
        let canonical = request.encode_to_vec();
        let entry = self.parse(chosen, request)?;
        let data_key = self.key_to_write(account_id).await?;
        let attempt = Attempt::new(sent_key.unwrap_or(entry.entry_id), &data_key, WRITE_ENTRY, &canonical);
        let sealed = app::seal_entry(account_id, &entry, &data_key, self.0.ids.next());
        let event = app::entry_written(self.0.ids.next(), sealed.create_time, &sealed.facts());
        match self.0.writes.submit(WriteEntry::new(sealed, &attempt, event)).await? {
            Written::Fresh => Ok(entry_to_proto(entry)),
            Written::Replayed(entry_id) => self.read(account_id, entry_id).await,
        }
    }

    fn parse(&self, chosen: Option<Uuid>, request: proto::WriteEntryRequest) -> Result<Entry, Error> {
        let now = to_microseconds(self.0.clock.now());
        Ok(Entry {
            entry_id: chosen.unwrap_or_else(|| self.0.ids.next()),
            body: EntryBody::parse(request.body)?,
            title: Title::parse(request.title)?,
            entry_time: moment("entry_time", request.entry_time, now)?,
            zone: Zone::parse(&request.time_zone)?,
            mood: request.mood.as_ref().map(mood_from_proto).transpose()?,
            create_time: now,
        })
    }

    async fn read(&self, account_id: Uuid, entry_id: Uuid) -> Result<proto::Entry, Fault> {
        let sealed = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::find_entry(&mut conn, account_id, entry_id).await?
        };
        let data_key = self.key_to_read(account_id).await?.ok_or(Error::EntryNotFound)?;
        Ok(entry_to_proto(app::open_entry(&data_key, sealed)?))
    }

    async fn list(
        &self,
        account_id: Uuid,
        request: &proto::ListEntriesRequest,
    ) -> Result<proto::ListEntriesResponse, Fault> {
        let size = PageSize::parse(request.page_size).map_err(Error::Invalid)?;
        let Some(data_key) = self.key_to_read(account_id).await? else {
            return Ok(proto::ListEntriesResponse::default());
        };
        let after = page_start(&data_key, Timeline::Entries, &request.page_token)?;
        let (sealed, more) = {
            let mut conn = self.0.pool.acquire().await.map_err(database)?;
            app::list_entries(&mut conn, account_id, after, size.get(), PAGE_BYTES).await.map_err(database)?
        };
        let last =
            sealed.last().filter(|_| more).map(|last| Cursor { time: last.entry_time, id: last.entry_id });
        let mut entries = Vec::with_capacity(sealed.len());
        for entry in sealed {
            entries.push(entry_to_proto(app::open_entry(&data_key, entry)?));
        }
        let token = |cursor| app::seal_token(&data_key, Timeline::Entries, cursor);
        Ok(proto::ListEntriesResponse { entries, next_page_token: last.map(token).unwrap_or_default() })
    }
}

fn entry_to_proto(entry: Entry) -> proto::Entry {
    proto::Entry {
        entry_id: entry.entry_id.to_string(),
        body: entry.body.into_string(),
        title: entry.title.map(Title::into_string).unwrap_or_default(),
        entry_time: to_proto(entry.entry_time.timestamp()),
        time_zone: entry.zone.into_string(),
        mood: entry.mood.as_ref().map(mood_to_proto),
        create_time: to_proto(entry.create_time),
    }
}
