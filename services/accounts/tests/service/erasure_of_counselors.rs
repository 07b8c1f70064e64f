//! Having everything of a counselor's destroyed: what ends at once, what does not come back, what is left, and that nobody who
//! leaves at the same moment stands in the way.

use crate::{
    care::wish,
    consents::{all_of, read_all},
    counselors::application,
    erasure::{DONE, WAITING, WEEK},
    kit::{House, PASSWORD, reason},
    people::Person,
    software::{OF_COUNSELOR, all_of as all_to_software},
    trust::complaint,
};
use candor_proto::accounts::v1::{
    CareState, ConsentState, ListCounselorsRequest, RequestErasureRequest, SecurityNoticeKind,
    SetCounselorAvailabilityRequest, counselor_service_server::CounselorService as _,
    privacy_service_server::PrivacyService as _,
};
use candor_proto::options::v1::Scope;
use chassis::identity::{Assurance, Kind, Passport};
use jiff::SignedDuration;
use std::collections::BTreeSet;
use tonic::{Code, Status};

impl House {
    /// Says that there is room for new people.
    async fn make_room(&self, counselor: &Person) -> Result<(), Status> {
        let message = SetCounselorAvailabilityRequest { accepts_clients: true };
        self.rpc.set_counselor_availability(self.by(counselor, message)).await.map(drop)
    }

    async fn listed(&self, by: &Person) -> usize {
        self.counselors(by, ListCounselorsRequest::default()).await.unwrap().counselors.len()
    }

    /// The tables of the public schema, partitions left aside, and those of the bus in which an id stands.
    async fn naming(&self, person: &Person) -> Vec<String> {
        let tables = self.tables_naming(person.account_id).await;
        tables.into_iter().filter(|table| !table.starts_with("public.receipt_")).collect()
    }
}

#[tokio::test]
async fn asking_ends_all_care_consents_software_and_the_listing_at_once() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, dora) = (house.verified(&operator, "carla").await, house.verified(&operator, "dora").await);
    let (anna, ben) = house.couple().await;
    let (erik, finn) = (house.member("erik").await, house.member("finn").await);
    house.couple_in_care(&anna, &ben, &carla).await;
    house.in_care(&anna, &dora).await;
    house.in_care(&erik, &carla).await;
    house.ask_for_care(&finn, wish(&carla)).await.unwrap();
    house.grant(&erik, all_of(Scope::Entries, &carla)).await.unwrap();
    let (software, token) = house.counselors_software(&carla).await;
    house.give(&erik, all_to_software(Scope::Entries, &software)).await.unwrap();
    house.open(&carla, read_all(Scope::Entries, &erik)).await.unwrap();
    house.software_opened(&token, read_all(Scope::Entries, &erik)).await;
    let told_of_epochs = house.told("accounts.v1.access_epoch_raised").await;

    house.ask(&carla, false).await.unwrap();
    assert!(house.people_of(&carla).await.is_empty() && house.couples_of(&carla).await.is_empty());
    assert!(house.couple_care_of(&anna).await.is_empty() && house.couple_care_of(&ben).await.is_empty());
    for person in [&erik, &finn] {
        assert_eq!(house.care_of(person).await[0].state, CareState::Ended as i32);
    }
    assert_eq!(house.consents_of(&erik).await[0].state, ConsentState::CareOver as i32);
    assert_eq!(house.states_given_by(&erik).await, [ConsentState::CareOver as i32]);
    house.open(&carla, read_all(Scope::Entries, &erik)).await.err().unwrap();
    house.software_opens(&token, read_all(Scope::Entries, &erik)).await.err().unwrap();
    software.token(&house, OF_COUNSELOR).await.err().unwrap();
    assert!(house.told("accounts.v1.access_epoch_raised").await > told_of_epochs);
    assert_eq!(
        house.told("accounts.v1.care_ended").await,
        2,
        "his and that of the two; the request never began"
    );
    assert_eq!(
        house.record_of(software.client_id().parse().unwrap()).await.len(),
        2,
        "registered and disabled"
    );
    // Nobody finds her, nobody new comes to her; the other counselor and who is in her care notice nothing.
    assert_eq!(house.find(&erik, &carla).await.err().unwrap().code(), Code::NotFound);
    assert_eq!(house.listed(&erik).await, 1);
    assert_eq!(reason(&house.ask_for_care(&erik, wish(&carla)).await.err().unwrap()), "COUNSELOR_NOT_FOUND");
    assert_eq!(house.care_of(&anna).await[0].state, CareState::Active as i32);
    assert_eq!(house.people_of(&dora).await.len(), 1);
    // Until it begins her account works as ever.
    assert_eq!(house.signed_in("carla@example.org").await.kind, Kind::Counselor);
}

#[tokio::test]
async fn whoever_is_in_care_is_told_as_if_the_counselor_had_ended_each() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, dora) = (house.verified(&operator, "carla").await, house.verified(&operator, "dora").await);
    let (erik, finn) = (house.member("erik").await, house.member("finn").await);
    for (member, counselor) in [(&erik, &carla), (&finn, &dora)] {
        house.in_care(member, counselor).await;
        house.grant(member, all_of(Scope::Moods, counselor)).await.unwrap();
    }
    let hers = house.counselors_software(&carla).await.0;
    house.give(&erik, all_to_software(Scope::Moods, &hers)).await.unwrap();
    let told = house.told_of(&erik).await.len();
    let told_finn = house.told_of(&finn).await.len();
    house.ask(&carla, false).await.unwrap();
    house.end_care(&dora, &house.care_of(&finn).await[0].care_id).await.unwrap();
    let over = SecurityNoticeKind::CareOver as i32;
    let new = |all: Vec<i32>, before: usize| all[..all.len() - before].to_vec();
    assert_eq!(new(house.told_of(&erik).await, told), [over], "of one end, and not of her software as well");
    assert_eq!(new(house.told_of(&finn).await, told_finn), [over]);
    let (his, others) = (house.care_of(&erik).await.remove(0), house.care_of(&finn).await.remove(0));
    assert_eq!((his.state, his.end_time), (others.state, others.end_time));
}

#[tokio::test]
async fn called_off_nothing_comes_back_and_she_lists_herself_again() {
    let house = House::new().await;
    let operator = house.operator().await;
    let carla = house.verified(&operator, "carla").await;
    let erik = house.member("erik").await;
    house.in_care(&erik, &carla).await;
    let software = house.counselors_software(&carla).await.0;
    let code = house.ask(&carla, false).await.unwrap().certificate_code;
    assert_eq!(house.certificate(&code).await.unwrap().state().as_str_name(), WAITING);
    assert_eq!(reason(&house.make_room(&carla).await.err().unwrap()), "ERASURE_WAITS");
    assert!(house.own_application(&carla).await.unwrap().unlisted);
    // New words, and an operator who looks at them, list nobody who leaves.
    house.submit(&carla, application("carla anew")).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert_eq!(house.listed(&erik).await, 0);

    house.call_off(&carla).await.unwrap();
    house.advance(WEEK);
    house.erase().await;
    let (carla, erik) =
        (house.signed_in("carla@example.org").await, house.signed_in("erik@example.org").await);
    assert_eq!(carla.kind, Kind::Counselor);
    assert_eq!(house.listed(&erik).await, 0);
    assert_eq!(house.care_of(&erik).await[0].state, CareState::Ended as i32);
    assert!(house.people_of(&carla).await.is_empty());
    software.token(&house, OF_COUNSELOR).await.err().unwrap();
    house.make_room(&carla).await.unwrap();
    assert_eq!(house.listed(&erik).await, 1);
    assert!(!house.own_application(&carla).await.unwrap().unlisted);
    assert_eq!(house.care_of(&erik).await[0].state, CareState::Ended as i32, "that is another matter");
}

#[tokio::test]
async fn it_takes_both_factors_and_a_fresh_proof() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let message = || RequestErasureRequest { mail_certificate: false };
    let with = |passport: Passport| {
        let mut request = house.by(&carla, message());
        request.extensions_mut().insert(passport);
        request
    };
    let weak = Passport { assurance: Assurance::One, ..house.passport_of(&carla) };
    let weak = house.rpc.request_erasure(with(weak)).await.err().unwrap();
    assert_eq!(reason(&weak), "SECOND_FACTOR_REQUIRED");
    let authenticated_at = house.now() - SignedDuration::from_mins(6);
    let stale = Passport { authenticated_at, ..house.passport_of(&carla) };
    let stale = house.rpc.request_erasure(with(stale)).await.err().unwrap();
    assert_eq!(reason(&stale), "STEP_UP_REQUIRED");
    assert_eq!(house.count("erasure").await, 0);
    assert_eq!(house.count("counselor WHERE unlisted").await, 0);
}

#[tokio::test]
async fn of_a_counselor_nothing_is_left_but_ids_in_what_is_others() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, dora) = (house.verified(&operator, "carla").await, house.verified(&operator, "dora").await);
    let (anna, ben) = house.couple().await;
    house.couple_in_care(&anna, &ben, &carla).await;
    house.in_care(&anna, &carla).await;
    house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
    let receipt = house.open(&carla, read_all(Scope::Entries, &anna)).await.unwrap().receipt_id;
    house.read_of(&receipt, &anna, &carla, 1..3).await;
    let (software, _) = house.counselors_software(&carla).await;
    house.give(&anna, all_to_software(Scope::Entries, &software)).await.unwrap();
    sqlx::query("UPDATE client SET name = 'Canary of a practice' WHERE holder_id = $1")
        .bind(carla.account_id)
        .execute(house.pool())
        .await
        .unwrap();
    house.complain(&anna, complaint(&carla)).await.unwrap();
    house.complain(&carla, complaint(&anna)).await.unwrap();
    assert!(house.dump().await.contains("Canary of a practice"));
    let asked = house.ask(&carla, false).await.unwrap();
    house.advance(WEEK);
    house.go_through(house.erasure_id_of(&carla).await).await;
    house.publish().await;

    let done = house.certificate(&asked.certificate_code).await.unwrap();
    assert_eq!(done.state().as_str_name(), DONE);
    let counted = |class: &str| {
        let of =
            |one: &&candor_proto::accounts::v1::ErasedClass| one.service == "accounts" && one.class == class;
        done.destroyed.iter().find(of).map(|one| one.count)
    };
    for (class, count) in
        [("clients", 1), ("counselor_applications", 1), ("care", 2), ("reports", 2), ("account", 1)]
    {
        assert_eq!(counted(class), Some(count), "{class}");
    }
    assert_eq!(
        house.naming(&carla).await,
        ["bus.erased", "public.consent", "public.receipt", "public.software_consent"],
        "a tombstone, and what is hers who opened it"
    );
    assert!(!house.dump().await.contains("Canary of a practice"));
    assert_eq!(
        house.count("client").await + house.count("client_key").await + house.count("report").await,
        0
    );
    assert!(house.accounts.vault.data_key(carla.account_id).await.is_err(), "no key is made for her again");
    house.sign_in("carla@example.org", PASSWORD).await.err().unwrap();
    // Her ledger says that a counselor read, under which consent; her consents that there was one. Of whom is said nowhere.
    let anna = house.signed_in("anna@example.org").await;
    let receipts = house.receipts(&anna, 10, "").await.receipts;
    assert_eq!((receipts.len(), receipts[0].item_ids.len()), (1, 2));
    assert_eq!(house.consents_of(&anna).await[0].counselor_name, "");
    assert_eq!(house.given_by(&anna).await[0].software_name, "");
    assert!(house.care_of(&anna).await.is_empty());
    // The other counselor is whom she was, and of a read that is told late its owner hears all the same.
    assert_eq!(house.listed(&anna).await, 1);
    assert!(house.find(&anna, &dora).await.is_ok());
    house.read_of(&receipt, &anna, &carla, 5..9).await;
    assert_eq!(house.receipts(&anna, 10, "").await.receipts[0].item_ids.len(), 6);
    assert_eq!(house.count("bus.inbox_retry").await, 0);
}

#[tokio::test]
async fn whoever_is_suspended_as_a_counselor_or_altogether_goes_as_well() {
    let house = House::new().await;
    let operator = house.operator().await;
    for (name, altogether) in [("carla", false), ("dora", true)] {
        let person = house.verified(&operator, name).await;
        let member = house.member(&format!("of-{name}")).await;
        house.in_care(&member, &person).await;
        let software = house.counselors_software(&person).await.0;
        if altogether {
            let report = house.complain(&member, complaint(&person)).await.unwrap();
            house.suspend_for(&operator, &report, 0).await.unwrap();
        } else {
            house.suspend(&operator, &person, "A complaint is looked into.").await.unwrap();
        }
        let person = house.signed_in(&format!("{name}@example.org")).await;
        assert_eq!(person.kind, Kind::Member);
        let asked = house.ask(&person, false).await.unwrap();
        assert_eq!(house.care_of(&member).await[0].state, CareState::Ended as i32);
        assert!(house.client(&operator, software.client_id()).await.unwrap().disable_time.is_some());
        house.advance(WEEK);
        house.go_through(house.erasure_id_of(&person).await).await;
        assert_eq!(house.certificate(&asked.certificate_code).await.unwrap().state().as_str_name(), DONE);
        house.publish().await;
        assert_eq!(house.naming(&person).await, ["bus.erased"], "{name}");
    }
}

#[tokio::test]
async fn whoever_is_verified_while_they_leave_is_not_listed() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (carla, anna) = (house.member("carla").await, house.member("anna").await);
    house.submit(&carla, application("carla")).await.unwrap();
    house.ask(&carla, false).await.unwrap();
    house.verify_counselor(&operator, &carla).await.unwrap();
    assert_eq!(house.listed(&anna).await, 0);
    let carla = house.signed_in("carla@example.org").await;
    house.call_off(&carla).await.unwrap();
    house.make_room(&carla).await.unwrap();
    assert_eq!(house.listed(&anna).await, 1);
    // Who applies while nothing waits is listed as ever.
    let dora = house.verified(&operator, "dora").await;
    assert!(house.find(&anna, &dora).await.is_ok());
}

#[tokio::test]
async fn a_couple_and_their_counselor_who_leave_at_once_do_not_stand_in_each_others_way() {
    let house = House::new().await;
    let operator = house.operator().await;
    let mut carla = house.verified(&operator, "carla").await;
    let (mut anna, mut ben) = house.couple().await;
    let other = house.replica();
    for round in 0..4 {
        house.couple_in_care(&anna, &ben, &carla).await;
        for member in [&anna, &ben] {
            house.in_care(member, &carla).await;
            house.grant(member, all_of(Scope::Entries, &carla)).await.unwrap();
        }
        let software = house.counselors_software(&carla).await.0;
        house.give(&anna, all_to_software(Scope::Entries, &software)).await.unwrap();
        let asked = tokio::join!(
            house.ask(&anna, false),
            other.ask(&carla, false),
            house.ask(&ben, false),
            other.disable(&operator, software.client_id()),
        );
        assert!(asked.0.is_ok() && asked.1.is_ok() && asked.2.is_ok() && asked.3.is_ok(), "round {round}");
        assert!(house.people_of(&carla).await.is_empty() && house.couples_of(&carla).await.is_empty());
        for person in [&anna, &ben, &carla] {
            house.call_off(person).await.unwrap();
        }
        house.make_room(&carla).await.unwrap();
        house.advance(SignedDuration::from_hours(25));
        anna = house.signed_in("anna@example.org").await;
        ben = house.signed_in("ben@example.org").await;
        carla = house.signed_in("carla@example.org").await;
        house.forget_pauses().await;
        house.link(&anna, &ben).await;
    }
    // And all three are gone in the same moment.
    house.couple_in_care(&anna, &ben, &carla).await;
    let mut codes = BTreeSet::new();
    for person in [&anna, &carla, &ben] {
        codes.insert(house.ask(person, false).await.unwrap().certificate_code);
    }
    house.advance(WEEK);
    tokio::join!(house.erase(), other.erase());
    assert_eq!(house.told("accounts.v1.erasure_begun").await, 3);
    assert_eq!(house.count("account WHERE kind <> 'operator'").await, 0);
}

#[tokio::test]
async fn staff_goes_once_its_role_is_taken_and_never_the_last_operator() {
    let house = House::new().await;
    let operator = house.operator().await;
    assert_eq!(reason(&house.ask(&operator, false).await.err().unwrap()), "STILL_STAFF");
    let address = || accounts::domain::Address::parse("ops@example.org").unwrap();
    let last = accounts::app::revoke_staff(&house.accounts, &address()).await;
    assert!(matches!(last, Err(accounts::Error::LastOperator)));
    house.second_operator().await;
    accounts::app::revoke_staff(&house.accounts, &address()).await.unwrap();
    let former = house.signed_in("ops@example.org").await;
    assert_eq!(former.kind, Kind::Member);
    let code = house.ask(&former, false).await.unwrap().certificate_code;
    house.advance(WEEK);
    house.go_through(house.erasure_id_of(&former).await).await;
    assert_eq!(house.certificate(&code).await.unwrap().state().as_str_name(), DONE);
    house.sign_in("ops@example.org", PASSWORD).await.err().unwrap();
    house.publish().await;
    assert_eq!(
        house.naming(&former).await,
        ["bus.erased", "public.audit_record"],
        "what was done stays accounted for"
    );
}

#[tokio::test]
async fn the_machine_asks_for_whoever_does_not_come_back_and_they_can_call_it_off() {
    let house = House::new().await;
    house.operator().await;
    let anna = house.member("anna").await;
    let address = |email: &str| accounts::domain::Address::parse(email).unwrap();
    let erase = async |email: &str| {
        accounts::app::revoke_and_erase_staff(&house.accounts, &address(email)).await.map(|(_, code)| code)
    };
    // Of nobody but staff, and never of the last operator.
    for (email, is_last) in
        [("anna@example.org", false), ("nobody@example.org", false), ("ops@example.org", true)]
    {
        let refused = erase(email).await.err().unwrap();
        assert_eq!(matches!(refused, accounts::Error::LastOperator), is_last, "{email}");
    }
    assert!(house.erasure_of(&anna).await.is_none());
    let sara = house.supporter().await;
    erase("sara@example.org").await.unwrap();
    let former = house.signed_in("sara@example.org").await;
    assert_eq!((former.kind, former.account_id), (Kind::Member, sara.account_id));
    assert!(house.heard(&former, SecurityNoticeKind::ErasureRequested).await);
    house.call_off(&former).await.unwrap();
    house.advance(WEEK);
    house.erase().await;
    house.sign_in("sara@example.org", PASSWORD).await.unwrap();

    let tom = house.works(accounts::domain::AccountKind::Editor, "tom@example.org").await;
    let code = erase("tom@example.org").await.unwrap();
    house.advance(WEEK);
    house.go_through(house.erasure_id_of(&tom).await).await;
    assert_eq!(house.certificate(&code).await.unwrap().state().as_str_name(), DONE);
    house.sign_in("tom@example.org", PASSWORD).await.err().unwrap();
}
