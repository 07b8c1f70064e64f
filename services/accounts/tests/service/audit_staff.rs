//! What those who run the place or work for it do is in the audit: also that they looked at a list, and what no other test asks
//! for.

use crate::{
    clients::test_keys,
    counselors::application,
    erasure::WEEK,
    kit::House,
    people::Person,
    software::OF_COUNSELOR,
    trust::{complaint, ledger_looks::ask_for},
};
use accounts::{app::audit::record_at_machine, domain::audit::Action, domain::audit::Details};
use candor_proto::accounts::v1::{
    CounselorStanding, ListClientsRequest, ListReportsRequest,
    moderation_service_server::ModerationService as _, o_auth_client_service_server::OAuthClientService as _,
};
use chassis::identity::Kind;
use jiff::SignedDuration;
use uuid::Uuid;

impl House {
    async fn clients_of(&self, by: &Person) -> usize {
        let request = self.by(by, ListClientsRequest::default());
        self.rpc.list_clients(request).await.unwrap().into_inner().clients.len()
    }

    /// What somebody did by the audit: action, what it was done to, and details, in order.
    async fn done_by(&self, person: &Person) -> Vec<(String, Uuid, String)> {
        let query = sqlx::query_as(
            "SELECT action, subject_id, details FROM audit_record WHERE actor_id = $1 ORDER BY record_id",
        );
        query.bind(person.account_id).fetch_all(self.pool()).await.unwrap()
    }

    /// What somebody did after so many other things.
    async fn done_since(&self, person: &Person, before: usize) -> Vec<(String, String)> {
        let done = self.done_by(person).await.into_iter().skip(before);
        done.map(|(action, _, details)| (action, details)).collect()
    }
}

fn said(action: &str, details: &str) -> (String, String) {
    (action.to_owned(), details.to_owned())
}

#[tokio::test]
async fn whoever_looks_at_a_list_is_in_the_audit_with_which_it_was_and_how_long() {
    let house = House::new().await;
    let operator = house.operator().await;
    let other = house.second_operator().await;
    let (anna, ben) = house.couple().await;
    let (cora, _) = (house.member("cora").await, house.verified(&other, "carla").await);
    house.submit(&cora, application("cora")).await.unwrap();
    let dismissed = house.complain(&anna, complaint(&ben)).await.unwrap();
    house.dismiss(&other, &dismissed).await.unwrap();
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    house.suspend_for(&other, &report_id, 0).await.unwrap();
    let waiting = house.complain(&anna, complaint(&ben)).await.unwrap();
    house.ask_look(&other, ask_for(&waiting)).await.unwrap();
    assert!(house.done_by(&operator).await.is_empty());

    assert_eq!(house.reports(&operator, false).await.len(), 1);
    assert_eq!(house.reports(&operator, true).await.len(), 2);
    assert_eq!(house.suspensions(&operator, false).await.len(), 1);
    assert!(house.suspensions(&operator, true).await.is_empty());
    assert_eq!(house.queue(&operator, CounselorStanding::Unspecified).await.len(), 1);
    assert_eq!(house.queue(&operator, CounselorStanding::Verified).await.len(), 1);
    assert_eq!(house.look_requests(&operator).await.len(), 1);
    let expected = [
        said("reports_listed", r#"{"shown":1,"which":"waiting"}"#),
        said("reports_listed", r#"{"shown":2,"which":"decided"}"#),
        said("suspensions_listed", r#"{"shown":1,"which":"all"}"#),
        said("suspensions_listed", r#"{"shown":0,"which":"appealed"}"#),
        said("counselors_listed", r#"{"shown":1,"which":"waiting"}"#),
        said("counselors_listed", r#"{"shown":1,"which":"verified"}"#),
        said("ledger_requests_listed", r#"{"shown":1}"#),
    ];
    assert_eq!(house.done_since(&operator, 0).await, expected);
    // Of nobody who stood on one is it said that they were looked at.
    for person in [&anna, &ben, &cora] {
        assert!(house.audited(person).await.iter().all(|(action, _)| !action.ends_with("listed")));
    }
    // Whoever may not look is refused, and nothing is said of it.
    let nobody = Person { kind: Kind::Support, ..ben.clone() };
    let request = house.by(&nobody, ListReportsRequest::default());
    house.rpc.list_reports(request).await.err().unwrap();
    assert!(house.done_by(&nobody).await.is_empty());
}

#[tokio::test]
async fn an_operators_looks_at_software_are_recorded_and_its_holders_are_not() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let software = house.software(&carla, test_keys::ed25519(1), &[OF_COUNSELOR]).await;
    let client_id: Uuid = software.client_id().parse().unwrap();
    let (before, hers) = (house.done_by(&operator).await.len(), house.done_by(&carla).await.len());
    for person in [&operator, &carla] {
        assert_eq!(house.clients_of(person).await, 1);
        house.client(person, software.client_id()).await.unwrap();
    }
    let looked = house.done_since(&operator, before).await;
    assert_eq!(looked, [said("clients_listed", r#"{"shown":1}"#), said("client_looked_at", "{}")]);
    assert_eq!(house.done_by(&operator).await.pop().unwrap().1, client_id);
    assert_eq!(house.done_by(&carla).await.len(), hers, "it is her own");
}

#[tokio::test]
async fn a_suspension_that_is_lifted_is_recorded_once() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    let report_id = house.complain(&anna, complaint(&ben)).await.unwrap();
    let suspension_id = house.suspend_for(&operator, &report_id, 0).await.unwrap();
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    house.lift_suspension(&operator, &suspension_id).await.unwrap();
    let records = house.record_of(ben.account_id).await;
    let actions: Vec<_> = records.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["account_suspended", "suspension_lifted"]);
    let (_, actor, details) = &records[1];
    assert_eq!(*actor, Some(operator.account_id));
    assert_eq!(*details, format!(r#"{{"suspension":"{suspension_id}"}}"#));
}

#[tokio::test]
async fn a_refusal_and_taking_an_application_back_are_recorded_and_the_reason_is_sealed() {
    let house = House::new().await;
    let operator = house.operator().await;
    let cora = house.member("cora").await;
    house.submit(&cora, application("cora")).await.unwrap();
    house.refuse(&operator, &cora, "The number is another's.").await.unwrap();
    house.withdraw(&cora).await.unwrap();
    let by = |action: &str, kind: &str| (action.to_owned(), kind.to_owned());
    let expected = [
        by("counselor_submitted", "member"),
        by("counselor_looked_at", "operator"),
        by("counselor_refused", "operator"),
        by("counselor_withdrawn", "member"),
    ];
    assert_eq!(house.audited(&cora).await, expected);
    let noted: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_record WHERE note IS NOT NULL AND action = 'counselor_refused'",
    )
    .fetch_one(house.pool())
    .await
    .unwrap();
    assert!(noted == 1 && !house.dump().await.contains("another's"));
}

#[tokio::test]
async fn an_erasure_is_recorded_by_its_own_id_and_nobodys() {
    let house = House::new().await;
    let cora = house.member("cora").await;
    house.submit(&cora, application("cora")).await.unwrap();
    house.ask(&cora, false).await.unwrap();
    house.advance(WEEK);
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    let erased = house.record_of(erasure_id).await;
    assert_eq!(erased, [("account_erased".to_owned(), None, "{}".to_owned())]);
    let counted: Vec<(String, String)> =
        sqlx::query_as("SELECT actor_kind, details FROM audit_record WHERE action = 'records_erased'")
            .fetch_all(house.pool())
            .await
            .unwrap();
    assert_eq!(counted, [("house".to_owned(), r#"{"records":1}"#.to_owned())]);
    assert!(house.audited(&cora).await.is_empty() && house.done_by(&cora).await.is_empty());
}

#[tokio::test]
async fn what_is_done_at_the_machine_is_recorded_with_nothing_but_a_database() {
    let house = House::new().await;
    house.advance(SignedDuration::from_mins(1));
    let mut conn = house.pool().acquire().await.unwrap();
    let details = Details::none().hashed("key", "kek-1").code("service", "journal");
    let stands_on = (&house.accounts.clock, &house.accounts.ids);
    record_at_machine(&mut conn, stands_on, Action::KeyRemoved, details).await.unwrap();
    let (kind, actor, details): (String, Option<Uuid>, String) =
        sqlx::query_as("SELECT actor_kind, actor_id, details FROM audit_record")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    assert_eq!((kind.as_str(), actor), ("machine", None));
    assert!(details.contains("journal") && !details.contains("kek-1"), "{details}");
}
