//! The legal texts: who is asked when, what is kept of it, and what passports say until they answer.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason, registration};
use crate::people::visible;
use accounts::domain::Terms;
use accounts::jobs;
use candor_proto::accounts::v1::{
    AcceptTermsRequest, AcceptedTerms, GetTermsRequest, GetTermsResponse, ListAcceptedTermsRequest,
    ListAcceptedTermsResponse, RegisterRequest, SignInResponse, StepUpRequest, TermsKind,
    WithdrawTermsRequest, identity_service_server::IdentityService as _,
    session_service_server::SessionService as _, terms_service_server::TermsService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const ANNA: &str = "anna@example.org";
const USE: TermsKind = TermsKind::Use;
const PRIVACY: TermsKind = TermsKind::Privacy;

/// Texts of an operator: of the terms of use two versions, whose second is material or is not.
fn texts(second_is_material: &str) -> Terms {
    let head = |material: &str| format!("date: 2024-02-01\nmaterial: {material}\n\nSome words.");
    let (first, second) = (head("yes"), head(second_is_material));
    let files = [
        ("terms-of-use/1/en.md", first.as_str()),
        ("terms-of-use/2/en.md", &second),
        ("terms-of-use/2/de.md", &second),
        ("privacy-notice/1/en.md", &first),
    ];
    Terms::read(files).unwrap()
}

impl House {
    async fn texts(&self, kind: TermsKind, version: i32, locale: &str) -> Result<GetTermsResponse, Status> {
        let message = GetTermsRequest { kind: kind.into(), version, locale: locale.into() };
        Ok(self.rpc.get_terms(Request::new(message)).await?.into_inner())
    }

    async fn accept_text(&self, by: &SignInResponse, kind: TermsKind, version: i32) -> Result<(), Status> {
        let message = AcceptTermsRequest { kind: kind.into(), version, locale: "de-AT".into() };
        self.rpc.accept_terms(self.with_passport(&by.passport, message).await).await.map(drop)
    }

    async fn withdraw_text(&self, by: &SignInResponse, kind: TermsKind) -> Result<(), Status> {
        let message = WithdrawTermsRequest { kind: kind.into() };
        self.rpc.withdraw_terms(self.with_passport(&by.passport, message).await).await.map(drop)
    }

    async fn own_terms(&self, by: &SignInResponse) -> ListAcceptedTermsResponse {
        let request = self.with_passport(&by.passport, ListAcceptedTermsRequest {}).await;
        self.rpc.list_accepted_terms(request).await.unwrap().into_inner()
    }

    /// Whether the next passport of a session says that the terms wait; what is asked for says the same.
    async fn waits(&self, by: &SignInResponse) -> bool {
        let minted = self.mint(&by.session_secret).await.unwrap().passport;
        let waits = self.passport(&minted).await.unwrap().terms_due;
        assert_eq!(!self.own_terms(by).await.due.is_empty(), waits);
        waits
    }
}

/// What stands: number of the kind, version and language, in order.
fn standing(own: &ListAcceptedTermsResponse) -> Vec<(i32, i32, &str)> {
    let stands = |one: &&AcceptedTerms| one.withdraw_time.is_none();
    let all = own.accepted.iter().filter(stands);
    let mut all: Vec<_> = all.map(|one| (one.kind, one.version, one.locale.as_str())).collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn whoever_registers_accepts_both_and_is_not_asked_again() {
    let house = House::new().await;
    let message = RegisterRequest { locale: "es-MX".into(), ..registration(ANNA, PASSWORD, "UTC") };
    house.rpc.register(Request::new(message)).await.unwrap();
    house.work().await;
    house.verify(&house.mails().pop().unwrap().token()).await.unwrap();
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(!house.passport(&session.passport).await.unwrap().terms_due);
    assert!(!house.waits(&session).await);
    // In the language that was there for theirs.
    assert_eq!(standing(&house.own_terms(&session).await), [(1, 1, "es"), (2, 1, "es")]);
}

#[tokio::test]
async fn another_version_than_the_one_that_counts_is_refused_before_anybody_looks_whose_address_it_is() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let newer = house.replica_with(texts("yes"));
    for email in [ANNA, "unknown@example.org"] {
        for (terms_version, privacy_version) in [(1, 1), (3, 1), (2, 2)] {
            let message =
                RegisterRequest { terms_version, privacy_version, ..registration(email, PASSWORD, "UTC") };
            let runs = newer.accounts.hashing.runs();
            let refused = newer.rpc.register(Request::new(message)).await.err().unwrap();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::FailedPrecondition, "TERMS_CHANGED")
            );
            assert!(refused.message().contains("Please read the newer text"), "{refused}");
            assert_eq!((newer.accounts.hashing.runs(), newer.count("address_request").await), (runs, 0));
        }
    }
    let message = RegisterRequest { terms_version: 2, ..registration("ben@example.org", PASSWORD, "UTC") };
    newer.rpc.register(Request::new(message)).await.unwrap();
}

#[tokio::test]
async fn nobody_registers_without_saying_that_they_are_an_adult() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let (runs, mails) = (house.accounts.hashing.runs(), house.mails().len());
    let mut answers = Vec::new();
    for email in [ANNA, "ben@example.org"] {
        let message = RegisterRequest { adult: false, ..registration(email, OTHER_PASSWORD, "UTC") };
        let refused = house.rpc.register(Request::new(message)).await.err().unwrap();
        assert!(refused.code() == Code::InvalidArgument && refused.message().contains("adult"), "{refused}");
        answers.push(visible(&refused));
    }
    assert_eq!(answers[0], answers[1]);
    house.work().await;
    assert_eq!((house.accounts.hashing.runs(), house.mails().len()), (runs, mails), "nothing came of it");
    assert_eq!((house.count("account").await, house.count("address_request").await), (1, 0));
    house.sign_in("ben@example.org", OTHER_PASSWORD).await.err().unwrap();
}

#[tokio::test]
async fn after_a_material_change_everybody_is_asked_again_and_after_any_other_nobody() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let corrected = house.replica_with(texts("no"));
    assert!(!corrected.waits(&session).await);
    let changed = house.replica_with(texts("yes"));
    assert!(changed.waits(&session).await, "with the next passport of the same session");
    let fresh = changed.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(changed.passport(&fresh.passport).await.unwrap().terms_due, "and with the first of another");
    assert_eq!(changed.own_terms(&fresh).await.due, [i32::from(USE)]);
    // A proof does not open it.
    let message = StepUpRequest { password: PASSWORD.into(), ..StepUpRequest::default() };
    let proven = changed.rpc.step_up(changed.with_passport(&fresh.passport, message).await).await.unwrap();
    assert!(changed.passport(&proven.into_inner().passport).await.unwrap().terms_due);
    for version in [1, 3] {
        let refused = changed.accept_text(&fresh, USE, version).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "TERMS_CHANGED"));
    }
    changed.accept_text(&fresh, USE, 2).await.unwrap();
    changed.accept_text(&fresh, USE, 2).await.unwrap();
    assert!(!changed.waits(&fresh).await && !changed.waits(&session).await);
    let own = changed.own_terms(&fresh).await;
    assert_eq!(standing(&own), [(1, 1, "en"), (1, 2, "de"), (2, 1, "en")]);
}

#[tokio::test]
async fn an_account_of_before_is_asked_at_its_next_visit_whatever_it_is() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    sqlx::query("DELETE FROM terms_acceptance").execute(house.pool()).await.unwrap();
    crate::operators::make(&house, "ops@example.org").await;
    for address in [ANNA, "ops@example.org"] {
        let session = house.sign_in(address, PASSWORD).await.unwrap();
        assert!(house.waits(&session).await, "{address}");
        house.accept_text(&session, PRIVACY, 1).await.unwrap();
        assert!(house.waits(&session).await, "one of the two is not enough");
        house.accept_text(&session, USE, 1).await.unwrap();
        assert!(!house.waits(&session).await, "{address}");
    }
}

#[tokio::test]
async fn what_was_accepted_is_taken_back_without_a_proof_and_accepted_again() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.join("ben@example.org", PASSWORD).await;
    let (session, ben) = (
        house.sign_in(ANNA, PASSWORD).await.unwrap(),
        house.sign_in("ben@example.org", PASSWORD).await.unwrap(),
    );
    house.advance(SignedDuration::from_mins(30));
    let passport = house.mint(&session.session_secret).await.unwrap().passport;
    let session = SignInResponse { passport, ..session };
    house.withdraw_text(&session, PRIVACY).await.unwrap();
    assert!(house.waits(&session).await);
    let told = house.notices(&session.passport).await;
    assert_eq!(told, ["SECURITY_NOTICE_KIND_TERMS_WITHDRAWN"]);
    // Taken back already: nothing changes, and nobody is told.
    house.withdraw_text(&session, PRIVACY).await.unwrap();
    assert_eq!(house.notices(&session.passport).await.len(), 1);
    assert_eq!(standing(&house.own_terms(&session).await), [(1, 1, "en")]);
    house.advance(SignedDuration::from_secs(1));
    house.accept_text(&session, PRIVACY, 1).await.unwrap();
    assert!(!house.waits(&session).await);
    // What was is still there, and what others accepted was not touched.
    let own = house.own_terms(&session).await;
    assert_eq!(own.accepted.len(), 3);
    assert_eq!(own.accepted.iter().filter(|one| one.withdraw_time.is_some()).count(), 1);
    // Both again in one moment.
    house.withdraw_text(&session, PRIVACY).await.unwrap();
    house.accept_text(&session, PRIVACY, 1).await.unwrap();
    assert!(!house.waits(&session).await);
    assert_eq!(house.own_terms(&session).await.accepted.len(), 4);
    let minted = house.mint(&ben.session_secret).await.unwrap().passport;
    assert!(!house.passport(&minted).await.unwrap().terms_due);
}

#[tokio::test]
async fn a_session_that_ended_accepts_and_takes_back_nothing() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let (one, other) =
        (house.sign_in(ANNA, PASSWORD).await.unwrap(), house.sign_in(ANNA, PASSWORD).await.unwrap());
    house.end(&other.passport, &one.session_id).await.unwrap();
    for refused in [house.withdraw_text(&one, USE).await, house.accept_text(&one, USE, 1).await] {
        assert_eq!(reason(&refused.err().unwrap()), "SESSION_ENDED");
    }
    assert!(!house.waits(&other).await);
}

#[tokio::test]
async fn the_newest_registrant_of_an_unproven_address_is_the_one_who_accepted() {
    let house = House::new().await;
    let message = RegisterRequest { locale: "de".into(), ..registration(ANNA, OTHER_PASSWORD, "UTC") };
    house.rpc.register(Request::new(message)).await.unwrap();
    house.work().await;
    house.mails();
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let own = house.own_terms(&session).await;
    assert_eq!(own.accepted.len(), 2);
    assert_eq!(standing(&own), [(1, 1, "en"), (2, 1, "en")]);
}

#[tokio::test]
async fn anybody_reads_the_texts_and_which_versions_there_are() {
    let house = House::new().await;
    let newer = house.replica_with(texts("no"));
    let reply = newer.texts(TermsKind::Unspecified, 0, "de-CH").await.unwrap();
    let shown: Vec<_> = reply
        .texts
        .iter()
        .map(|text| (text.summary.as_ref().unwrap().version, text.locale.as_str(), text.text.as_str()))
        .collect();
    assert_eq!(shown, [(2, "de", "Some words."), (1, "en", "Some words.")]);
    let versions: Vec<_> =
        reply.versions.iter().map(|one| (one.kind, one.version, one.material, one.date.as_str())).collect();
    let date = "2024-02-01";
    assert_eq!(versions, [(1, 1, true, date), (1, 2, false, date), (2, 1, true, date)]);
    let old = newer.texts(USE, 1, "").await.unwrap().texts;
    assert_eq!((old.len(), old[0].summary.as_ref().unwrap().version), (1, 1));
    let none = newer.texts(PRIVACY, 7, "").await.err().unwrap();
    assert_eq!((none.code(), reason(&none).as_str()), (Code::NotFound, "TERMS_NOT_FOUND"));
    assert_eq!(newer.texts(USE, 0, "<b>").await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_somebody_accepted_is_destroyed_with_the_rest() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    house.join("ben@example.org", PASSWORD).await;
    assert_eq!(house.count("terms_acceptance").await, 4);
    house.ask(&anna, false).await.unwrap();
    house.advance(crate::erasure::WEEK);
    house.erase().await;
    assert_eq!(house.count("terms_acceptance").await, 2);
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("terms_acceptance").await, 2, "what others accepted stays");
}
