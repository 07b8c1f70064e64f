//! What a member opened to software is found whatever came after it: what is open apart, what is over in pages, one by its id.

use super::all_of;
use crate::{kit::House, people::Person};
use candor_proto::accounts::v1::{
    ListSoftwareConsentsRequest, SoftwareConsent,
    software_consent_service_server::SoftwareConsentService as _,
};
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;

impl House {
    async fn listed_to_software(
        &self,
        person: &Person,
        message: ListSoftwareConsentsRequest,
    ) -> (Vec<SoftwareConsent>, String) {
        let page = self.rpc.list_software_consents(self.by(person, message)).await.unwrap().into_inner();
        (page.consents, page.next_page_token)
    }
}

fn ids(consents: &[SoftwareConsent]) -> Vec<&str> {
    consents.iter().map(|consent| consent.consent_id.as_str()).collect()
}

#[tokio::test]
async fn what_is_open_to_software_is_found_behind_a_hundred_that_are_over_and_one_by_its_id() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let (praxis, _) = house.house_software(&operator).await;
    let (carlas, _) = house.counselors_software(&carla).await;
    let (anna, ben) = house.couple().await;
    let care_id = house.in_care(&anna, &carla).await;
    let old = house.give(&anna, all_of(Scope::Moods, &carlas)).await.unwrap();
    let mut entries = Vec::new();
    for _ in 0..102 {
        house.advance(SignedDuration::from_secs(1));
        entries.insert(0, house.give(&anna, all_of(Scope::Entries, &praxis)).await.unwrap().consent_id);
    }
    let whole = ListSoftwareConsentsRequest { page_size: 100, ..Default::default() };
    assert!(!ids(&house.listed_to_software(&anna, whole.clone()).await.0).contains(&old.consent_id.as_str()));
    let open = ListSoftwareConsentsRequest { open_only: true, ..whole.clone() };
    let (open, more) = house.listed_to_software(&anna, open).await;
    assert_eq!((ids(&open), more.as_str()), (vec![entries[0].as_str(), &old.consent_id], ""));

    let over = ListSoftwareConsentsRequest { over_only: true, page_size: 60, ..whole.clone() };
    let (page, token) = house.listed_to_software(&anna, over.clone()).await;
    let rest = ListSoftwareConsentsRequest { page_token: token, ..over };
    let (rest, end) = house.listed_to_software(&anna, rest).await;
    assert_eq!((page.len(), rest.len(), end.as_str()), (60, 41, ""));
    let paged: Vec<_> = page.iter().chain(&rest).map(|one| one.consent_id.clone()).collect();
    assert_eq!(paged, entries[1..]);
    let of_care = ListSoftwareConsentsRequest { care_id, ..whole.clone() };
    assert_eq!(ids(&house.listed_to_software(&anna, of_care).await.0), [&old.consent_id]);

    let consent_ids = vec![entries[101].clone(), old.consent_id.clone()];
    let by_id = ListSoftwareConsentsRequest { consent_ids, ..whole };
    let (found, _) = house.listed_to_software(&anna, by_id.clone()).await;
    assert_eq!(ids(&found), [&entries[101], &old.consent_id]);
    assert_eq!(found[0].client_id, praxis.client_id());
    assert!(house.listed_to_software(&ben, by_id).await.0.is_empty());
}
