//! Members of a test, and what they can ask about links and openings.

use crate::kit::{House, PASSWORD};
use candor_proto::accounts::v1::{
    AcceptInvitationRequest, BlockInviterRequest, CancelInvitationRequest, Couple, DeclineInvitationRequest,
    GetCircleRequest, GetCircleResponse, GetCoupleRequest, GetCoupleResponse, HostedPlace,
    InvitePartnerRequest, InvitePartnerResponse, InviteTrustedPersonRequest, InviteTrustedPersonResponse,
    ListReceiptsRequest, ListReceiptsResponse, OpenAccessRequest, OpenAccessResponse,
    PreviewInvitationRequest, PreviewInvitationResponse, ReportInvitationRequest, ReportReason,
    UnlinkPartnerRequest, circle_service_server::CircleService as _,
    consent_service_server::ConsentService as _, couple_service_server::CoupleService as _,
    ledger_service_server::LedgerService as _,
};
use candor_proto::options::v1::Scope;
use chassis::identity::{Assurance, Kind, Passport};
use jiff::SignedDuration;
use tonic::{Request, Status};
use uuid::Uuid;

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Person {
    pub account_id: Uuid,
    pub session_id: Uuid,
    pub kind: Kind,
}

/// Everything a caller can see of a failure.
pub fn visible(status: &Status) -> (tonic::Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

/// What a partner asks for most often.
pub fn shared_items(owner_id: Uuid) -> OpenAccessRequest {
    OpenAccessRequest {
        owner_account_id: owner_id.to_string(),
        scope: Scope::SharedItems.into(),
        ..OpenAccessRequest::default()
    }
}

/// What a partner asks for who reads one thing.
pub fn item(owner: &Person, item_id: u128) -> OpenAccessRequest {
    let item_id = Uuid::from_u128(item_id).to_string();
    OpenAccessRequest { item_id, ..shared_items(owner.account_id) }
}

impl House {
    /// A new member, signed in.
    pub async fn member(&self, name: &str) -> Person {
        let address = format!("{name}@example.org");
        self.join(&address, PASSWORD).await;
        self.signed_in(&address).await
    }

    /// Somebody who is here already, in another session.
    pub async fn signed_in(&self, address: &str) -> Person {
        let session = self.sign_in(address, PASSWORD).await.unwrap();
        let passport = self.passport(&session.passport).await.unwrap();
        Person { account_id: passport.account_id, session_id: passport.session_id, kind: passport.kind }
    }

    /// Two members who are linked.
    pub async fn couple(&self) -> (Person, Person) {
        let (anna, ben) = (self.member("anna").await, self.member("ben").await);
        self.link(&anna, &ben).await;
        (anna, ben)
    }

    pub async fn link(&self, inviter: &Person, invited: &Person) -> Couple {
        let code = self.invite(inviter, "Anna").await.unwrap().code;
        self.accept(invited, &code, "Ben").await.unwrap()
    }

    /// The person's passport, as it would be minted now.
    pub fn passport_of(&self, person: &Person) -> Passport {
        Passport {
            account_id: person.account_id,
            kind: person.kind,
            session_id: person.session_id,
            authenticated_at: self.now(),
            assurance: Assurance::Two,
            expires_at: self.now() + SignedDuration::from_secs(60),
            scopes: Default::default(),
            suspended: false,
            terms_due: false,
        }
    }

    /// A request of the person as the identity layer hands it on.
    pub fn by<T>(&self, person: &Person, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(self.passport_of(person));
        request
    }

    pub async fn invite(&self, person: &Person, name: &str) -> Result<InvitePartnerResponse, Status> {
        let message = InvitePartnerRequest { own_name: name.into() };
        Ok(self.rpc.invite_partner(self.by(person, message)).await?.into_inner())
    }

    pub async fn cancel(&self, person: &Person) -> Result<(), Status> {
        self.rpc.cancel_invitation(self.by(person, CancelInvitationRequest {})).await.map(drop)
    }

    pub async fn couple_of(&self, person: &Person) -> GetCoupleResponse {
        self.rpc.get_couple(self.by(person, GetCoupleRequest {})).await.unwrap().into_inner()
    }

    pub async fn preview(&self, code: &str) -> Result<PreviewInvitationResponse, Status> {
        let message = PreviewInvitationRequest { code: code.into() };
        Ok(self.rpc.preview_invitation(Request::new(message)).await?.into_inner())
    }

    pub async fn accept(&self, person: &Person, code: &str, name: &str) -> Result<Couple, Status> {
        let message = AcceptInvitationRequest { code: code.into(), own_name: name.into(), adult: true };
        let response = self.rpc.accept_invitation(self.by(person, message)).await?;
        Ok(response.into_inner().couple.unwrap())
    }

    pub async fn invite_trusted(
        &self,
        person: &Person,
        called: &str,
        reason: &str,
    ) -> Result<InviteTrustedPersonResponse, Status> {
        let message = InviteTrustedPersonRequest {
            own_name: "The host".into(),
            called: called.into(),
            reason: reason.into(),
        };
        Ok(self.rpc.invite_trusted_person(self.by(person, message)).await?.into_inner())
    }

    pub async fn join_circle(&self, person: &Person, code: &str, name: &str) -> Result<HostedPlace, Status> {
        let message = AcceptInvitationRequest { code: code.into(), own_name: name.into(), adult: true };
        let accepted = self.rpc.accept_invitation(self.by(person, message)).await?.into_inner();
        assert!(accepted.couple.is_none());
        Ok(accepted.place.unwrap())
    }

    /// Why somebody does not come into a circle.
    pub async fn join_circle_refused(&self, person: &Person, code: &str) -> Status {
        let message = AcceptInvitationRequest { code: code.into(), own_name: "Nobody".into(), adult: true };
        self.rpc.accept_invitation(self.by(person, message)).await.err().unwrap()
    }

    /// The guest in the host's circle.
    pub async fn befriend(&self, host: &Person, guest: &Person) -> HostedPlace {
        let code = self.invite_trusted(host, "A friend", "They listen.").await.unwrap().code;
        self.join_circle(guest, &code, "The guest").await.unwrap()
    }

    pub async fn circles_of(&self, person: &Person) -> GetCircleResponse {
        self.rpc.get_circle(self.by(person, GetCircleRequest {})).await.unwrap().into_inner()
    }

    pub async fn decline(&self, person: &Person, code: &str) -> Result<(), Status> {
        let message = DeclineInvitationRequest { code: code.into() };
        self.rpc.decline_invitation(self.by(person, message)).await.map(drop)
    }

    pub async fn block(&self, person: &Person, code: &str) -> Result<(), Status> {
        let message = BlockInviterRequest { code: code.into() };
        self.rpc.block_inviter(self.by(person, message)).await.map(drop)
    }

    pub async fn report(&self, code: &str, reason: ReportReason, note: &str) -> Result<(), Status> {
        let message = ReportInvitationRequest { code: code.into(), reason: reason.into(), note: note.into() };
        self.rpc.report_invitation(Request::new(message)).await.map(drop)
    }

    pub async fn unlink(&self, person: &Person) -> Result<(), Status> {
        self.rpc.unlink_partner(self.by(person, UnlinkPartnerRequest { delay_hours: 0 })).await.map(drop)
    }

    pub async fn open(
        &self,
        person: &Person,
        message: OpenAccessRequest,
    ) -> Result<OpenAccessResponse, Status> {
        Ok(self.rpc.open_access(self.by(person, message)).await?.into_inner())
    }

    pub async fn receipts(&self, person: &Person, size: i32, token: &str) -> ListReceiptsResponse {
        let message = ListReceiptsRequest { page_size: size, page_token: token.into() };
        self.rpc.list_receipts(self.by(person, message)).await.unwrap().into_inner()
    }

    /// How many of the events told so far have the key.
    pub async fn told(&self, key: &str) -> usize {
        self.events().await.iter().filter(|(told, ..)| told == key).count()
    }

    /// Lets everybody's invitations reach everybody again.
    pub async fn forget_pauses(&self) {
        sqlx::query("DELETE FROM invitation_block").execute(self.pool()).await.unwrap();
    }

    /// Links that are not whole: a person whose partner's row says otherwise, an ended link that still has people, a
    /// living one that has not two. Read at one moment; there never are any.
    pub async fn half_links(&self) -> i64 {
        sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM couple_member m
                     LEFT JOIN couple_member p ON p.account_id = m.partner_id AND p.partner_id = m.account_id
                                              AND p.couple_id = m.couple_id
                     WHERE p.account_id IS NULL)
                  + (SELECT count(*) FROM couple c
                     WHERE (SELECT count(*) FROM couple_member m WHERE m.couple_id = c.couple_id)
                           <> CASE WHEN c.unlinked_at IS NULL THEN 2 ELSE 0 END)",
        )
        .fetch_one(self.pool())
        .await
        .unwrap()
    }
}
