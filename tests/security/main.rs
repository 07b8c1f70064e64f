//! Who can call what about whom: every RPC of every service × every kind of caller, on a real Candor. Members, staff and
//! software to which nothing was opened stand in `table.rs`, and in `proven.rs` once they proved who they are; counselors with
//! every kind of consent or none in `counseled.rs`, software with the same in `consented.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod belongings;
mod call;
mod callers;
mod consented;
mod counseled;
mod got;
mod pairs;
mod person;
mod proven;
mod reported;
mod software;
mod table;
mod things;
mod world;

use call::Api;
use callers::{Caller, Row};
use std::collections::BTreeSet;
use world::World;

#[test]
fn every_call_has_one_row() {
    let rows: Vec<&str> = table::ROWS.iter().map(|row| row.rpc).collect();
    let known: BTreeSet<&str> = rows.iter().copied().collect();
    assert_eq!(known.len(), rows.len(), "an RPC has two rows in tests/security/table.rs");
    let every: BTreeSet<String> = Api::methods().map(|method| method.full_name().to_owned()).collect();
    let without: Vec<&String> = every.iter().filter(|rpc| !known.contains(rpc.as_str())).collect();
    assert!(
        without.is_empty(),
        "\n{without:#?}\n→ say in tests/security/table.rs how each is called about somebody else's things, and what \
         every kind of caller gets\n"
    );
    let gone: Vec<&&str> = known.iter().filter(|rpc| !every.contains(**rpc)).collect();
    assert!(gone.is_empty(), "\n{gone:#?}\n→ these RPCs do not exist any more: delete their rows\n");
}

/// Lets every caller have their turn with all rows; what is wrong.
async fn turns(world: &World, rows: &[Row]) -> Vec<String> {
    let mut broken = Vec::new();
    // Those who may do nothing come first: what partners do changes what there is.
    for caller in Caller::ALL {
        // What is paced by what it is about must not be used up by the callers before.
        if matches!(caller, Caller::Trusted | Caller::Client) {
            world.let_turns_come();
        }
        let before = world.owners_view(caller).await;
        for row in rows {
            broken.extend(world.check(caller, row).await);
        }
        broken.extend(world.changed_since(caller, &before).await);
    }
    broken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_what_is_not_theirs() {
    let world = World::live().await;
    let broken = turns(&world, &table::ROWS).await;
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    let proven: BTreeSet<&str> = proven::ROWS.iter().map(|row| row.rpc).collect();
    assert_eq!(
        world.asked_for_proof(),
        proven,
        "what asks for a fresh proof says in tests/security/proven.rs what comes of it with one"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_more_by_proving_who_they_are() {
    let mut world = World::live().await;
    world.prove().await;
    let broken = turns(&world, &proven::ROWS).await;
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    assert_eq!(world.asked_for_proof(), BTreeSet::new(), "everybody had proven who they are");
    world.stop().await;
}
