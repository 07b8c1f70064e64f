//! Care of one member: asked for, accepted or declined, ended by either; and nobody else ever hears of it.

mod ending;
mod racing;

use crate::counselors::{application, licence};
use crate::kit::{House, reason};
use crate::people::{Person, visible};
use candor_proto::accounts::v1::{
    AcceptCareRequest, Care, CareState, DeclineCareRequest, EndCareRequest, ListCareRequest,
    ListPeopleInCareRequest, OpenAccessRequest, PersonInCare, RequestCareRequest, SecurityNoticeKind,
    care_service_server::CareService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Status};
use uuid::Uuid;

pub const FORTNIGHT: SignedDuration = SignedDuration::from_hours(14 * 24);

pub fn wish(counselor: &Person) -> RequestCareRequest {
    RequestCareRequest {
        counselor_account_id: counselor.account_id.to_string(),
        own_name: "Anna".into(),
        note: "We hardly talk.".into(),
        jurisdiction: "de-be".into(),
        attested: true,
    }
}

impl House {
    pub async fn ask_for_care(&self, by: &Person, message: RequestCareRequest) -> Result<String, Status> {
        Ok(self.rpc.request_care(self.by(by, message)).await?.into_inner().care_id)
    }

    pub async fn accept_care(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = AcceptCareRequest { care_id: care_id.into(), attested: true };
        self.rpc.accept_care(self.by(by, message)).await.map(drop)
    }

    pub async fn decline_care(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = DeclineCareRequest { care_id: care_id.into() };
        self.rpc.decline_care(self.by(by, message)).await.map(drop)
    }

    pub async fn end_care(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = EndCareRequest { care_id: care_id.into(), block: false };
        self.rpc.end_care(self.by(by, message)).await.map(drop)
    }

    pub async fn end_and_block(&self, by: &Person, care_id: &str) -> Result<(), Status> {
        let message = EndCareRequest { care_id: care_id.into(), block: true };
        self.rpc.end_care(self.by(by, message)).await.map(drop)
    }

    /// A member in a counselor's care.
    pub async fn in_care(&self, member: &Person, counselor: &Person) -> String {
        let care_id = self.ask_for_care(member, wish(counselor)).await.unwrap();
        self.accept_care(counselor, &care_id).await.unwrap();
        care_id
    }

    pub async fn care_of(&self, person: &Person) -> Vec<Care> {
        let request = self.by(person, ListCareRequest::default());
        self.rpc.list_care(request).await.unwrap().into_inner().care
    }

    pub async fn people_of(&self, counselor: &Person) -> Vec<PersonInCare> {
        let request = self.by(counselor, ListPeopleInCareRequest::default());
        self.rpc.list_people_in_care(request).await.unwrap().into_inner().people
    }

    pub async fn epochs(&self) -> Vec<(Uuid, Uuid, i64)> {
        let query = sqlx::query_as("SELECT owner_id, reader_id, epoch FROM access_epoch ORDER BY 1, 2");
        query.fetch_all(self.pool()).await.unwrap()
    }

    /// Whether somebody was told of something.
    pub async fn heard(&self, person: &Person, kind: SecurityNoticeKind) -> bool {
        self.told_of(person).await.contains(&(kind as i32))
    }
}

#[tokio::test]
async fn a_member_asks_a_counselor_accepts_and_the_member_leaves_at_once() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let (anna, ben) = house.couple().await;
    let care_id = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    assert!(house.heard(&carla, SecurityNoticeKind::CareAsked).await);
    let seen = house.people_of(&carla).await;
    assert_eq!((seen[0].member_name.as_str(), seen[0].note.as_str()), ("Anna", "We hardly talk."));
    assert_eq!((seen[0].jurisdiction.as_str(), seen[0].state), ("DE-BE", CareState::Asked as i32));
    house.accept_care(&carla, &care_id).await.unwrap();
    assert!(house.heard(&anna, SecurityNoticeKind::CareAnswered).await);
    let own = house.care_of(&anna).await;
    assert_eq!((own[0].counselor_name.as_str(), own[0].state), ("carla", CareState::Active as i32));
    let audited = house.audited_things(&care_id).await;
    assert_eq!(audited, [("care_accepted".to_owned(), "counselor".to_owned())]);
    // Her partner hears of nothing, and can do nothing about it.
    assert!(house.care_of(&ben).await.is_empty() && house.told_of(&ben).await.is_empty());
    house.end_care(&ben, &care_id).await.unwrap();
    house.end_and_block(&ben, &care_id).await.unwrap();
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Active as i32);
    assert!(!house.dump().await.contains("We hardly talk"));

    for _ in 0..2 {
        house.end_care(&anna, &care_id).await.unwrap();
    }
    let own = &house.care_of(&anna).await[0];
    assert_eq!((own.state, own.on_hold), (CareState::Ended as i32, false));
    assert!(house.people_of(&carla).await.is_empty());
    assert!(house.heard(&carla, SecurityNoticeKind::CareOver).await);
    assert!(!house.heard(&anna, SecurityNoticeKind::CareOver).await, "who ended it knows");
    let kept: Vec<Option<Vec<u8>>> = sqlx::query_scalar("SELECT COALESCE(member_name, note) FROM care")
        .fetch_all(house.pool())
        .await
        .unwrap();
    assert_eq!(kept, [None], "names and words go with it");
    let raised = house.epochs().await;
    for pair in [(anna.account_id, carla.account_id, 1), (carla.account_id, anna.account_id, 1)] {
        assert!(raised.contains(&pair));
    }
    assert_eq!(
        (house.told("accounts.v1.care_started").await, house.told("accounts.v1.care_ended").await),
        (1, 1)
    );
    // And she can ask again, which is another care.
    assert_ne!(house.ask_for_care(&anna, wish(&carla)).await.unwrap(), care_id);
}

#[tokio::test]
async fn being_in_care_opens_nothing_to_either() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    let stranger = house.member("sam").await;
    for scope in 1..=7 {
        for (reader, owner) in [(&carla, &anna), (&anna, &carla)] {
            let wish = OpenAccessRequest {
                owner_account_id: owner.account_id.to_string(),
                scope,
                ..OpenAccessRequest::default()
            };
            let refused = house.open(reader, wish.clone()).await.err().unwrap();
            if reader.kind == anna.kind {
                let unknown = house.open(&stranger, wish).await.err().unwrap();
                assert_eq!(visible(&refused), visible(&unknown), "in care as a stranger");
            }
            assert!(matches!(refused.code(), Code::NotFound | Code::PermissionDenied), "{refused:?}");
        }
    }
    assert_eq!(house.count("receipt").await, 0);
}

#[tokio::test]
async fn only_the_counselor_who_was_asked_answers_and_an_answer_stands() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, carl) = (house.verified(&operator, "carla").await, house.verified(&operator, "carl").await);
    let anna = house.member("anna").await;
    let care_id = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    let unknown = house.accept_care(&carl, &Uuid::from_u128(7).to_string()).await.err().unwrap();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::NotFound, "CARE_NOT_FOUND"));
    for refused in [house.accept_care(&carl, &care_id).await, house.decline_care(&carl, &care_id).await] {
        assert_eq!(
            visible(&refused.err().unwrap()),
            visible(&unknown),
            "somebody else's is as if it were not"
        );
    }
    house.end_care(&carl, &care_id).await.unwrap();
    assert!(house.people_of(&carl).await.is_empty());
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Asked as i32);
    for by in [&anna, &operator] {
        assert_eq!(house.accept_care(by, &care_id).await.err().unwrap().code(), Code::PermissionDenied);
        let request = house.by(by, ListPeopleInCareRequest::default());
        let refused = house.rpc.list_people_in_care(request).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let request = house.by(&carla, AcceptCareRequest { care_id: care_id.clone(), attested: false });
    assert_eq!(house.rpc.accept_care(request).await.err().unwrap().code(), Code::InvalidArgument);

    house.decline_care(&carla, &care_id).await.unwrap();
    assert!(house.heard(&anna, SecurityNoticeKind::CareAnswered).await);
    assert_eq!(visible(&house.accept_care(&carla, &care_id).await.err().unwrap()), visible(&unknown));
    assert_eq!(visible(&house.decline_care(&carla, &care_id).await.err().unwrap()), visible(&unknown));
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Declined as i32);
    assert_eq!(house.told("accounts.v1.care_started").await + house.told("accounts.v1.care_ended").await, 0);
}

#[tokio::test]
async fn a_licence_has_to_hold_where_the_member_says_they_are_then_and_ever_after() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let elsewhere = RequestCareRequest { jurisdiction: "AT".into(), ..wish(&carla) };
    assert_eq!(reason(&house.ask_for_care(&anna, elsewhere).await.err().unwrap()), "NOT_LICENSED_THERE");
    let unsaid = RequestCareRequest { attested: false, ..wish(&carla) };
    assert_eq!(house.ask_for_care(&anna, unsaid).await.err().unwrap().code(), Code::InvalidArgument);
    let asked = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    house.in_care(&ben, &carla).await;
    // Meanwhile it holds no more; another one does, in another place.
    let mut moved = application("carla");
    moved.licences = vec![licence("A-1", "AT", "2024-12-31")];
    house.submit(&carla, moved).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert_eq!(reason(&house.accept_care(&carla, &asked).await.err().unwrap()), "NOT_LICENSED_THERE");
    assert!(house.people_of(&carla).await.is_empty());
    for member in [&anna, &ben] {
        assert!(house.care_of(member).await[0].on_hold);
    }
}

#[tokio::test]
async fn nobody_is_asked_who_is_not_listed_has_no_room_or_was_asked_already() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.verified(&operator, "carla").await, house.member("anna").await);
    let applicant = house.member("cleo").await;
    house.submit(&applicant, application("cleo")).await.unwrap();
    for nobody in [&applicant, &anna, &operator] {
        let refused = house.ask_for_care(&anna, wish(nobody)).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "COUNSELOR_NOT_FOUND"));
    }
    // An account for a practice is in nobody's care.
    assert_eq!(
        reason(&house.ask_for_care(&applicant, wish(&carla)).await.err().unwrap()),
        "ACCOUNT_KEEPS_PRACTICE"
    );
    assert_eq!(house.ask_for_care(&carla, wish(&carla)).await.err().unwrap().code(), Code::PermissionDenied);
    let mut request = house.by(&anna, wish(&carla));
    let mut stale = house.passport_of(&anna);
    stale.authenticated_at = house.now() - SignedDuration::from_mins(6);
    request.extensions_mut().insert(stale);
    assert_eq!(reason(&house.rpc.request_care(request).await.err().unwrap()), "STEP_UP_REQUIRED");

    let care_id = house.ask_for_care(&anna, wish(&carla)).await.unwrap();
    assert_eq!(house.ask_for_care(&anna, wish(&carla)).await.unwrap(), care_id, "the same twice is one");
    assert_eq!(house.people_of(&carla).await.len(), 1);
    // And whoever asked does not become a counselor meanwhile.
    assert_eq!(reason(&house.submit(&anna, application("anna")).await.err().unwrap()), "ACCOUNT_HAS_TIES");

    let mut full = application("carla");
    full.accepts_clients = false;
    house.submit(&carla, full).await.unwrap();
    let ben = house.member("ben").await;
    assert_eq!(reason(&house.ask_for_care(&ben, wish(&carla)).await.err().unwrap()), "NO_ROOM");
}

#[tokio::test]
async fn five_requests_wait_and_five_are_made_a_day() {
    let house = House::new().await;
    let operator = house.operator().await;
    let anna = house.member("anna").await;
    let mut asked = Vec::new();
    for at in 0..5 {
        let counselor = house.verified(&operator, &format!("counselor{at}")).await;
        asked.push(house.ask_for_care(&anna, wish(&counselor)).await.unwrap());
    }
    let sixth = house.verified(&operator, "sixth").await;
    assert_eq!(reason(&house.ask_for_care(&anna, wish(&sixth)).await.err().unwrap()), "TOO_MANY_REQUESTS");
    house.end_care(&anna, &asked[0]).await.unwrap();
    let refused = house.ask_for_care(&anna, wish(&sixth)).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "ASKED_TOO_OFTEN"));
    house.advance(SignedDuration::from_hours(5));
    house.ask_for_care(&anna, wish(&sixth)).await.unwrap();
    // Pages of what she asked follow each other, newest first, and leave nothing out.
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let message = ListCareRequest { page_size: 4, page_token };
        let page = house.rpc.list_care(house.by(&anna, message)).await.unwrap().into_inner();
        found.extend(page.care);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found.len(), 6);
    assert_eq!(found[0].counselor_account_id, sixth.account_id.to_string());
}
