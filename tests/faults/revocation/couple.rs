//! An owner and a reader who link, share, take back, and link again.

use super::place::Place;
use super::readable::{Readable, Reader, Thing};
use crate::member::{PATIENCE, signed};
use candor_proto::accounts::v1 as accounts;
use candor_proto::journal::v1 as journal;
use candor_tests::eventually;
use journal::share_service_client::ShareServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

pub(crate) const PASSWORD: &str = "a long sentence nobody guesses";

/// Somebody and the session they have now.
#[derive(Clone)]
pub(crate) struct Person {
    email: String,
    pub(crate) account_id: String,
    session_id: String,
    pub(crate) secret: String,
}

/// The two, in their place.
pub(crate) struct Couple {
    pub(crate) place: Place,
    pub(crate) owner: Person,
    pub(crate) reader: Person,
    pub(crate) share_id: String,
}

impl Person {
    pub(crate) async fn join(place: &Place, email: &str) -> Self {
        let mut identity =
            accounts::identity_service_client::IdentityServiceClient::new(place.grpc("accounts"));
        let person = accounts::RegisterRequest {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            locale: String::new(),
            adult: true,
            notices_by_mail: false,
            terms_version: 1,
            privacy_version: 1,
        };
        identity.register(person).await.unwrap();
        let token = place.mailed_token(email).await;
        let proof = accounts::VerifyEmailRequest { token, password: PASSWORD.to_owned() };
        identity.verify_email(proof).await.unwrap();
        Self::sign_in(place, email).await
    }

    async fn sign_in(place: &Place, email: &str) -> Self {
        let mut sessions =
            accounts::session_service_client::SessionServiceClient::new(place.grpc("accounts"));
        let credentials = accounts::SignInRequest {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            ..accounts::SignInRequest::default()
        };
        let session = sessions.sign_in(credentials).await.unwrap().into_inner();
        let minted = mint(place.grpc("accounts"), &session.session_secret).await.unwrap();
        let account_id = minted.account_id;
        let (email, session_id) = (email.to_owned(), session.session_id);
        Self { email, account_id, session_id, secret: session.session_secret }
    }

    /// A passport of now.
    pub(crate) async fn passport(&self, place: &Place) -> String {
        mint(place.grpc("accounts"), &self.secret).await.unwrap().passport
    }
}

/// A fresh passport of a session.
pub(crate) async fn mint(accounts: Channel, secret: &str) -> Result<accounts::MintPassportResponse, Status> {
    let mut sessions = accounts::session_service_client::SessionServiceClient::new(accounts);
    let request = accounts::MintPassportRequest { session_secret: secret.to_owned() };
    Ok(sessions.mint_passport(request).await?.into_inner())
}

impl Couple {
    pub(crate) async fn join(place: Place) -> Self {
        let owner = Person::join(&place, "vera@example.org").await;
        let reader = Person::join(&place, "paul@example.org").await;
        Self { place, owner, reader, share_id: String::new() }
    }

    /// Linked, signed in, and something is open that every replica shows.
    pub(crate) async fn prepare(&mut self) {
        self.reader = Person::sign_in(&self.place, &self.reader.email).await;
        self.link().await;
        self.share_id = self.share().await;
        let readable = self.readable();
        for (replica, journal) in self.place.journals() {
            eventually(&format!("{replica} shows it"), PATIENCE, async || {
                readable.shows(&self.place, &journal).await
            })
            .await;
        }
    }

    /// What is read all the time.
    pub(crate) fn readable(&self) -> Readable {
        Readable {
            owner_id: self.owner.account_id.clone(),
            thing: Thing::Share(self.share_id.clone()),
            reader: Reader::Person(self.reader.secret.clone()),
        }
    }

    fn couples(&self) -> accounts::couple_service_client::CoupleServiceClient<Channel> {
        accounts::couple_service_client::CoupleServiceClient::new(self.place.grpc("accounts"))
    }

    /// Links them, if they are not. The reader invites: invitations of one person are few a day.
    async fn link(&self) {
        let (owner, reader) =
            (self.owner.passport(&self.place).await, self.reader.passport(&self.place).await);
        let mut couples = self.couples();
        let linked = couples.get_couple(signed(accounts::GetCoupleRequest {}, &owner)).await.unwrap();
        if linked.into_inner().couple.is_some() {
            return;
        }
        let invitation = accounts::InvitePartnerRequest { own_name: "Paul".to_owned() };
        let invited = couples.invite_partner(signed(invitation, &reader)).await.unwrap().into_inner();
        let yes = accounts::AcceptInvitationRequest {
            code: invited.code,
            own_name: "Vera".to_owned(),
            adult: true,
        };
        couples.accept_invitation(signed(yes, &owner)).await.unwrap();
    }

    /// Shares an entry, once the journal knows of the link.
    async fn share(&self) -> String {
        let passport = self.owner.passport(&self.place).await;
        let mut entries = journal::entry_service_client::EntryServiceClient::new(self.place.grpc("journal"));
        let entry =
            journal::WriteEntryRequest { body: "Something to be read.".to_owned(), ..Default::default() };
        let entry = entries.write_entry(signed(entry, &passport)).await.unwrap().into_inner();
        let selection = journal::Selection {
            kind: journal::ShareKind::Entry.into(),
            item_id: entry.entry.unwrap().entry_id,
            depth: journal::ShareDepth::Whole.into(),
            ..Default::default()
        };
        let request = journal::ShareItemRequest {
            recipient_account_id: self.reader.account_id.clone(),
            selection: Some(selection),
            open_now: true,
            ..Default::default()
        };
        let mut shares = ShareServiceClient::new(self.place.grpc("journal"));
        let mut share_id = String::new();
        eventually("the journal shares it", PATIENCE, async || {
            match shares.share_item(signed(request.clone(), &passport)).await {
                Ok(made) => share_id = made.into_inner().share.unwrap().share_id,
                // It has not heard of the link yet.
                Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}"),
            }
            !share_id.is_empty()
        })
        .await;
        share_id
    }

    pub(crate) async fn withdraw(&self) {
        let passport = self.owner.passport(&self.place).await;
        let request = journal::WithdrawShareRequest { share_id: self.share_id.clone() };
        let mut shares = ShareServiceClient::new(self.place.grpc("journal"));
        shares.withdraw_share(signed(request, &passport)).await.unwrap();
    }

    pub(crate) async fn unlink(&self) {
        let passport = self.owner.passport(&self.place).await;
        let request = signed(accounts::UnlinkPartnerRequest { delay_hours: 0 }, &passport);
        self.couples().unlink_partner(request).await.unwrap();
    }

    pub(crate) async fn end_the_readers_session(&self) {
        let passport = self.reader.passport(&self.place).await;
        let mut sessions =
            accounts::session_service_client::SessionServiceClient::new(self.place.grpc("accounts"));
        let request = accounts::EndSessionRequest { session_id: self.reader.session_id.clone() };
        sessions.end_session(signed(request, &passport)).await.unwrap();
    }
}
