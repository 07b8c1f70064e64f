//! Whom members find.

use super::{SubmitCounselorApplicationRequest, application, licence};
use crate::kit::House;
use candor_proto::accounts::v1::{
    CounselorSpecialty, CounselorStanding, ListCounselorsRequest, SetCounselorAvailabilityRequest,
    counselor_service_server::CounselorService as _,
};
use jiff::SignedDuration;
use tonic::Code;

#[tokio::test]
async fn members_search_by_specialty_language_place_and_availability() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let said = [
        ("carla", "en", CounselorSpecialty::Couples, "US-CA", true),
        ("carl", "de", CounselorSpecialty::Grief, "US", true),
        ("cleo", "en", CounselorSpecialty::Grief, "DE", false),
    ];
    for (name, language, specialty, place, accepts_clients) in said {
        let person = house.member(name).await;
        let message = SubmitCounselorApplicationRequest {
            languages: vec![language.into()],
            specialties: vec![specialty.into()],
            accepts_clients,
            licences: vec![licence("1", place, "2024-12-31")],
            ..application(name)
        };
        house.submit(&person, message).await.unwrap();
        house.verify_counselor(&operator, &person).await.unwrap();
        house.advance(SignedDuration::from_secs(1));
    }
    let any = ListCounselorsRequest::default;
    let grief = CounselorSpecialty::Grief.into();
    for (sought, expected) in [
        (any(), "cleo carl carla"),
        (ListCounselorsRequest { language: "EN".into(), ..any() }, "cleo carla"),
        (ListCounselorsRequest { specialty: grief, ..any() }, "cleo carl"),
        // A licence of the whole country holds in each part of it, and one of a part there alone.
        (ListCounselorsRequest { jurisdiction: "us-ca".into(), ..any() }, "carl carla"),
        (ListCounselorsRequest { jurisdiction: "US-NY".into(), ..any() }, "carl"),
        (ListCounselorsRequest { jurisdiction: "US".into(), ..any() }, "carl"),
        (ListCounselorsRequest { accepting: true, ..any() }, "carl carla"),
        (ListCounselorsRequest { specialty: grief, language: "en".into(), accepting: true, ..any() }, ""),
    ] {
        let found = house.counselors(&member, sought).await.unwrap().counselors;
        let names: Vec<_> = found.iter().map(|counselor| counselor.name.as_str()).collect();
        assert_eq!(names.join(" "), expected);
    }
    let odd = ListCounselorsRequest { jurisdiction: "nowhere".into(), ..any() };
    assert_eq!(house.counselors(&member, odd).await.err().unwrap().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended_whatever_is_added_meanwhile() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    for name in ["one", "two", "three"] {
        house.verified(&operator, name).await;
    }
    let mut seen = Vec::new();
    let mut token = String::new();
    for turn in 0..3 {
        let message = ListCounselorsRequest { page_size: 1, page_token: token, ..Default::default() };
        let page = house.counselors(&member, message).await.unwrap();
        seen.extend(page.counselors.into_iter().map(|counselor| counselor.name));
        token = page.next_page_token;
        if turn == 0 {
            house.advance(SignedDuration::from_secs(1));
            house.verified(&operator, "four").await;
        }
    }
    seen.sort();
    assert_eq!((seen.join(" ").as_str(), token.as_str()), ("one three two", ""));
}

#[tokio::test]
async fn a_counselor_says_that_there_is_no_room_at_once() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let carla = house.verified(&operator, "carla").await;
    let message = SetCounselorAvailabilityRequest { accepts_clients: false };
    house.rpc.set_counselor_availability(house.by(&carla, message)).await.unwrap();
    assert!(!house.find(&member, &carla).await.unwrap().accepts_clients);
    let refused = house.rpc.set_counselor_availability(house.by(&member, message)).await.err().unwrap();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn whoever_cannot_be_read_takes_nobody_along() {
    let house = House::new().await;
    let (operator, member) = (house.operator().await, house.member("anna").await);
    let (carla, carl) = (house.verified(&operator, "carla").await, house.verified(&operator, "carl").await);
    let waiting = house.member("cleo").await;
    house.submit(&waiting, application("cleo")).await.unwrap();
    let spoiled = "UPDATE counselor SET name = '\\x00' WHERE account_id = ANY($1)";
    let ids = vec![carla.account_id, waiting.account_id];
    sqlx::query(spoiled).bind(ids).execute(&house.accounts.pool).await.unwrap();
    let found = house.counselors(&member, ListCounselorsRequest::default()).await.unwrap().counselors;
    let ids: Vec<_> = found.iter().map(|counselor| counselor.account_id.as_str()).collect();
    assert_eq!(ids, [carl.account_id.to_string()]);
    assert_eq!(house.find(&member, &carla).await.err().unwrap().code(), Code::Internal);
    assert_eq!(house.queue(&operator, CounselorStanding::Applied).await.len(), 0);
}
