//! What a member opened is found whatever came after it: what is open apart, what is over in pages, one by its id.

use super::all_of;
use crate::{kit::House, people::Person};
use candor_proto::accounts::v1::{
    Consent, ConsentState, ListConsentsRequest, consent_service_server::ConsentService as _,
};
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;
use tonic::Code;
use uuid::Uuid;

impl House {
    async fn consents_listed(&self, person: &Person, message: ListConsentsRequest) -> (Vec<Consent>, String) {
        let page = self.rpc.list_consents(self.by(person, message)).await.unwrap().into_inner();
        (page.consents, page.next_page_token)
    }
}

fn ids(consents: &[Consent]) -> Vec<&str> {
    consents.iter().map(|consent| consent.consent_id.as_str()).collect()
}

fn whole() -> ListConsentsRequest {
    ListConsentsRequest { page_size: 100, ..Default::default() }
}

#[tokio::test]
async fn what_is_open_is_found_behind_a_hundred_that_are_over_and_one_by_its_id() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, carl) = (house.verified(&operator, "carla").await, house.verified(&operator, "carl").await);
    let (anna, ben) = house.couple().await;
    let (care_id, other_care) = (house.in_care(&anna, &carla).await, house.in_care(&anna, &carl).await);
    let old = house.grant(&anna, all_of(Scope::Moods, &carla)).await.unwrap();
    let with_carl = house.grant(&anna, all_of(Scope::Moods, &carl)).await.unwrap();
    house.take_back(&anna, &with_carl.consent_id).await.unwrap();
    let mut entries = Vec::new();
    for _ in 0..102 {
        house.advance(SignedDuration::from_secs(1));
        entries.insert(0, house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap().consent_id);
    }
    let (newest, _) = house.consents_listed(&anna, whole()).await;
    assert!(!ids(&newest).contains(&old.consent_id.as_str()), "it is older than a page of all");

    let (open, more) = house.consents_listed(&anna, ListConsentsRequest { open_only: true, ..whole() }).await;
    assert_eq!(ids(&open), [&entries[0], &old.consent_id]);
    assert_eq!((open[1].state, more.as_str()), (ConsentState::Open as i32, ""));

    // What is over with one of the two, in pages that hold each once.
    let over = ListConsentsRequest { over_only: true, care_id: care_id.clone(), page_size: 60, ..whole() };
    let (page, token) = house.consents_listed(&anna, over.clone()).await;
    let (rest, end) = house.consents_listed(&anna, ListConsentsRequest { page_token: token, ..over }).await;
    assert_eq!((page.len(), rest.len(), end.as_str()), (60, 41, ""));
    let paged: Vec<_> = page.iter().chain(&rest).map(|one| one.consent_id.clone()).collect();
    assert_eq!(paged, entries[1..]);
    let of_carl = ListConsentsRequest { care_id: other_care, ..whole() };
    assert_eq!(ids(&house.consents_listed(&anna, of_carl).await.0), [&with_carl.consent_id]);

    // However old, over or not; and nobody else's, nor what there is not.
    let named = vec![entries[101].clone(), old.consent_id.clone(), Uuid::from_u128(404).to_string()];
    let by_id = ListConsentsRequest { consent_ids: named, ..whole() };
    let (found, _) = house.consents_listed(&anna, by_id.clone()).await;
    assert_eq!(ids(&found), [&entries[101], &old.consent_id]);
    assert_eq!(found[0].counselor_name, "carla");
    assert!(house.consents_listed(&ben, by_id.clone()).await.0.is_empty());
    let neither = ListConsentsRequest { open_only: true, over_only: true, ..whole() };
    assert!(house.consents_listed(&anna, neither).await.0.is_empty());
    // Whose time is over is over, although nobody ended it.
    house.advance(SignedDuration::from_hours(24 * 91));
    assert!(
        house.consents_listed(&anna, ListConsentsRequest { open_only: true, ..whole() }).await.0.is_empty()
    );
    let over = ListConsentsRequest { over_only: true, consent_ids: vec![old.consent_id.clone()], ..whole() };
    assert_eq!(house.consents_listed(&anna, over).await.0[0].state, ConsentState::Expired as i32);
}

#[tokio::test]
async fn ids_that_are_none_and_more_than_a_page_holds_are_refused() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let many = (0..101).map(|id| Uuid::from_u128(id).to_string()).collect();
    for consent_ids in [vec!["x".into()], vec![String::new()], many] {
        let message = ListConsentsRequest { consent_ids, ..whole() };
        let refused = house.rpc.list_consents(house.by(&anna, message)).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let message = ListConsentsRequest { care_id: "mine".into(), ..whole() };
    let refused = house.rpc.list_consents(house.by(&anna, message)).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}
