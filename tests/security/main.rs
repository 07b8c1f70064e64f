//! Who can call what about whom: every RPC of every service × every kind of caller, on a real Candor.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod call;
mod callers;
mod consented;
mod pairs;
mod reported;
mod software;
mod table;
mod things;
mod world;

use call::Api;
use callers::Caller;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_what_is_not_theirs() {
    let world = World::live().await;
    let mut broken = Vec::new();
    // Those who may do nothing come first: what partners do changes what there is.
    for caller in Caller::ALL {
        // What is paced by what it is about must not be used up by the callers before.
        if matches!(caller, Caller::Trusted | Caller::Client) {
            world.let_turns_come();
        }
        let before = world.owners_view(caller).await;
        for row in &table::ROWS {
            broken.extend(world.check(caller, row).await);
        }
        if caller.may_change_nothing() {
            let after = world.owners_view(caller).await;
            let changed = before.iter().filter(|(rpc, seen)| after[*rpc] != **seen);
            broken
                .extend(changed.map(|(rpc, _)| format!("{caller:?} changed what the owner sees with {rpc}")));
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    world.stop().await;
}
