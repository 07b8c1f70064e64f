//! Somebody is erased: nothing of theirs is left and nothing comes back; what the other wrote stays theirs.

use crate::privacy::{CANARY, everything, hex};
use crate::stage::{Stage, entry, mood, reason, stage};
use bus::{Envelope, Outbox, erasure};
use candor_proto::accounts::v1::{
    AccessEpochRaised, CircleChanged, CoupleLinked, CoupleUnlinked, ErasureBegun,
};
use candor_proto::journal::v1::{Erased, WriteEntryRequest};
use jiff::ToSpan as _;
use journal::{app::OwnPart, events};
use prost::Message as _;
use tonic::Code;
use uuid::Uuid;

impl Stage {
    async fn hear(&self, events: &[Envelope]) {
        let inbox = events::inbox(self.pool.clone(), self.clock.clone(), self.ids.clone(), Outbox::new());
        inbox.handle(events).await.unwrap();
    }

    fn begun(&self, account_id: Uuid, erasure_id: Uuid) -> Envelope {
        let event = ErasureBegun { erasure_id: erasure_id.to_string(), account_id: account_id.to_string() };
        Envelope::new(self.ids.next(), self.clock.now(), erasure_id, 1, &event)
    }

    async fn pass(&self) {
        let part = OwnPart { vault: self.vault.clone(), clock: self.clock.clone(), ids: self.ids.clone() };
        erasure::run_once(&part, &self.pool, &Outbox::new(), &self.clock).await.unwrap();
    }

    fn minutes_pass(&self, minutes: i64) {
        self.clock.set(self.clock.now().checked_add(minutes.minutes()).unwrap());
    }

    /// Takes what was told out of the outbox, as a relay does.
    async fn publish(&self) {
        sqlx::query("DELETE FROM bus.outbox WHERE key <> 'journal.v1.erased'")
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn answers(&self) -> Vec<Erased> {
        let bodies: Vec<Vec<u8>> =
            sqlx::query_scalar("SELECT body FROM bus.outbox WHERE key = 'journal.v1.erased' ORDER BY id")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        bodies.iter().map(|body| Erased::decode(&body[..]).unwrap()).collect()
    }

    fn linked(&self, couple_id: Uuid, one: Uuid, other: Uuid) -> Envelope {
        let (first, second) = (one.min(other).to_string(), one.max(other).to_string());
        let couple = couple_id.to_string();
        let event = CoupleLinked {
            couple_id: couple,
            first_account_id: first,
            second_account_id: second,
            link_time: None,
        };
        Envelope::new(self.ids.next(), self.clock.now(), couple_id, 1, &event)
    }
}

#[tokio::test]
async fn everything_goes_and_the_answer_says_how_much_and_not_whose() {
    let stage = stage().await;
    let (ada, ben, couple_id) = (stage.member(), stage.member(), stage.ids.next());
    stage.hear(&[stage.linked(couple_id, ada, ben)]).await;
    for who in [ada, ben] {
        let with_mood = WriteEntryRequest {
            title: format!("title {CANARY}"),
            mood: Some(mood(1, 1, &[2])),
            ..entry(stage.ids.next(), &format!("body {CANARY}"))
        };
        stage.write(who, with_mood).await.unwrap();
    }
    let erasure_id = stage.ids.next();
    stage.hear(&[stage.begun(ada, erasure_id)]).await;
    stage.pass().await;
    assert!(stage.list(ada, 10, "").await.unwrap().entries.is_empty());
    assert_eq!(stage.list(ben, 10, "").await.unwrap().entries.len(), 1);
    let refused = stage.write(ada, entry(stage.ids.next(), "again")).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused)), (Code::FailedPrecondition, "ACCOUNT_ERASED".to_owned()));
    assert!(stage.answers().await.is_empty());

    stage.publish().await;
    stage.minutes_pass(2);
    stage.pass().await;
    let answers = stage.answers().await;
    assert_eq!(answers.len(), 1);
    let said: Vec<_> = answers[0].classes.iter().map(String::as_str).zip(answers[0].counts.clone()).collect();
    assert_eq!(said, [("entries", 1), ("moods", 1)]);
    assert!(answers[0].shred_time.is_some() && answers[0].erasure_id == erasure_id.to_string());
    let named: std::collections::BTreeSet<String> = everything(&stage.pool)
        .await
        .into_iter()
        .filter(|(_, row)| row.contains(&ada.to_string()) || row.contains(&hex(&ada.to_string())))
        .map(|(table, _)| table)
        .collect();
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    assert_eq!(named, ["bus.erased", "public.couples"]);
    assert_eq!(stage.count("couples WHERE version = 1").await, 0);
}

#[tokio::test]
async fn what_is_told_late_brings_nothing_back_and_what_ends_something_still_ends_it() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    let (known, late, place) = (stage.ids.next(), stage.ids.next(), stage.ids.next());
    stage.hear(&[stage.linked(known, ada, ben), stage.begun(ada, stage.ids.next())]).await;
    let (first, second) = (ada.min(ben).to_string(), ada.max(ben).to_string());
    let unlinked = CoupleUnlinked {
        couple_id: known.to_string(),
        first_account_id: first,
        second_account_id: second,
        unlink_time: None,
    };
    let raised =
        AccessEpochRaised { owner_account_id: ben.to_string(), reader_account_id: ada.to_string(), epoch: 4 };
    let joined = CircleChanged {
        circle_id: place.to_string(),
        host_account_id: ben.to_string(),
        guest_account_id: ada.to_string(),
        joined: true,
        change_time: None,
    };
    let now = stage.clock.now();
    stage
        .hear(&[
            stage.linked(late, ada, ben),
            Envelope::new(stage.ids.next(), now, known, 2, &unlinked),
            Envelope::new(stage.ids.next(), now, stage.ids.next(), 4, &raised),
            Envelope::new(stage.ids.next(), now, place, 1, &joined),
        ])
        .await;
    assert_eq!((stage.count("couples").await, stage.count("couples WHERE version = 2").await), (1, 1));
    assert_eq!((stage.count("circles").await, stage.count("chassis.access_epoch").await), (0, 1));
    assert_eq!(stage.count("bus.inbox_retry").await, 0);
}

#[tokio::test]
async fn told_twice_and_again_after_the_answer_it_comes_to_the_same() {
    let stage = stage().await;
    let ada = stage.member();
    stage.write(ada, entry(stage.ids.next(), "a quiet day")).await.unwrap();
    stage.publish().await;
    let begun = stage.begun(ada, stage.ids.next());
    stage.hear(&[begun.clone(), begun.clone(), stage.begun(ada, begun.aggregate_id)]).await;
    stage.pass().await;
    // A replica that still had her key, and a passport of before.
    sqlx::query(
        "INSERT INTO moods (account_id, mood_id, felt_time, pleasantness, energy, body_signs, create_time)
         VALUES ($1, $1, '2024-03-10T00:00:00Z', 0, 0, '{}', '2024-03-10T00:00:00Z')",
    )
    .bind(ada)
    .execute(&stage.pool)
    .await
    .unwrap();
    stage.minutes_pass(2);
    stage.pass().await;
    stage.minutes_pass(60);
    stage.pass().await;
    assert_eq!((stage.answers().await.len(), stage.count("moods").await), (1, 0));
    assert_eq!(stage.answers().await[0].classes, ["entries", "moods"]);
    stage.hear(&[stage.begun(ada, begun.aggregate_id)]).await;
    stage.pass().await;
    let answers = stage.answers().await;
    assert_eq!((answers.len(), &answers[0].counts), (2, &answers[1].counts));
}
