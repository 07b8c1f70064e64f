//! The circle of trust: who is in it and why, what being in it opens, and leaving without a word.

use crate::{
    kit::{House, reason},
    people::{Person, shared_items, visible},
};
use accounts::events;
use candor_proto::accounts::v1::{
    CancelCircleInvitationRequest, CircleChanged, LeaveCircleRequest, OpenAccessRequest,
    RemoveTrustedPersonRequest, UpdateTrustedPersonRequest, circle_service_server::CircleService as _,
};
use candor_proto::options::v1::Scope;
use jiff::SignedDuration;
use prost::Message as _;
use std::sync::Arc;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use uuid::Uuid;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn scope(owner: &Person, scope: Scope) -> OpenAccessRequest {
    OpenAccessRequest { scope: scope.into(), ..shared_items(owner.account_id) }
}

impl House {
    async fn remove(&self, person: &Person, circle_id: &str) -> Result<(), Status> {
        let message = RemoveTrustedPersonRequest { circle_id: circle_id.into() };
        self.rpc.remove_trusted_person(self.by(person, message)).await.map(drop)
    }

    pub async fn leave(&self, person: &Person, circle_id: &str) -> Result<(), Status> {
        let message = LeaveCircleRequest { circle_id: circle_id.into() };
        self.rpc.leave_circle(self.by(person, message)).await.map(drop)
    }

    async fn rewrite(&self, person: &Person, circle_id: &str, reason: &str) -> Result<(), Status> {
        let message = UpdateTrustedPersonRequest {
            circle_id: circle_id.into(),
            called: "Renamed".into(),
            reason: reason.into(),
        };
        self.rpc.update_trusted_person(self.by(person, message)).await.map(drop)
    }

    /// What the events said of each place, in the order they were told: version, host, guest, joined.
    async fn told_of_circles(&self) -> Vec<(String, i64, CircleChanged)> {
        let rows: Vec<(Uuid, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT aggregate_id, version, body FROM bus.outbox WHERE key = 'accounts.v1.circle_changed' ORDER BY id",
        )
        .fetch_all(self.pool())
        .await
        .unwrap();
        let decode = |(id, version, body): (Uuid, i64, Vec<u8>)| {
            (id.to_string(), version, CircleChanged::decode(&body[..]).unwrap())
        };
        rows.into_iter().map(decode).collect()
    }
}

#[tokio::test]
async fn a_trusted_person_comes_by_code_and_the_reason_stays_with_its_writer() {
    let house = House::new().await;
    let (anna, clara) = (house.member("anna").await, house.member("clara").await);
    let invited = house.invite_trusted(&anna, "My oldest friend", "She-never-told-anybody").await.unwrap();
    let waiting = house.circles_of(&anna).await;
    assert_eq!((waiting.people.len(), waiting.invitations.len()), (0, 1));
    assert_eq!(waiting.invitations[0].called, "My oldest friend");
    let preview = house.preview(&invited.code).await.unwrap();
    assert_eq!((preview.kind, preview.inviter_name.as_str()), (2, "The host"));

    let place = house.join_circle(&clara, &invited.code, "Clara").await.unwrap();
    let (annas, claras) = (house.circles_of(&anna).await, house.circles_of(&clara).await);
    assert!(annas.invitations.is_empty() && annas.places.is_empty());
    let [person] = &annas.people[..] else { panic!("one person") };
    assert_eq!((person.name.as_str(), person.called.as_str()), ("Clara", "My oldest friend"));
    assert_eq!(person.reason, "She-never-told-anybody");
    assert_eq!((&person.circle_id, &person.account_id), (&place.circle_id, &clara.account_id.to_string()));
    // The guest sees the name that was chosen for them to see, and nothing of what is thought of them.
    assert!(claras.people.is_empty() && claras.places == [place.clone()]);
    assert_eq!((place.host_name.as_str(), place.own_name.as_str()), ("The host", "Clara"));
    let dump = house.dump().await;
    for private in ["She-never-told-anybody", "My oldest friend", "Clara"] {
        assert!(!dump.contains(private), "{private}");
    }
    // A place's id holds no time, and the code is used up.
    assert_eq!(place.circle_id.parse::<Uuid>().unwrap().get_version_num(), 4);
    let used = house.join_circle(&house.member("dora").await, &invited.code, "Dora").await.err().unwrap();
    assert_eq!(reason(&used), "INVITATION_NOT_FOUND");

    house.rewrite(&anna, &place.circle_id, "Another reason").await.unwrap();
    assert_eq!(house.circles_of(&anna).await.people[0].reason, "Another reason");
    assert!(house.circles_of(&clara).await.places == [place.clone()]);
    for (who, id) in [(&clara, place.circle_id.as_str()), (&anna, &Uuid::nil().to_string())] {
        let refused = house.rewrite(who, id, "x").await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "PERSON_NOT_FOUND"));
    }
}

#[tokio::test]
async fn being_in_a_circle_opens_single_items_one_way_and_answers_the_other() {
    let house = House::new().await;
    let (anna, clara) = (house.member("anna").await, house.member("clara").await);
    let place = house.befriend(&anna, &clara).await;
    let opens = async |reader: &Person, owner: &Person| {
        let mut found = Vec::new();
        for each in [Scope::SharedItems, Scope::CheckIns, Scope::CheckInSchedule, Scope::ShareAnswers] {
            match house.opened(reader, scope(owner, each)).await {
                Ok(capability) => found.push((each as i32, capability.opening.relation_id.to_string())),
                Err(refused) => assert_eq!(refused.code(), Code::NotFound),
            }
        }
        found
    };
    assert_eq!(opens(&clara, &anna).await, [(1, place.circle_id.clone())]);
    assert_eq!(opens(&anna, &clara).await, [(4, place.circle_id.clone())]);
    // Trust both ways: each by its own place.
    let back = house.befriend(&clara, &anna).await;
    assert_ne!(back.circle_id, place.circle_id);
    let (here, there) = (place.circle_id, back.circle_id);
    assert_eq!(opens(&clara, &anna).await, [(1, here.clone()), (4, there.clone())]);
    assert_eq!(opens(&anna, &clara).await, [(1, there.clone()), (4, here.clone())]);
    // Taking one back leaves the other.
    house.remove(&anna, &here).await.unwrap();
    assert_eq!(opens(&clara, &anna).await, [(4, there.clone())]);
    assert_eq!(opens(&anna, &clara).await, [(1, there)]);
    let relations: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT relation FROM receipt").fetch_all(house.pool()).await.unwrap();
    assert_eq!(relations, ["trusted_person"]);
}

#[tokio::test]
async fn taking_out_and_leaving_look_alike_and_end_everything_at_once() {
    let house = House::new().await;
    let mut seen = Vec::new();
    for (n, by_host) in [true, false].into_iter().enumerate() {
        let (anna, clara) = (house.member(&format!("a{n}")).await, house.member(&format!("c{n}")).await);
        let place = house.befriend(&anna, &clara).await;
        assert_eq!(house.opened(&clara, shared_items(anna.account_id)).await.unwrap().opening.epoch, 0);
        let told = house.events().await.len();
        // On the wrong side, or for somebody else, nothing happens and nothing is said.
        let dora = house.member(&format!("d{n}")).await;
        let before = house.events().await.len();
        for (who, id) in [(&dora, place.circle_id.as_str()), (&anna, &Uuid::nil().to_string())] {
            house.remove(who, id).await.unwrap();
            house.leave(who, id).await.unwrap();
        }
        house.remove(&clara, &place.circle_id).await.unwrap();
        house.leave(&anna, &place.circle_id).await.unwrap();
        assert_eq!((house.events().await.len(), house.circles_of(&clara).await.places.len()), (before, 1));
        if by_host {
            house.remove(&anna, &place.circle_id).await.unwrap();
            house.remove(&anna, &place.circle_id).await.unwrap();
        } else {
            house.leave(&clara, &place.circle_id).await.unwrap();
            house.leave(&clara, &place.circle_id).await.unwrap();
        }
        assert!(house.circles_of(&anna).await == house.circles_of(&clara).await, "both are empty");
        let refused = house.open(&clara, shared_items(anna.account_id)).await.err().unwrap();
        let stranger = house.open(&clara, shared_items(dora.account_id)).await.err().unwrap();
        assert_eq!(visible(&refused), visible(&stranger));
        let kinds: Vec<String> = house.events().await[told..].iter().map(|(key, ..)| key.clone()).collect();
        let own: Vec<&str> =
            kinds.iter().map(String::as_str).filter(|key| !key.contains("account_")).collect();
        let mut own: Vec<String> = own.iter().map(|key| (*key).to_owned()).collect();
        own.sort();
        seen.push(own);
        // Coming again is another place, of a higher epoch.
        let again = house.befriend(&anna, &clara).await;
        assert_ne!(again.circle_id, place.circle_id);
        assert_eq!(house.opened(&clara, shared_items(anna.account_id)).await.unwrap().opening.epoch, 1);
    }
    let circle = "accounts.v1.circle_changed";
    let epoch = "accounts.v1.access_epoch_raised";
    assert_eq!(seen, [[epoch, epoch, circle], [epoch, epoch, circle]]);
    let told = house.told_of_circles().await;
    assert_eq!(told.iter().map(|(_, version, _)| *version).collect::<Vec<_>>(), [1, 2, 1, 1, 2, 1]);
    assert!(
        told.iter().all(|(id, version, event)| event.circle_id == *id && event.joined == (*version == 1))
    );
    assert_eq!((told[0].2.host_account_id.as_str(), told[0].2.guest_account_id.as_str()), {
        (told[1].2.host_account_id.as_str(), told[1].2.guest_account_id.as_str())
    });
}

#[tokio::test]
async fn one_mechanism_invites_to_both_and_neither_gets_in_the_way_of_the_other() {
    let house = House::new().await;
    let (anna, ben, clara) =
        (house.member("anna").await, house.member("ben").await, house.member("clara").await);
    let to_couple = house.invite(&anna, "Anna").await.unwrap().code;
    let to_circle = house.invite_trusted(&anna, "Clara", "").await.unwrap();
    let second = house.invite_trusted(&anna, "Somebody", "").await.unwrap();
    // A no to one is a no of whoever said it.
    let dora = house.member("dora").await;
    house.decline(&dora, &second.code).await.unwrap();
    let declined = house.join_circle(&dora, &second.code, "Dora").await.err().unwrap();
    assert_eq!(reason(&declined), "INVITATION_NOT_FOUND");
    house.accept(&ben, &to_couple, "Ben").await.unwrap();
    assert_eq!(house.circles_of(&anna).await.invitations.len(), 2, "a link ends none of these");
    // Whoever is linked still comes into circles, and is told why they cannot link.
    let other = house.member("other").await;
    let again = house.invite(&other, "Other").await.unwrap().code;
    assert_eq!(reason(&house.accept(&ben, &again, "Ben").await.err().unwrap()), "ALREADY_LINKED");
    house.join_circle(&clara, &to_circle.code, "Clara").await.unwrap();
    let hosted = house.invite_trusted(&other, "Ben", "").await.unwrap().code;
    house.join_circle(&ben, &hosted, "Ben").await.unwrap();
    // A partner is no guest, and nobody is in a circle twice.
    let third = house.invite_trusted(&anna, "Ben", "").await.unwrap().code;
    assert_eq!(reason(&house.join_circle(&ben, &third, "B").await.err().unwrap()), "ALREADY_PARTNERS");
    house.advance(DAY);
    let twice = house.invite_trusted(&anna, "Clara", "").await.unwrap().code;
    assert_eq!(reason(&house.join_circle(&clara, &twice, "C").await.err().unwrap()), "ALREADY_IN_CIRCLE");
    // Blocking goes for both kinds.
    house.block(&clara, &twice).await.unwrap();
    house.advance(DAY);
    for code in [house.invite_trusted(&anna, "C", "").await.unwrap().code, twice] {
        assert_eq!(
            reason(&house.join_circle(&clara, &code, "C").await.err().unwrap()),
            "INVITATION_NOT_FOUND"
        );
    }
    // Cancelled by whoever made it alone.
    let message = || CancelCircleInvitationRequest { invitation_id: second.invitation_id.clone() };
    let open = house.circles_of(&anna).await.invitations.len();
    house.rpc.cancel_circle_invitation(house.by(&ben, message())).await.unwrap();
    assert_eq!(house.circles_of(&anna).await.invitations.len(), open);
    house.rpc.cancel_circle_invitation(house.by(&anna, message())).await.unwrap();
    assert_eq!(house.circles_of(&anna).await.invitations.len(), open - 1);
    assert!(house.preview(&second.code).await.is_err());
}

#[tokio::test]
async fn who_links_as_a_couple_leaves_each_others_circles_and_parting_brings_nothing_back() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    house.befriend(&anna, &ben).await;
    house.befriend(&ben, &anna).await;
    let couple = house.link(&anna, &ben).await;
    for who in [&anna, &ben] {
        let circles = house.circles_of(who).await;
        assert!(circles.people.is_empty() && circles.places.is_empty());
    }
    let opened = house.opened(&ben, shared_items(anna.account_id)).await.unwrap().opening;
    assert_eq!((opened.relation_id.to_string(), opened.epoch), (couple.couple_id, 2));
    house.unlink(&ben).await.unwrap();
    assert!(house.open(&ben, shared_items(anna.account_id)).await.is_err());
    assert!(house.open(&anna, scope(&ben, Scope::ShareAnswers)).await.is_err());
}

#[tokio::test]
async fn a_circle_has_room_for_so_many() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    for n in 0..20 {
        house.advance(SignedDuration::from_hours(5));
        house.invite_trusted(&anna, &format!("Friend {n}"), "").await.unwrap();
    }
    house.advance(SignedDuration::from_hours(5));
    let refused = house.invite_trusted(&anna, "One more", "").await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "CIRCLE_FULL"));
    // The first of them is over by then; where one ends there is room.
    house.advance(DAY * 3);
    house.invite_trusted(&anna, "One more", "").await.unwrap();
    for called in ["", "  ", "a\u{202e}b"] {
        let refused = house.invite_trusted(&anna, called, "").await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_come_with_one_code_one_is_in() {
    let house = Arc::new(House::new().await);
    let anna = house.member("anna").await;
    let mut guests = Vec::new();
    for n in 0..6 {
        guests.push(house.member(&format!("guest{n}")).await);
    }
    let code = house.invite_trusted(&anna, "Whoever is first", "").await.unwrap().code;
    let mut racing = JoinSet::new();
    for guest in guests {
        let (house, code) = (house.clone(), code.clone());
        racing.spawn(
            async move { house.join_circle(&guest, &code, "Guest").await.map_err(|one| reason(&one)) },
        );
    }
    let results = racing.join_all().await;
    assert_eq!(results.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(results.iter().flat_map(|one| one.as_ref().err()).all(|why| why == "INVITATION_NOT_FOUND"));
    assert_eq!(house.circles_of(&anna).await.people.len(), 1);
}

#[tokio::test]
async fn a_resnapshot_tells_of_every_place_as_it_is() {
    let house = House::new().await;
    let (anna, clara, dora) =
        (house.member("anna").await, house.member("clara").await, house.member("dora").await);
    let ended = house.befriend(&anna, &clara).await.circle_id;
    let lasting = house.befriend(&anna, &dora).await.circle_id;
    house.remove(&anna, &ended).await.unwrap();
    let before = house.told_of_circles().await;
    let (outbox, ids) = (&house.accounts.outbox, &house.accounts.ids);
    events::resnapshot(house.pool(), outbox, &house.clock, ids).await.unwrap();
    let mut again = house.told_of_circles().await.split_off(before.len());
    again.sort_by_key(|(_, version, _)| *version);
    assert_eq!(again.len(), 2);
    assert!(again.iter().zip([(lasting, 1), (ended, 2)]).all(|((id, version, event), (is, at))| {
        *id == is && *version == at && before.iter().any(|(_, _, told)| told == event)
    }));
}
