//! Two people link and part, and never anything in between, however many try at once.

use crate::{
    kit::{House, reason},
    people::{Person, visible},
};
use accounts::events;
use candor_proto::accounts::v1::{AccessEpochRaised, CoupleLinked, CoupleUnlinked};
use jiff::SignedDuration;
use prost::Message as _;
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use uuid::Uuid;

async fn bodies(house: &House, key: &str) -> Vec<(Uuid, i64, Vec<u8>)> {
    sqlx::query_as("SELECT aggregate_id, version, body FROM bus.outbox WHERE key = $1 ORDER BY id")
        .bind(key)
        .fetch_all(house.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn two_people_link_and_each_sees_the_other_by_the_name_they_chose() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let invited = house.invite(&anna, "  Anna from upstairs ").await.unwrap();
    assert_eq!(invited.link, format!("https://candor.example/invitation#{}", invited.code));
    let preview = house.preview(&invited.code.to_lowercase().replace('-', " ")).await.unwrap();
    assert_eq!(preview.inviter_name, "Anna from upstairs");
    assert!(preview.expire_time == invited.expire_time);

    let linked = house.accept(&ben, &invited.code, " Ben ").await.unwrap();
    let (annas, bens) = (house.couple_of(&anna).await, house.couple_of(&ben).await);
    assert!(annas.invitation.is_none() && bens.invitation.is_none());
    let (annas, bens) = (annas.couple.unwrap(), bens.couple.unwrap());
    assert!(bens == linked && annas.couple_id == bens.couple_id && annas.link_time == bens.link_time);
    assert_eq!(annas.partner_account_id, ben.account_id.to_string());
    assert_eq!(bens.partner_account_id, anna.account_id.to_string());
    assert_eq!((annas.own_name.as_str(), annas.partner_name.as_str()), ("Anna from upstairs", "Ben"));
    assert_eq!((bens.own_name.as_str(), bens.partner_name.as_str()), ("Ben", "Anna from upstairs"));

    let told = bodies(&house, "accounts.v1.couple_linked").await;
    let event = CoupleLinked::decode(&told[0].2[..]).unwrap();
    assert_eq!((told.len(), told[0].0.to_string(), told[0].1), (1, linked.couple_id.clone(), 1));
    assert_eq!(event.couple_id, linked.couple_id);
    assert_eq!(event.first_account_id, anna.account_id.min(ben.account_id).to_string());
    assert_eq!(event.second_account_id, anna.account_id.max(ben.account_id).to_string());
    assert_eq!(event.link_time.unwrap().seconds, house.now().as_second());
}

#[tokio::test]
async fn either_parts_at_once_and_nothing_says_who() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let mut seen = Vec::new();
    for leaver in [&anna, &ben] {
        house.advance(SignedDuration::from_hours(30));
        if house.couple_of(&anna).await.couple.is_none() {
            house.forget_pauses().await;
            house.link(&anna, &ben).await;
        }
        let couple_id = house.couple_of(&anna).await.couple.unwrap().couple_id;
        let (links, epochs) = (house.told("accounts.v1.couple_unlinked").await, seen.len());
        house.unlink(leaver).await.unwrap();
        house.unlink(leaver).await.unwrap();
        house.unlink(&anna).await.unwrap();
        house.unlink(&ben).await.unwrap();
        for person in [&anna, &ben] {
            assert!(house.couple_of(person).await == Default::default());
        }
        // Told once, with one epoch in each direction.
        let told = bodies(&house, "accounts.v1.couple_unlinked").await;
        assert_eq!(told.len(), links + 1);
        let (aggregate, version, body) = told.last().unwrap();
        let event = CoupleUnlinked::decode(&body[..]).unwrap();
        assert_eq!((aggregate.to_string(), *version, event.couple_id), (couple_id.clone(), 2, couple_id));
        assert_eq!(event.first_account_id, anna.account_id.min(ben.account_id).to_string());
        assert_eq!(event.unlink_time.unwrap().seconds, house.now().as_second());
        let raised = bodies(&house, "accounts.v1.access_epoch_raised").await;
        assert_eq!(raised.len(), epochs + 2);
        for (aggregate, version, body) in &raised[epochs..] {
            let event = AccessEpochRaised::decode(&body[..]).unwrap();
            assert_eq!(event.epoch, *version);
            seen.push((event.owner_account_id, event.reader_account_id, event.epoch, *aggregate));
        }
    }
    // The second time as the first: the same aggregates, one higher.
    let pairs: Vec<_> = seen.iter().map(|(owner, reader, epoch, id)| (owner, reader, *epoch, *id)).collect();
    let (lower, upper) =
        (anna.account_id.min(ben.account_id).to_string(), anna.account_id.max(ben.account_id).to_string());
    assert_eq!((pairs[0].0, pairs[0].1, pairs[0].2), (&lower, &upper, 1));
    assert_eq!((pairs[1].0, pairs[1].1, pairs[1].2), (&upper, &lower, 1));
    assert_ne!(pairs[0].3, pairs[1].3);
    assert_eq!((pairs[2].2, pairs[2].3, pairs[3].2, pairs[3].3), (2, pairs[0].3, 2, pairs[1].3));
    // The names went with the link; what stays are two ids and two times.
    assert_eq!(house.count("couple_member").await, 0);
    let columns: Vec<String> =
        sqlx::query_scalar("SELECT column_name FROM information_schema.columns WHERE table_name = 'couple'")
            .fetch_all(house.pool())
            .await
            .unwrap();
    let columns: BTreeSet<_> = columns.iter().map(String::as_str).collect();
    assert_eq!(columns, BTreeSet::from(["couple_id", "first_id", "linked_at", "second_id", "unlinked_at"]));
}

#[tokio::test]
async fn whoever_is_linked_neither_invites_nor_accepts_whatever_the_code() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let carl = house.member("carl").await;
    let open = house.invite(&carl, "Carl").await.unwrap().code;
    let mut refused = vec![house.invite(&anna, "Anna").await.err().unwrap()];
    for code in [open.as_str(), "01ABC-DEFGH-JKMNP-QRSTV", "never a code"] {
        refused.push(house.accept(&ben, code, "Ben").await.err().unwrap());
    }
    assert_eq!(
        (refused[0].code(), reason(&refused[0]).as_str()),
        (Code::FailedPrecondition, "ALREADY_LINKED")
    );
    assert!(refused.iter().all(|one| visible(one) == visible(&refused[0])));
    // The code they tried is still good.
    house.unlink(&anna).await.unwrap();
    house.accept(&ben, &open, "Ben").await.unwrap();
}

#[tokio::test]
async fn consumers_can_be_told_every_link_and_epoch_again() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.unlink(&anna).await.unwrap();
    let linked = house.link(&anna, &ben).await;
    let before = house.events().await;
    let (ids, outbox) = (&house.accounts.ids, &house.accounts.outbox);
    let told = events::resnapshot(house.pool(), outbox, &house.clock, ids).await.unwrap();
    let after = house.events().await.split_off(before.len());
    assert_eq!(told, after.len() as u64);
    let of = |key: &str| after.iter().filter(|(told, ..)| told == key).cloned().collect::<Vec<_>>();
    assert_eq!(of("accounts.v1.account_verified").len(), 2);
    // What ended is told as ended and as nothing else; what lives as living.
    let (ended, living) = (of("accounts.v1.couple_unlinked"), of("accounts.v1.couple_linked"));
    assert_eq!((ended.len(), ended[0].2), (1, 2));
    assert_eq!((living.len(), living[0].1.to_string(), living[0].2), (1, linked.couple_id, 1));
    assert!(before.contains(&ended[0]) && before.contains(&living[0]));
    let epochs = of("accounts.v1.access_epoch_raised");
    assert_eq!(epochs.len(), 2);
    assert!(epochs.iter().all(|epoch| before.contains(epoch)));
    assert!(after.iter().all(|(key, ..)| events::emits().contains(key)));
}

/// Runs all at the same moment, half of them in another replica.
async fn at_once<Out: Send + 'static>(calls: Vec<impl Future<Output = Out> + Send + 'static>) -> Vec<Out> {
    let start = Arc::new(tokio::sync::Barrier::new(calls.len()));
    let mut running = JoinSet::new();
    for call in calls {
        let start = Arc::clone(&start);
        running.spawn(async move {
            start.wait().await;
            call.await
        });
    }
    running.join_all().await
}

fn reasons<T>(results: &[Result<T, Status>]) -> Vec<String> {
    let mut all: Vec<_> = results.iter().filter_map(|one| one.as_ref().err().map(reason)).collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_people_with_one_code_one_is_linked() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let anna = house.member("anna").await;
    let mut people = Vec::new();
    for name in ["ben", "carl", "dora", "emil", "fina", "gero"] {
        people.push(house.member(name).await);
    }
    for _ in 0..5 {
        house.advance(SignedDuration::from_hours(24));
        let code = house.invite(&anna, "Anna").await.unwrap().code;
        let calls = people.iter().cloned().enumerate().map(|(at, person)| {
            let (house, code) = (if at % 2 == 0 { house.clone() } else { other.clone() }, code.clone());
            async move { house.accept(&person, &code, "Somebody").await }
        });
        let results = at_once(calls.collect()).await;
        assert_eq!(reasons(&results), vec!["INVITATION_NOT_FOUND"; people.len() - 1]);
        assert_eq!((house.half_links().await, house.count("couple_member").await), (0, 2));
        house.unlink(&anna).await.unwrap();
    }
    assert_eq!(house.told("accounts.v1.couple_linked").await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_person_with_many_codes_is_linked_once() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let ben = house.member("ben").await;
    let mut inviters = Vec::new();
    for name in ["anna", "carl", "dora", "emil"] {
        inviters.push(house.member(name).await);
    }
    for _ in 0..5 {
        house.advance(SignedDuration::from_hours(24));
        let mut calls = Vec::new();
        for (at, inviter) in inviters.iter().enumerate() {
            let code = house.invite(inviter, "Somebody").await.unwrap().code;
            let (house, ben) = (if at % 2 == 0 { house.clone() } else { other.clone() }, ben.clone());
            calls.push(async move { house.accept(&ben, &code, "Ben").await });
        }
        let results = at_once(calls).await;
        assert_eq!(reasons(&results), vec!["ALREADY_LINKED"; inviters.len() - 1]);
        assert_eq!((house.half_links().await, house.count("couple_member").await), (0, 2));
        house.unlink(&ben).await.unwrap();
        house.forget_pauses().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_who_invite_each_other_and_accept_at_once_are_one_couple() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    for round in 1..=8 {
        house.advance(SignedDuration::from_hours(24));
        let to_ben = house.invite(&anna, "Anna").await.unwrap().code;
        let to_anna = house.invite(&ben, "Ben").await.unwrap().code;
        let calls = [(house.clone(), anna.clone(), to_anna), (other.clone(), ben.clone(), to_ben)]
            .map(|(house, person, code)| async move { house.accept(&person, &code, "Me").await });
        let results = at_once(calls.into()).await;
        assert_eq!(reasons(&results), ["ALREADY_LINKED"]);
        assert_eq!((house.half_links().await, house.count("couple_member").await), (0, 2));
        assert_eq!(house.told("accounts.v1.couple_linked").await, round);
        house.unlink(&anna).await.unwrap();
        house.forget_pauses().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_part_at_once_and_it_is_told_once() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    for round in 1..=5 {
        house.advance(SignedDuration::from_hours(24));
        house.link(&anna, &ben).await;
        let calls = [(&house, &anna), (&other, &ben), (&house, &ben), (&other, &anna)]
            .map(|(house, person)| (Arc::clone(house), person.clone()))
            .map(|(house, person)| async move { house.unlink(&person).await });
        let results = at_once(calls.into()).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(house.told("accounts.v1.couple_unlinked").await, round);
        assert_eq!(house.told("accounts.v1.access_epoch_raised").await, round * 2);
        assert_eq!(house.count("invitation_block").await, 2, "both left, whoever was first");
        house.forget_pauses().await;
    }
}

/// The newest code of each person.
type Codes = std::sync::Mutex<Vec<String>>;

/// One of many moves, by a small generator of its own, so that a failing order can be run again.
async fn make_move(house: &House, people: &[Person], codes: &Codes, dice: u64) {
    let (own, others) = ((dice >> 8) as usize % people.len(), (dice >> 24) as usize % people.len());
    let person = &people[own];
    let code = codes.lock().unwrap()[others].clone();
    let done = match (dice >> 40) % 16 {
        0..4 => {
            // So that the pace of invitations is seldom in the way.
            house.advance(SignedDuration::from_hours(5));
            house.invite(person, "Somebody").await.map(|invited| codes.lock().unwrap()[own] = invited.code)
        }
        4 => house.cancel(person).await,
        5..8 => {
            house.forget_pauses().await;
            house.unlink(person).await
        }
        8 => house.decline(person, &code).await,
        _ => house.accept(person, &code, "Me").await.map(drop),
    };
    if let Err(status) = done {
        let expected = ["INVITATION_NOT_FOUND", "ALREADY_LINKED", "TOO_MANY_INVITATIONS"];
        assert!(expected.contains(&reason(&status).as_str()), "{status:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_many_do_at_once_nobody_is_linked_twice_or_by_half() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let mut people = Vec::new();
    for name in ["anna", "ben", "carl", "dora", "emil"] {
        people.push(house.member(name).await);
    }
    let codes: Arc<Codes> = Arc::new(vec!["none yet".to_owned(); people.len()].into());
    let people = Arc::new(people);
    for round in 0..4u64 {
        let calls = (0..12u64).map(|task| {
            let house = if task % 2 == 0 { house.clone() } else { other.clone() };
            let (people, codes) = (people.clone(), codes.clone());
            async move {
                let mut dice = (round * 12 + task).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
                for _ in 0..25 {
                    dice ^= dice << 13;
                    dice ^= dice >> 7;
                    dice ^= dice << 17;
                    make_move(&house, &people, &codes, dice).await;
                    assert_eq!(house.half_links().await, 0);
                }
            }
        });
        at_once(calls.collect()).await;
    }
    // What was told is what is there.
    let (linked, unlinked): (i64, i64) = sqlx::query_as("SELECT count(*), count(unlinked_at) FROM couple")
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert!(linked > 10 && unlinked > 5, "{linked} {unlinked}");
    assert_eq!(house.told("accounts.v1.couple_linked").await as i64, linked);
    assert_eq!(house.told("accounts.v1.couple_unlinked").await as i64, unlinked);
    let epochs: i64 = sqlx::query_scalar("SELECT sum(epoch)::bigint FROM access_epoch")
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(epochs, unlinked * 2);
}
