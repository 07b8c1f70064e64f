//! Entries as members write them, and whether what was written is kept.

use crate::ground::Candor;
use crate::http::Http;
use crate::load;
use crate::people::People;
use crate::wire::Wire;
use candor_proto::journal::v1::entry_service_client::EntryServiceClient;
use candor_proto::journal::v1::{GetEntryRequest, WriteEntryRequest, WriteEntryResponse};
use chassis::Ids;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 1024;
/// One of so many entries is read back.
const ONE_OF: u64 = 257;

/// Writes entries and remembers some. Clones share them.
#[derive(Clone)]
pub(crate) struct Writers {
    people: People,
    ids: Ids,
    written: Arc<Mutex<Vec<(usize, Uuid)>>>,
}

impl Writers {
    /// In the names of these people.
    pub(crate) fn new(people: &People) -> Self {
        Self { people: people.clone(), ids: load::ids(), written: Arc::default() }
    }

    /// Writes an entry over gRPC in a member's name; `call` numbers those of a lane.
    pub(crate) async fn write(&self, wire: Wire, member: usize, call: u64) -> Result<(), String> {
        let entry_id = self.ids.next();
        let message = WriteEntryRequest {
            entry_id: entry_id.to_string(),
            body: text(entry_id),
            time_zone: "Europe/Berlin".to_owned(),
            ..WriteEntryRequest::default()
        };
        let path = "/candor.journal.v1.EntryService/WriteEntry";
        let answer: WriteEntryResponse = wire.call(path, self.people.passport(member), &message).await?;
        self.remember(call, member, entry_id);
        load::same(entry_id, &answer.entry.unwrap_or_default().entry_id)
    }

    /// The same over HTTP, with the secret of a session as browsers and apps do.
    pub(crate) async fn post(&self, http: &Http, member: usize, call: u64) -> Result<(), String> {
        let entry_id = self.ids.next();
        let body = text(entry_id);
        let json = format!(r#"{{"entryId":"{entry_id}","body":"{body}","timeZone":"Europe/Berlin"}}"#);
        let answer = http.post("/v1/entries", &self.people.members[member].secret, json).await?;
        self.remember(call, member, entry_id);
        let named = entry_id.to_string();
        let found = answer.windows(named.len()).any(|part| part == named.as_bytes());
        if found { Ok(()) } else { Err("another id was answered".to_owned()) }
    }

    fn remember(&self, call: u64, member: usize, entry_id: Uuid) {
        if call.is_multiple_of(ONE_OF) {
            self.written.lock().unwrap_or_else(PoisonError::into_inner).push((member, entry_id));
        }
    }

    /// Reads back what was remembered: each opens to what was written, and the database holds no word of it.
    pub(crate) async fn check(&self, candor: &Candor) {
        let written = std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(!written.is_empty(), "some entries are read back");
        self.people.renew(candor).await;
        let mut client = EntryServiceClient::new(candor.five.grpc("journal"));
        for (member, entry_id) in &written {
            let request = self.people.request(*member, GetEntryRequest { entry_id: entry_id.to_string() });
            let entry = client.get_entry(request).await.expect("the entry").into_inner().entry.unwrap();
            assert_eq!(entry.body, text(*entry_id), "an entry opens to what was written");
        }
        let ids: Vec<Uuid> = written.iter().map(|(_, entry_id)| *entry_id).collect();
        let plain = "SELECT count(*) FROM entries WHERE entry_id = ANY($1) AND position('evening'::bytea in body) > 0";
        let plain: i64 =
            sqlx::query_scalar(plain).bind(&ids).fetch_one(candor.pool("journal")).await.unwrap();
        assert_eq!(plain, 0, "what is kept is sealed");
    }
}

/// An entry's text, which follows from its id.
pub(crate) fn text(entry_id: Uuid) -> String {
    let mut text = format!("{entry_id}: a quiet evening. ");
    let sentence = "We talked for a while, and then neither of us knew what to say. ";
    while text.len() < ENTRY_BYTES {
        text.push_str(sentence);
    }
    text.truncate(ENTRY_BYTES);
    text
}

/// As many entries are kept, and as many events told, as were answered.
pub(crate) async fn expect(candor: &Candor, before: u64, answered: u64) -> u64 {
    let entries = candor.count("journal", "entries").await;
    assert_eq!(entries - before, answered, "every entry that was answered is there, and no other");
    candor.settle(&[]).await;
    assert_eq!(candor.count("journal", "bus.log").await, entries, "every entry is told of, once");
    entries
}
