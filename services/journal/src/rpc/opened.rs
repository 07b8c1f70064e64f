//! `OpenedService`.

use super::{Journal, chosen_id, database, mood_to_proto, page_start, to_proto};
use crate::Error;
use crate::app::opened::{self as app, Found, Kind, Part, Reading};
use crate::app::{Timeline, seal_token};
use crate::domain::{MoodRecord, PageSize, to_microseconds};
use candor_proto::journal::v1 as proto;
use candor_proto::journal::v1::opened_service_server::OpenedService;
use chassis::Fault;
use chassis::audience::{Reading as Admitted, admit_reader_with_consent};
use chassis::identity::Passport;
use sqlx::{Postgres, Transaction};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use vault::DataKey;

#[tonic::async_trait]
impl OpenedService for Journal {
    async fn list_opened_entries(
        &self,
        request: Request<proto::ListOpenedEntriesRequest>,
    ) -> Result<Response<proto::ListOpenedEntriesResponse>, Status> {
        let (passport, admitted, message) = admit_reader_with_consent(request)?;
        let wish = (message.page_size, message.page_token.as_str());
        let reading = self.reading_of(&passport, &admitted);
        let Some(mut list) = self.opened_list(&reading, Timeline::OpenedEntries, wish).await? else {
            return Ok(Response::new(Default::default()));
        };
        let total_size = list.total(&reading, Kind::Entries).await?;
        let found = app::entries(&mut list.tx, &reading, &list.data_key, list.part, &self.0.ids).await?;
        let (entries, next_page_token) = self.finish_list(list, found).await?;
        Ok(Response::new(proto::ListOpenedEntriesResponse { entries, next_page_token, total_size }))
    }

    async fn get_opened_entry(
        &self,
        request: Request<proto::GetOpenedEntryRequest>,
    ) -> Result<Response<proto::GetOpenedEntryResponse>, Status> {
        let (passport, admitted, message) = admit_reader_with_consent(request)?;
        let entry_id = given_id("entry_id", &message.entry_id)?;
        let reading = self.reading_of(&passport, &admitted);
        let data_key = self.key_to_read(reading.owner_id()).await?.ok_or(Error::NothingOpened)?;
        let mut tx = self.0.pool.begin().await.map_err(database)?;
        let entry = app::entry(&mut tx, &reading, &data_key, entry_id, &self.0.ids).await?;
        self.tell_reads(tx).await?;
        Ok(Response::new(proto::GetOpenedEntryResponse { entry: Some(entry) }))
    }

    async fn list_opened_moods(
        &self,
        request: Request<proto::ListOpenedMoodsRequest>,
    ) -> Result<Response<proto::ListOpenedMoodsResponse>, Status> {
        let (passport, admitted, message) = admit_reader_with_consent(request)?;
        let wish = (message.page_size, message.page_token.as_str());
        let reading = self.reading_of(&passport, &admitted);
        let Some(mut list) = self.opened_list(&reading, Timeline::OpenedMoods, wish).await? else {
            return Ok(Response::new(Default::default()));
        };
        let total_size = list.total(&reading, Kind::Moods).await?;
        let found = app::moods(&mut list.tx, &reading, list.part, &self.0.ids).await?;
        let (moods, next_page_token) = self.finish_list(list, found).await?;
        let moods = moods.iter().map(mood).collect();
        Ok(Response::new(proto::ListOpenedMoodsResponse { moods, next_page_token, total_size }))
    }

    async fn list_opened_self_checks(
        &self,
        request: Request<proto::ListOpenedSelfChecksRequest>,
    ) -> Result<Response<proto::ListOpenedSelfChecksResponse>, Status> {
        let (passport, admitted, message) = admit_reader_with_consent(request)?;
        let wish = (message.page_size, message.page_token.as_str());
        let reading = self.reading_of(&passport, &admitted);
        let Some(mut list) = self.opened_list(&reading, Timeline::OpenedSelfChecks, wish).await? else {
            return Ok(Response::new(Default::default()));
        };
        let total_size = list.total(&reading, Kind::SelfChecks).await?;
        let found = app::self_checks(&mut list.tx, &reading, list.part, &self.0.ids).await?;
        let (self_checks, next_page_token) = self.finish_list(list, found).await?;
        Ok(Response::new(proto::ListOpenedSelfChecksResponse { self_checks, next_page_token, total_size }))
    }

    async fn get_opened_self_check(
        &self,
        request: Request<proto::GetOpenedSelfCheckRequest>,
    ) -> Result<Response<proto::GetOpenedSelfCheckResponse>, Status> {
        let (passport, admitted, message) = admit_reader_with_consent(request)?;
        let assessment_id = given_id("assessment_id", &message.assessment_id)?;
        let reading = self.reading_of(&passport, &admitted);
        self.key_to_read(reading.owner_id()).await?.ok_or(Error::NothingOpened)?;
        let mut tx = self.0.pool.begin().await.map_err(database)?;
        let self_check = app::self_check(&mut tx, &reading, assessment_id, &self.0.ids).await?;
        self.tell_reads(tx).await?;
        Ok(Response::new(proto::GetOpenedSelfCheckResponse { self_check: Some(self_check) }))
    }
}

/// A list that is being read.
struct List {
    tx: Transaction<'static, Postgres>,
    /// The owner's: what is opened, and what the places in the list are known by.
    data_key: DataKey,
    timeline: Timeline,
    part: Part,
    is_first: bool,
}

impl List {
    /// How many there are in all, said on the first page; and that they are open to whoever asks, on every page.
    async fn total(&mut self, reading: &Reading<'_>, kind: Kind) -> Result<i32, Error> {
        let count = app::count(&mut self.tx, reading, kind).await?;
        Ok(if self.is_first { i32::try_from(count).unwrap_or(i32::MAX) } else { 0 })
    }
}

impl Journal {
    fn reading_of<'a>(&self, passport: &Passport, admitted: &'a Admitted) -> Reading<'a> {
        let now = to_microseconds(self.0.clock.now());
        match admitted {
            Admitted::Own => Reading::own(passport.account_id, now),
            Admitted::Of(capability) => Reading::of(capability, now),
        }
    }

    /// Begins to read a page of a list; `None` where the owner's key is destroyed, and with it all there was.
    async fn opened_list(
        &self,
        reading: &Reading<'_>,
        timeline: Timeline,
        (page_size, page_token): (i32, &str),
    ) -> Result<Option<List>, Fault> {
        let size = PageSize::parse(page_size).map_err(Error::Invalid)?;
        let Some(data_key) = self.key_to_read(reading.owner_id()).await? else { return Ok(None) };
        let part = Part { after: page_start(&data_key, timeline, page_token)?, limit: size.get() };
        let tx = self.0.pool.begin().await.map_err(database)?;
        Ok(Some(List { tx, data_key, timeline, part, is_first: page_token.is_empty() }))
    }

    /// Commits that it was read, and says where the next page begins.
    async fn finish_list<T>(&self, list: List, found: Found<T>) -> Result<(Vec<T>, String), Fault> {
        let List { tx, data_key, timeline, .. } = list;
        self.tell_reads(tx).await?;
        let token = |cursor| seal_token(&data_key, timeline, cursor);
        Ok((found.items, found.next.map(token).unwrap_or_default()))
    }

    async fn tell_reads(&self, tx: Transaction<'static, Postgres>) -> Result<(), Fault> {
        tx.commit().await.map_err(database)?;
        self.0.outbox.wake();
        Ok(())
    }
}

fn given_id(field: &'static str, id: &str) -> Result<Uuid, Error> {
    chosen_id(field, id)?.ok_or(Error::NothingOpened)
}

fn mood(record: &MoodRecord) -> proto::OpenedMood {
    proto::OpenedMood {
        mood_id: record.mood_id.to_string(),
        mood: Some(mood_to_proto(&record.mood)),
        felt_time: to_proto(record.felt_time),
    }
}
