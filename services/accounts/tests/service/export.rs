//! Taking everything along: a day later, and never unnoticed.

use crate::{
    counselors::application,
    erasure::WEEK,
    kit::{House, PASSWORD, reason},
    people::Person,
};
use candor_proto::accounts::v1::{
    CancelExportRequest, Export, GetExportRequest, ListOwnClientsRequest, ListSecurityNoticesRequest,
    ListTiesRequest, OAuthClient, RequestExportRequest, TakeExportRequest,
    o_auth_client_service_server::OAuthClientService as _, privacy_service_server::PrivacyService as _,
    security_service_server::SecurityService as _,
};
use chassis::identity::{Assurance, Kind, Passport};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl House {
    async fn ask_export(&self, person: &Person) -> Result<Export, Status> {
        let request = self.by(person, RequestExportRequest {});
        Ok(self.rpc.request_export(request).await?.into_inner().export.unwrap())
    }

    async fn export_of(&self, person: &Person) -> Option<Export> {
        self.rpc.get_export(self.by(person, GetExportRequest {})).await.unwrap().into_inner().export
    }

    async fn take(&self, person: &Person) -> Result<i32, Status> {
        let taken = self.rpc.take_export(self.by(person, TakeExportRequest {})).await?;
        Ok(taken.into_inner().export.unwrap().take_count)
    }

    async fn told_last(&self, person: &Person) -> Option<&'static str> {
        let request = self.by(person, ListSecurityNoticesRequest::default());
        let listed = self.rpc.list_security_notices(request).await.unwrap().into_inner().notices;
        listed.first().map(|notice| notice.kind().as_str_name())
    }

    /// The kinds of what somebody has or had with whom, newest first, and whether each is over; read a page of `size` at a time.
    async fn ties(&self, person: &Person, size: i32) -> Vec<(&'static str, String, bool)> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let request = ListTiesRequest { page_size: size, page_token: token };
            let page = self.rpc.list_ties(self.by(person, request)).await.unwrap().into_inner();
            assert!(page.ties.len() <= usize::try_from(size).unwrap());
            all.extend(
                page.ties
                    .iter()
                    .map(|tie| (tie.kind().as_str_name(), tie.other_account_id.clone(), tie.over)),
            );
            token = page.next_page_token;
            if token.is_empty() {
                return all;
            }
        }
    }

    async fn own_clients(&self, person: &Person) -> Result<Vec<OAuthClient>, Status> {
        let request = self.by(person, ListOwnClientsRequest::default());
        Ok(self.rpc.list_own_clients(request).await?.into_inner().clients)
    }

    async fn again(&self) -> Person {
        self.signed_in("anna@example.org").await
    }
}

/// The same with a proof of six minutes ago.
fn stale<T>(house: &House, person: &Person, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let mut passport = house.passport_of(person);
    passport.authenticated_at = house.now() - SignedDuration::from_mins(6);
    request.extensions_mut().insert(passport);
    request
}

#[tokio::test]
async fn it_opens_after_a_day_and_is_over_after_a_week_and_each_step_is_told() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    assert_eq!(reason(&house.take(&anna).await.err().unwrap()), "EXPORT_NOT_FOUND");
    house.work().await;
    house.mails();
    let asked = house.ask_export(&anna).await.unwrap();
    let now = house.now().as_second();
    assert_eq!(asked.open_time.unwrap().seconds, now + DAY.as_secs());
    assert_eq!(asked.expire_time.unwrap().seconds, now + 8 * DAY.as_secs());
    assert_eq!(house.told_last(&anna).await, Some("SECURITY_NOTICE_KIND_EXPORT_REQUESTED"));
    house.send(&house.postman).await;
    assert_eq!(house.mails().len(), 1, "at once");
    house.advance(DAY - SignedDuration::from_secs(1));
    let anna = house.again().await;
    assert!(house.ask_export(&anna).await.unwrap() == asked, "asking again changes nothing");
    assert_eq!(reason(&house.take(&anna).await.err().unwrap()), "EXPORT_NOT_OPEN");
    house.advance(SignedDuration::from_secs(1));
    assert_eq!((house.take(&anna).await.unwrap(), house.take(&anna).await.unwrap()), (1, 2));
    assert_eq!(house.told_last(&anna).await, Some("SECURITY_NOTICE_KIND_EXPORT_TAKEN"));
    house.advance(DAY * 7);
    let anna = house.again().await;
    assert_eq!(reason(&house.take(&anna).await.err().unwrap()), "EXPORT_NOT_FOUND");
    assert!(house.export_of(&anna).await.is_none());
    // The next one waits again.
    assert_eq!(house.ask_export(&anna).await.unwrap().take_count, 0);
    assert_eq!(reason(&house.take(&anna).await.err().unwrap()), "EXPORT_NOT_OPEN");
    house.advance(DAY * 9);
    accounts::jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("export").await, 0);
}

#[tokio::test]
async fn it_takes_fresh_proofs_and_a_person_and_whoever_is_signed_in_calls_it_off() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let late = stale(&house, &anna, RequestExportRequest {});
    assert_eq!(reason(&house.rpc.request_export(late).await.err().unwrap()), "STEP_UP_REQUIRED");
    house.ask_export(&anna).await.unwrap();
    house.advance(DAY);
    let anna = house.again().await;
    let late = stale(&house, &anna, TakeExportRequest {});
    assert_eq!(reason(&house.rpc.take_export(late).await.err().unwrap()), "STEP_UP_REQUIRED");
    // It is hers alone.
    assert!(house.export_of(&ben).await.is_none());
    assert_eq!(reason(&house.take(&ben).await.err().unwrap()), "EXPORT_NOT_FOUND");
    let software = Person { kind: Kind::Client, ..anna.clone() };
    assert_eq!(house.ask_export(&software).await.err().unwrap().code(), Code::PermissionDenied);
    house.rpc.cancel_export(stale(&house, &anna, CancelExportRequest {})).await.unwrap();
    assert_eq!(house.told_last(&anna).await, Some("SECURITY_NOTICE_KIND_EXPORT_CANCELLED"));
    assert_eq!(reason(&house.take(&anna).await.err().unwrap()), "EXPORT_NOT_FOUND");
}

#[tokio::test]
async fn a_session_that_ended_neither_asks_nor_takes() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    house.ask_export(&anna).await.unwrap();
    house.advance(DAY);
    let again = house.again().await;
    house.take(&again).await.unwrap();
    sqlx::query("UPDATE session SET ended_at = created_at WHERE session_id = $1")
        .bind(again.session_id)
        .execute(house.pool())
        .await
        .unwrap();
    assert_eq!(reason(&house.take(&again).await.err().unwrap()), "SESSION_ENDED");
    assert_eq!(reason(&house.ask_export(&again).await.err().unwrap()), "SESSION_ENDED");
    let late = house.by(&again, CancelExportRequest {});
    assert_eq!(reason(&house.rpc.cancel_export(late).await.err().unwrap()), "SESSION_ENDED");
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_is_told_of() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let asked = futures::future::join_all((0..8).map(|_| house.ask_export(&anna))).await;
    let first = asked[0].as_ref().unwrap();
    assert!(asked.iter().all(|export| export.as_ref().unwrap() == first));
    assert_eq!((house.count("export").await, house.count("security_notice").await), (1, 1));
    house.advance(DAY);
    let anna = house.again().await;
    let taken = futures::future::join_all((0..8).map(|_| house.take(&anna))).await;
    let mut counts: Vec<_> = taken.into_iter().map(Result::unwrap).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=8).collect::<Vec<_>>(), "each is counted");
}

#[tokio::test]
async fn whoever_keeps_mail_to_themselves_is_told_in_the_account_alone() {
    let house = House::new().await;
    house.register_discreetly("anna@example.org", PASSWORD).await;
    let anna = house.again().await;
    house.ask_export(&anna).await.unwrap();
    house.send(&house.postman).await;
    assert!(house.mails().is_empty());
    assert_eq!(house.told_last(&anna).await, Some("SECURITY_NOTICE_KIND_EXPORT_REQUESTED"));
}

#[tokio::test]
async fn it_ends_with_the_account_and_with_what_the_account_is() {
    let house = House::new().await;
    let (operator, anna) = (house.operator().await, house.member("anna").await);
    house.ask_export(&anna).await.unwrap();
    house.ask(&anna, false).await.unwrap();
    assert!(house.export_of(&anna).await.is_some(), "whoever goes can still take theirs along");
    house.advance(WEEK);
    house.go_through(house.erasure_id().await).await;
    assert_eq!(house.count("export").await, 0);

    let carla = house.member("carla").await;
    house.ask_export(&carla).await.unwrap();
    house.submit(&carla, application("carla")).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert_eq!(house.count("export").await, 0);
    let carla = house.signed_in("carla@example.org").await;
    house.ask_export(&carla).await.unwrap();
    house.suspend(&operator, &carla, "A complaint is looked into.").await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(reason(&house.take(&carla).await.err().unwrap()), "EXPORT_NOT_FOUND");
}

#[tokio::test]
async fn what_connected_somebody_with_others_stays_known_to_the_two_of_them() {
    let house = House::new().await;
    let (anna, ben, carl) =
        (house.member("anna").await, house.member("ben").await, house.member("carl").await);
    let minute = SignedDuration::from_mins(1);
    house.link(&anna, &ben).await;
    house.advance(minute);
    house.befriend(&anna, &carl).await;
    house.advance(minute);
    house.befriend(&carl, &anna).await;
    house.unlink(&ben).await.unwrap();
    let id = |person: &Person| person.account_id.to_string();
    let hers = [
        ("TIE_KIND_GUEST", id(&carl), false),
        ("TIE_KIND_HOST", id(&carl), false),
        ("TIE_KIND_COUPLE", id(&ben), true),
    ];
    for size in [1, 2, 100] {
        assert_eq!(house.ties(&anna, size).await, hers, "a page of {size}");
    }
    assert_eq!(house.ties(&ben, 1).await, [("TIE_KIND_COUPLE", id(&anna), true)]);
    assert_eq!(house.ties(&carl, 1).await.len(), 2);
    assert!(house.ties(&house.member("dora").await, 1).await.is_empty());
    let strange = house.by(&anna, ListTiesRequest { page_size: 1, page_token: "x".into() });
    assert_eq!(house.rpc.list_ties(strange).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn counselors_and_staff_take_theirs_along_as_members_do_with_both_factors() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let sara = house.supporter().await;
    for (person, address) in [(&carla, "carla"), (&operator, "ops"), (&sara, "sara")] {
        let mut weak = house.by(person, RequestExportRequest {});
        let one = Passport { assurance: Assurance::One, ..house.passport_of(person) };
        weak.extensions_mut().insert(one);
        let refused = house.rpc.request_export(weak).await.err().unwrap();
        assert_eq!(reason(&refused), "SECOND_FACTOR_REQUIRED");
        let late = stale(&house, person, RequestExportRequest {});
        assert_eq!(reason(&house.rpc.request_export(late).await.err().unwrap()), "STEP_UP_REQUIRED");
        house.ask_export(person).await.unwrap();
        assert_eq!(house.told_last(person).await, Some("SECURITY_NOTICE_KIND_EXPORT_REQUESTED"));
        assert_eq!(reason(&house.take(person).await.err().unwrap()), "EXPORT_NOT_OPEN", "{address}");
    }
    house.advance(DAY);
    for address in ["carla@example.org", "ops@example.org", "sara@example.org"] {
        let again = house.signed_in(address).await;
        assert_eq!(house.take(&again).await.unwrap(), 1);
        house.rpc.cancel_export(house.by(&again, CancelExportRequest {})).await.unwrap();
        assert_eq!(reason(&house.take(&again).await.err().unwrap()), "EXPORT_NOT_FOUND");
    }
}

#[tokio::test]
async fn of_software_each_counselor_reads_their_own_also_once_they_are_none() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, dora) = (house.verified(&operator, "carla").await, house.verified(&operator, "dora").await);
    let of_house = house.house_software(&operator).await.0;
    let hers = house.counselors_software(&carla).await.0;
    let (anna, sara) = (house.member("anna").await, house.supporter().await);
    let found = house.own_clients(&carla).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].client_id.as_str(), found[0].contact.as_str()),
        (hers.client_id(), "it@clinic.example")
    );
    assert_ne!(found[0].client_id, of_house.client_id());
    for other in [&dora, &anna] {
        assert!(house.own_clients(other).await.unwrap().is_empty());
    }
    for staff in [&operator, &sara] {
        assert_eq!(house.own_clients(staff).await.err().unwrap().code(), Code::PermissionDenied);
    }
    house.suspend(&operator, &carla, "A complaint is looked into.").await.unwrap();
    let carla = house.signed_in("carla@example.org").await;
    assert_eq!(carla.kind, Kind::Member);
    assert_eq!(house.own_clients(&carla).await.unwrap().len(), 1, "it is theirs still");
}

#[tokio::test]
async fn the_answer_to_asking_is_what_is_kept_to_the_last_digit() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    // The clock is finer than the database.
    house.advance(SignedDuration::from_nanos(7));
    let asked = house.ask_export(&anna).await.unwrap();
    assert!(house.export_of(&anna).await == Some(asked));
}
