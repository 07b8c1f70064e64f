//! Sharing with a trusted person: single items, one way, while they are in the circle.

use super::{
    answer, capability, ids, list_received, list_shares, pair, received, refusal, selection, share,
    share_answer, state,
};
use crate::stage::{Stage, entry, reason, stage};
use bus::{Envelope, Outbox, Transport};
use candor_proto::accounts::v1::CircleChanged;
use candor_proto::journal::v1::{ListSharesRequest, ShareDepth, ShareItemRequest};
use jiff::ToSpan as _;
use journal::domain::ShareState;
use journal::store::circles::{self, Place};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

/// Puts a guest into a host's circle, or takes them out, as accounts says it.
async fn note(stage: &Stage, circle_id: Uuid, [host_id, guest_id]: [Uuid; 2], version: i64) {
    let changed_at = stage.clock.now();
    let mut conn = stage.pool.acquire().await.unwrap();
    circles::note(&mut conn, &Place { circle_id, host_id, guest_id, version, changed_at }).await.unwrap();
}

fn topic(stage: &Stage, recipient: Uuid, entry_id: Uuid) -> ShareItemRequest {
    ShareItemRequest {
        share_id: stage.ids.next().to_string(),
        recipient_account_id: recipient.to_string(),
        selection: Some(selection(entry_id, ShareDepth::Topic, "One thing.", &[])),
        open_now: true,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_host_shares_with_a_guest_and_a_guest_with_nobody() {
    let stage = stage().await;
    let (ada, clara, circle_id) = (stage.member(), stage.member(), stage.ids.next());
    let (hers, claras) = (stage.ids.next(), stage.ids.next());
    stage.write(ada, entry(hers, "Of Ada's.")).await.unwrap();
    stage.write(clara, entry(claras, "Of Clara's.")).await.unwrap();
    // Before accounts told of it, and one way only after.
    let early = share(&stage.journal, ada, topic(&stage, clara, hers)).await.err().unwrap();
    note(&stage, circle_id, [ada, clara], 1).await;
    let back = share(&stage.journal, clara, topic(&stage, ada, claras)).await.err().unwrap();
    for refused in [&early, &back] {
        assert_eq!((refused.code(), reason(refused).as_str()), (Code::FailedPrecondition, "NOT_LINKED"));
    }
    let made = share(&stage.journal, ada, topic(&stage, clara, hers)).await.unwrap();
    let open_for = made.expire_time.unwrap().seconds - made.open_time.unwrap().seconds;
    assert_eq!(open_for, 30 * 24 * 60 * 60, "30 days when nothing is said");
    let id = made.share_id.parse().unwrap();
    let opening = capability(&stage, ada, clara, circle_id, Some(id));
    assert!(received(&stage.journal, &opening, &made.share_id).await.unwrap().rendering == made.rendering);
    answer(&stage.journal, &opening, &made.share_id, "I hear you.").await.unwrap();
    let reading = capability(&stage, clara, ada, circle_id, Some(id));
    let given = share_answer(&stage.journal, &reading, &made.share_id).await.unwrap();
    assert_eq!(given.body, "I hear you.");
    // Under another link, such as one of before, nothing is open.
    let other = capability(&stage, ada, clara, stage.ids.next(), Some(id));
    assert_eq!(received(&stage.journal, &other, &made.share_id).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn who_is_out_of_the_circle_sees_nothing_of_before_and_nobody_revives_it() {
    let stage = stage().await;
    let (ada, clara, circle_id) = (stage.member(), stage.member(), stage.ids.next());
    let entry_id = stage.ids.next();
    stage.write(ada, entry(entry_id, "Of Ada's.")).await.unwrap();
    note(&stage, circle_id, [ada, clara], 1).await;
    let made = share(&stage.journal, ada, topic(&stage, clara, entry_id)).await.unwrap();
    let id: Uuid = made.share_id.parse().unwrap();
    let opening = capability(&stage, ada, clara, circle_id, Some(id));
    answer(&stage.journal, &opening, &made.share_id, "I hear you.").await.unwrap();
    note(&stage, circle_id, [ada, clara], 2).await;
    note(&stage, circle_id, [ada, clara], 1).await; // what comes late changes nothing

    let missing = stage.ids.next();
    let unknown = capability(&stage, ada, clara, circle_id, Some(missing));
    let unknown = received(&stage.journal, &unknown, &missing.to_string()).await.err().unwrap();
    let gone = received(&stage.journal, &opening, &made.share_id).await.err().unwrap();
    assert_eq!(refusal(&gone), refusal(&unknown));
    let all = capability(&stage, ada, clara, circle_id, None);
    assert!(list_received(&stage.journal, &all, 0, "").await.unwrap().shares.is_empty());
    let reading = capability(&stage, clara, ada, circle_id, Some(id));
    let answer = share_answer(&stage.journal, &reading, &made.share_id).await.err().unwrap();
    assert_eq!(answer.code(), Code::NotFound);
    // The owner sees it as ended, and nothing as open.
    let own = list_shares(&stage.journal, ada, ListSharesRequest::default()).await.unwrap().shares;
    assert_eq!(own.iter().map(state).collect::<Vec<_>>(), [ShareState::Ended]);
    for item_id in [String::new(), entry_id.to_string()] {
        let request = ListSharesRequest { open_only: true, item_id, ..Default::default() };
        assert!(list_shares(&stage.journal, ada, request).await.unwrap().shares.is_empty());
    }
    // A later place of the same two is another one.
    let again = stage.ids.next();
    note(&stage, again, [ada, clara], 1).await;
    let fresh = share(&stage.journal, ada, topic(&stage, clara, entry_id)).await.unwrap();
    let all = capability(&stage, ada, clara, again, None);
    assert_eq!(ids(&list_received(&stage.journal, &all, 0, "").await.unwrap()), [fresh.share_id]);
}

#[tokio::test]
async fn a_couple_shares_as_a_couple_and_the_lanes_of_two_readers_never_cross() {
    let pair = pair().await;
    let (stage, clara, circle_id) = (&pair.stage, pair.stage.member(), pair.stage.ids.next());
    note(stage, circle_id, [pair.ada, clara], 1).await;
    // An end that is not heard of yet: Ben was in Ada's circle before.
    note(stage, stage.ids.next(), [pair.ada, pair.ben], 1).await;
    let bens = pair.share(pair.topic("for Ben")).await.share_id;
    let claras = share(pair.journal(), pair.ada, topic(stage, clara, pair.entry_id)).await.unwrap().share_id;
    assert_eq!(pair.received().await, [bens.as_str()]);
    let all = capability(stage, pair.ada, clara, circle_id, None);
    assert_eq!(ids(&list_received(pair.journal(), &all, 0, "").await.unwrap()), [claras.as_str()]);
    // Each by the other's link and in the other's name.
    for (reader, link, share_id) in [
        (pair.ben, pair.couple_id, &claras),
        (pair.ben, circle_id, &claras),
        (clara, circle_id, &bens),
        (clara, pair.couple_id, &bens),
    ] {
        let opening = capability(stage, pair.ada, reader, link, Some(share_id.parse().unwrap()));
        let refused = received(pair.journal(), &opening, share_id).await.err().unwrap();
        assert_eq!(refused.code(), Code::NotFound);
    }
}

#[tokio::test]
async fn in_any_order_and_twice_a_place_ends_as_it_ended() {
    let stage = stage().await;
    let bus = Transport::memory(&[(journal::CONSUMER, journal::consumes())]);
    let stop = CancellationToken::new();
    let inbox =
        journal::events::inbox(stage.pool.clone(), stage.clock.clone(), stage.ids.clone(), Outbox::new());
    tokio::spawn(inbox.run(bus.clone(), stop.clone()));
    let _stop = stop.drop_guard();
    let tell = async |circle: Uuid, [host, guest]: [Uuid; 2], joined: bool, minutes: i64| {
        let event = CircleChanged {
            circle_id: circle.to_string(),
            host_account_id: host.to_string(),
            guest_account_id: guest.to_string(),
            joined,
            change_time: Some(journal::events::to_proto(stage.clock.now() + minutes.minutes())),
        };
        let version = if joined { 1 } else { 2 };
        let told = Envelope::new(stage.ids.next(), stage.clock.now(), circle, version, &event);
        bus.publish(&told).await.unwrap();
    };
    let mut found = Vec::new();
    for order in [vec![0, 1], vec![1, 0], vec![0, 0, 1], vec![1, 0, 1, 0], vec![0, 1, 1, 0, 0]] {
        let (circle, two) = (stage.ids.next(), [stage.member(), stage.member()]);
        for step in order {
            tell(circle, two, step == 0, step).await;
        }
        let row: (i64, jiff_sqlx::Timestamp) =
            sqlx::query_as("SELECT version, changed_at FROM circles WHERE circle_id = $1")
                .bind(circle)
                .fetch_one(&stage.pool)
                .await
                .unwrap();
        found.push((row.0, row.1.to_jiff()));
    }
    assert!(found.iter().all(|row| *row == (2, stage.clock.now() + 1.minute())), "{found:?}");
}
