//! While accounts is away, what is one's own is served until the passport ends; what is another's is not.

use super::couple::Couple;
use super::place::{Place, Trouble};
use crate::member::{PATIENCE, signed};
use candor_proto::journal::v1 as journal;
use candor_tests::eventually;
use journal::entry_service_client::EntryServiceClient;
use tokio::time::Instant;
use tonic::Code;
use tonic::transport::Channel;

/// Longer than a passport lives.
const PAST_THE_PASSPORT: std::time::Duration = std::time::Duration::from_secs(75);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: a passport lives for a minute"]
async fn without_accounts_ones_own_is_served_until_the_passport_ends_and_anothers_is_not() {
    let mut couple = Couple::join(Place::five_processes().await).await;
    couple.prepare().await;
    let own = couple.owner.passport(&couple.place).await;
    let passport = couple.reader.passport(&couple.place).await;
    let (accounts, replicas) = (couple.place.grpc("accounts"), couple.place.journals());
    let readable = couple.readable();
    let opened = readable.open(accounts.clone(), &passport, "").await.unwrap();
    couple.place.follow(Trouble::AccountsDown);
    let since = Instant::now();

    let away = readable.open(accounts, &passport, "").await.err().expect("nobody opens anything");
    assert_eq!(away.code(), Code::Unavailable);
    let timeline = || signed(journal::ListEntriesRequest::default(), &own);
    let entries = |channel: &Channel| EntryServiceClient::new(channel.clone());
    for (replica, channel) in &replicas {
        eventually(&format!("{replica} shows nothing of another"), PATIENCE, async || {
            readable.read(channel.clone(), &passport, &opened.capability).await.is_err()
        })
        .await;
        println!("{replica}: another's is refused {:?} after accounts died", since.elapsed());
        let page = entries(channel).list_entries(timeline()).await.expect("one's own is served");
        assert_eq!(page.into_inner().entries.len(), 1);
    }
    for (replica, channel) in &replicas {
        eventually(&format!("{replica} believes the passport no more"), PAST_THE_PASSPORT, async || {
            let refused = entries(channel).list_entries(timeline()).await.err();
            refused.is_some_and(|status| status.code() == Code::Unauthenticated)
        })
        .await;
    }
}
