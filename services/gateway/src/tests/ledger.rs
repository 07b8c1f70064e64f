//! What is open to whom, told truly however many shares there are.

use super::fakes::{Fake, SECRET};
use super::two_fakes::MINE;
use super::*;
use candor_proto::journal::v1::{Share, ShareState};
use std::sync::atomic::Ordering;

const COOKIE: &str = "__Host-candor=cs_alice";

fn shares(world: &World, states: &[ShareState]) -> Vec<Share> {
    let share = |place: usize, state: &ShareState| Share {
        share_id: format!("0195f1c2-7f00-4000-8000-{place:012}"),
        state: (*state).into(),
        ..Fake(world.fakes.clone()).share()
    };
    states.iter().enumerate().map(|(place, state)| share(place, state)).collect()
}

#[tokio::test]
async fn an_open_share_behind_pages_of_closed_ones_is_told() {
    let world = World::new().await;
    let mut states = vec![ShareState::Withdrawn; 50];
    states.extend([ShareState::Open, ShareState::Waiting, ShareState::Open, ShareState::Expired]);
    *world.fakes.two.shares.lock().unwrap() = Some(shares(&world, &states));
    let ledger = world.visit("/ledger", COOKIE).await.body;
    for place in 50..53 {
        assert!(
            ledger.contains(&format!("/shared/0195f1c2-7f00-4000-8000-{place:012}\"")),
            "{place}: {ledger}"
        );
    }
    let open = ledger.split("id=\"reads\"").next().unwrap();
    assert_eq!(open.matches("/shared/").count(), 3, "{open}");
    assert!(!ledger.contains("Nothing you"), "{ledger}");
    let shared = world.visit("/shared", COOKIE).await.body;
    assert!(!shared.contains("Nothing you") && !shared.contains("Nothing else"), "{shared}");
}

#[tokio::test]
async fn that_nothing_is_open_is_said_where_it_is_true_and_check_ins_are_named() {
    let world = World::new().await;
    *world.fakes.two.shares.lock().unwrap() = Some(shares(&world, &[ShareState::Withdrawn; 5]));
    for path in ["/ledger", "/shared"] {
        let page = world.visit(path, COOKIE).await.body;
        assert!(page.contains("Nothing you shared is open to anyone."), "{path}: {page}");
        assert!(
            page.contains("Your answers in check-ins that opened for both are open to"),
            "{path}: {page}"
        );
        assert!(!page.contains("Nothing you wrote") && !page.contains("Nothing else"), "{path}: {page}");
    }
    world.fakes.two.parted.store(true, Ordering::SeqCst);
    let ledger = world.visit("/ledger", COOKIE).await.body;
    assert!(
        ledger.contains("Nothing you wrote is open to anyone.") && !ledger.contains("check-ins that opened")
    );
    assert!(!world.visit("/shared", COOKIE).await.body.contains("check-ins that opened"));
}

#[tokio::test]
async fn a_share_is_found_by_its_id_alone() {
    let world = World::new().await;
    *world.fakes.two.shares.lock().unwrap() = Some(vec![]);
    let page = world.visit(&format!("/shared/{MINE}"), COOKIE).await;
    assert!(page.status == 200 && page.body.contains("Something you shared"), "{}", page.body);
    assert_eq!(world.call("GET", &format!("/v1/shares/{MINE}"), Some(SECRET), "").await.status, 200);
}
