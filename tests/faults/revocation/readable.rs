//! What is read all the time, and by whom: a share by a partner, or an entry by a counselor or software with a consent.

use super::couple::mint;
use super::place::Place;
use crate::member::signed;
use candor_proto::accounts::v1 as accounts;
use candor_proto::journal::v1 as journal;
use candor_proto::options::v1::Scope;
use journal::opened_service_client::OpenedServiceClient;
use journal::share_service_client::ShareServiceClient;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// What is read.
#[derive(Debug, Clone)]
pub(crate) enum Thing {
    /// By its id; opened once an hour and gone on with.
    Share(String),
    /// By its id; each opening stands for itself.
    Entry(String),
}

/// Who reads.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    /// A person, by the secret of their session: passports are minted anew.
    Person(String),
    /// Software, by its token, which outlives the test.
    Software(String),
}

/// One thing of an owner's, and its reader.
#[derive(Debug, Clone)]
pub(crate) struct Readable {
    pub(crate) owner_id: String,
    pub(crate) thing: Thing,
    pub(crate) reader: Reader,
}

impl Readable {
    /// What the reader is known by now.
    pub(crate) async fn passport(&self, accounts: Channel) -> Result<String, Status> {
        match &self.reader {
            Reader::Person(secret) => Ok(mint(accounts, secret).await?.passport),
            Reader::Software(token) => Ok(token.clone()),
        }
    }

    /// Opens it, or goes on with an earlier receipt where that is done.
    pub(crate) async fn open(
        &self,
        accounts: Channel,
        passport: &str,
        receipt_id: &str,
    ) -> Result<accounts::OpenAccessResponse, Status> {
        let (scope, item_id, receipt_id) = match &self.thing {
            Thing::Share(_) => (Scope::SharedItems, "", receipt_id),
            Thing::Entry(entry_id) => (Scope::Entries, entry_id.as_str(), ""),
        };
        let mut consent = accounts::consent_service_client::ConsentServiceClient::new(accounts);
        let request = accounts::OpenAccessRequest {
            owner_account_id: self.owner_id.clone(),
            scope: scope.into(),
            item_id: item_id.to_owned(),
            receipt_id: receipt_id.to_owned(),
            ..Default::default()
        };
        Ok(consent.open_access(signed(request, passport)).await?.into_inner())
    }

    /// Reads it at one replica of the journal.
    pub(crate) async fn read(
        &self,
        journal: Channel,
        passport: &str,
        capability: &str,
    ) -> Result<(), Status> {
        let owner_account_id = self.owner_id.clone();
        match &self.thing {
            Thing::Share(share_id) => {
                let share_id = share_id.clone();
                let request = journal::GetReceivedShareRequest { owner_account_id, share_id };
                let request = with(request, passport, capability);
                ShareServiceClient::new(journal).get_received_share(request).await.map(drop)
            }
            Thing::Entry(entry_id) => {
                let entry_id = entry_id.clone();
                let request = journal::GetOpenedEntryRequest { owner_account_id, entry_id };
                let request = with(request, passport, capability);
                OpenedServiceClient::new(journal).get_opened_entry(request).await.map(drop)
            }
        }
    }

    /// Whether a replica shows it to somebody who opens it now.
    pub(crate) async fn shows(&self, place: &Place, journal: &Channel) -> bool {
        let accounts = place.grpc("accounts");
        let Ok(passport) = self.passport(accounts.clone()).await else { return false };
        let Ok(opened) = self.open(accounts, &passport, "").await else { return false };
        self.read(journal.clone(), &passport, &opened.capability).await.is_ok()
    }
}

fn with<T>(request: T, passport: &str, capability: &str) -> Request<T> {
    let mut request = signed(request, passport);
    request.metadata_mut().insert("candor-capability", capability.parse().unwrap());
    request
}
