//! Opening one person's data to another: whom it is refused to, what a capability says, and what ends it.

use crate::{
    kit::{House, reason},
    people::{Person, item, shared_items, visible},
};
use accounts::{app, domain};
use candor_proto::accounts::v1::OpenAccessRequest;
use candor_proto::options::v1::Scope;
use candor_tests::eventually;
use chassis::identity::{Capability, Kind};
use jiff::SignedDuration;
use std::{sync::Arc, time::Duration};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

impl House {
    /// The capability of an opening, as whoever holds the data verifies it.
    pub async fn opened(&self, person: &Person, message: OpenAccessRequest) -> Result<Capability, Status> {
        let opened = self.open(person, message).await?;
        let capability = self.capability(&opened.capability).await.unwrap();
        assert_eq!(capability.opening.receipt_id.to_string(), opened.receipt_id);
        assert_eq!(opened.expire_time.unwrap().seconds, capability.expires_at.as_second());
        Ok(capability)
    }

    async fn epoch(&self, person: &Person, owner: &Person) -> i64 {
        self.opened(person, shared_items(owner.account_id)).await.unwrap().opening.epoch
    }
}

#[tokio::test]
async fn a_partner_gets_a_capability_for_exactly_what_they_asked() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let couple_id = house.couple_of(&anna).await.couple.unwrap().couple_id;
    let item_id = Uuid::from_u128(7);
    let [shared_items_of, check_ins, schedule, answers, of_consent @ ..] = domain::Scope::ALL;
    for scope in of_consent {
        let message = OpenAccessRequest { scope: scope.number(), ..item(&anna, 7) };
        assert_eq!(house.open(&ben, message).await.err().unwrap().code(), Code::NotFound);
    }
    for scope in [shared_items_of, check_ins, schedule, answers] {
        let message = OpenAccessRequest { scope: scope.number(), purpose: 1, ..item(&anna, 7) };
        let capability = house.opened(&ben, message).await.unwrap();
        assert_eq!((capability.reader_id, capability.session_id), (ben.account_id, ben.session_id));
        let opening = capability.opening;
        assert_eq!((opening.owner_id, opening.scope), (anna.account_id, scope.number()));
        assert_eq!((opening.item_id, opening.epoch), (Some(item_id), 0));
        assert_eq!(opening.relation_id.to_string(), couple_id);
        assert!(capability.expires_at <= house.now() + SignedDuration::from_secs(10));
    }
    assert_eq!(house.opened(&anna, shared_items(ben.account_id)).await.unwrap().opening.item_id, None);
    assert_eq!(house.count("receipt").await, 5);
    let opened: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM receipt WHERE read_at IS NULL AND shown_at IS NULL AND relation = 'partner'
           AND relation_id::text = $1 AND opened_at = $2 AND epoch = 0",
    )
    .bind(couple_id)
    .bind(jiff_sqlx::Timestamp::from(house.now()))
    .fetch_one(house.pool())
    .await
    .unwrap();
    assert_eq!(opened, 5);
    // It is good for ten seconds, and for less when the passport ends before.
    let capability = house.open(&ben, shared_items(anna.account_id)).await.unwrap().capability;
    house.advance(SignedDuration::from_secs(10));
    assert_eq!(house.capability(&capability).await.err().unwrap().reason, "CAPABILITY_INVALID");
}

#[tokio::test]
async fn a_passport_is_no_capability_and_a_capability_no_passport() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let capability = house.open(&ben, shared_items(anna.account_id)).await.unwrap().capability;
    house.capability(&capability).await.unwrap();
    let refused = house.passport(&capability).await.err().unwrap();
    assert_eq!((refused.code, refused.reason), (chassis::Code::Unauthenticated, "PASSPORT_INVALID"));
    let passport = house.sign_in("ben@example.org", crate::kit::PASSWORD).await.unwrap().passport;
    house.passport(&passport).await.unwrap();
    let refused = house.capability(&passport).await.err().unwrap();
    assert_eq!((refused.code, refused.reason), (chassis::Code::PermissionDenied, "CAPABILITY_INVALID"));
}

#[tokio::test]
async fn whoever_opened_nothing_is_not_there() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let (carl, dora) = (house.member("carl").await, house.member("dora").await);
    house.link(&carl, &dora).await;
    let operator = {
        let new = app::NewOperator {
            address: domain::Address::parse("ops@example.org").unwrap(),
            password: domain::Password::choose("password", crate::kit::PASSWORD).unwrap(),
            zone: domain::Zone::parse("UTC").unwrap(),
            locale: domain::Locale::parse("").unwrap(),
        };
        app::create_operator(&house.accounts, new).await.unwrap()
    };
    let receipt_id = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    house.unlink(&anna).await.unwrap();
    let written = house.count("receipt").await;

    let owners = [anna.account_id, ben.account_id, carl.account_id, operator, Uuid::nil(), Uuid::max()];
    let mut refused = Vec::new();
    for owner_id in owners {
        refused.push(house.open(&ben, shared_items(owner_id)).await.err().unwrap());
        let again = OpenAccessRequest { receipt_id: receipt_id.clone(), ..shared_items(owner_id) };
        refused.push(house.open(&ben, again).await.err().unwrap());
    }
    assert_eq!((refused[0].code(), reason(&refused[0]).as_str()), (Code::NotFound, "NOT_FOUND"));
    assert!(refused.iter().all(|one| visible(one) == visible(&refused[0])));
    assert_eq!(house.count("receipt").await, written);
    // Somebody else's partner stays out as much.
    house.open(&carl, shared_items(dora.account_id)).await.unwrap();
    house.open(&carl, shared_items(anna.account_id)).await.err().unwrap();
}

#[tokio::test]
async fn operators_open_nothing() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let operator = Person { kind: Kind::Operator, ..ben };
    let refused = house.open(&operator, shared_items(anna.account_id)).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "NOT_YOURS_TO_DO"));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let good = shared_items(anna.account_id);
    for wrong in [
        OpenAccessRequest { owner_account_id: String::new(), ..good.clone() },
        OpenAccessRequest { owner_account_id: "anna".into(), ..good.clone() },
        OpenAccessRequest { scope: Scope::Unspecified.into(), ..good.clone() },
        OpenAccessRequest { scope: 99, ..good.clone() },
        OpenAccessRequest { purpose: 99, ..good.clone() },
        OpenAccessRequest { item_id: "everything".into(), ..good.clone() },
        OpenAccessRequest { receipt_id: "the last".into(), ..good },
    ] {
        assert_eq!(house.open(&ben, wrong).await.err().unwrap().code(), Code::InvalidArgument);
    }
    assert_eq!(house.count("receipt").await, 0);
}

#[tokio::test]
async fn a_session_that_is_over_opens_nothing_although_its_passport_lives() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    house.open(&ben, shared_items(anna.account_id)).await.unwrap();
    let another = Person { session_id: anna.session_id, ..ben.clone() };
    let unknown = Person { session_id: Uuid::from_u128(9), ..ben.clone() };
    let passport = house.sign_in("ben@example.org", crate::kit::PASSWORD).await.unwrap().passport;
    house.end(&passport, &ben.session_id.to_string()).await.unwrap();
    for reader in [&ben, &another, &unknown] {
        // Whether or not there is anything to open.
        for owner_id in [anna.account_id, Uuid::nil()] {
            let refused = house.open(reader, shared_items(owner_id)).await.err().unwrap();
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
        }
    }
    // One that nobody has ended yet, but whose time is over.
    house.advance(SignedDuration::from_hours(24 * 11));
    let refused = house.open(&anna, shared_items(ben.account_id)).await.err().unwrap();
    assert_eq!(reason(&refused), "SESSION_ENDED");
    assert_eq!(house.count("receipt").await, 1);
}

#[tokio::test]
async fn parting_raises_the_epoch_above_every_capability_before_it() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let first = house.opened(&ben, shared_items(anna.account_id)).await.unwrap();
    house.unlink(&anna).await.unwrap();
    house.open(&ben, shared_items(anna.account_id)).await.err().unwrap();
    house.link(&anna, &ben).await;
    let second = house.opened(&ben, shared_items(anna.account_id)).await.unwrap();
    assert_eq!((first.opening.epoch, second.opening.epoch), (0, 1));
    assert_ne!(first.opening.relation_id, second.opening.relation_id);
    assert_eq!(house.epoch(&anna, &ben).await, 1);
    house.unlink(&ben).await.unwrap();
    house.link(&ben, &anna).await;
    assert_eq!((house.epoch(&anna, &ben).await, house.epoch(&ben, &anna).await), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_two_part_no_capability_is_newer_than_their_link() {
    let house = Arc::new(House::new().await);
    let other = Arc::new(house.replica());
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let (mut granted, mut refused) = (0, 0);
    for round in 0..8 {
        house.advance(SignedDuration::from_hours(24));
        let couple_id = house.link(&anna, &ben).await.couple_id;
        let mut running = tokio::task::JoinSet::new();
        for task in 0..6 {
            let (house, anna, ben) =
                (if task % 2 == 0 { house.clone() } else { other.clone() }, anna.clone(), ben.clone());
            running.spawn(async move {
                let mut answers = Vec::new();
                while answers.last().is_none_or(Result::is_ok) && answers.len() < 15 {
                    answers.push(house.opened(&ben, shared_items(anna.account_id)).await);
                }
                answers
            });
        }
        other.unlink(if round % 2 == 0 { &anna } else { &ben }).await.unwrap();
        house.forget_pauses().await;
        // From here on nothing opens.
        let late = house.open(&ben, shared_items(anna.account_id)).await.err().unwrap();
        assert_eq!(reason(&late), "NOT_FOUND");
        let raised: i64 =
            sqlx::query_scalar("SELECT epoch FROM access_epoch WHERE owner_id = $1 AND reader_id = $2")
                .bind(anna.account_id)
                .bind(ben.account_id)
                .fetch_one(house.pool())
                .await
                .unwrap();
        for answer in running.join_all().await.into_iter().flatten() {
            match answer {
                Ok(capability) => {
                    assert!(capability.opening.epoch < raised);
                    assert_eq!(capability.opening.relation_id.to_string(), couple_id);
                    granted += 1;
                }
                Err(status) => {
                    assert_eq!(visible(&status), visible(&late));
                    refused += 1;
                }
            }
        }
    }
    assert!(granted > 0 && refused > 0, "{granted} {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_that_had_to_wait_lives_no_longer_for_it() {
    let house = Arc::new(House::new().await);
    let (anna, ben) = house.couple().await;
    house.open(&ben, shared_items(anna.account_id)).await.unwrap();
    let began = house.now();
    // The statement sees the link and then waits for its reader's turn, which somebody holds.
    let mut held = house.pool().begin().await.unwrap();
    sqlx::query("SELECT FROM throttle FOR UPDATE").execute(&mut *held).await.unwrap();
    let (other, owner_id, reader) = (house.clone(), anna.account_id, ben.clone());
    let waiting = tokio::spawn(async move { other.open(&reader, shared_items(owner_id)).await });
    eventually("it waits", Duration::from_secs(20), async || {
        let waits: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%throttle%'",
        )
        .fetch_one(house.pool())
        .await
        .unwrap();
        waits > 0
    })
    .await;
    house.unlink(&anna).await.unwrap();
    house.advance(SignedDuration::from_secs(9));
    held.rollback().await.unwrap();
    // Whatever came of it: an epoch from before the end, and no second more than ten from before the wait.
    let opened = waiting.await.unwrap().unwrap();
    let capability = house.capability(&opened.capability).await.unwrap();
    assert_eq!(capability.opening.epoch, 0);
    assert!(capability.expires_at <= began + SignedDuration::from_secs(10));
    house.advance(SignedDuration::from_secs(1));
    house.capability(&opened.capability).await.err().unwrap();
}

#[tokio::test]
async fn a_reader_opens_so_much_and_no_more() {
    let house = House::new().await;
    let (anna, ben) = house.couple().await;
    let first = house.open(&ben, shared_items(anna.account_id)).await.unwrap().receipt_id;
    for turn in 1..120 {
        // Whatever is asked takes a turn: whom, what, and whether it is there.
        let message = match turn % 3 {
            0 => shared_items(anna.account_id),
            1 => shared_items(Uuid::from_u128(turn)),
            _ => OpenAccessRequest { receipt_id: first.clone(), ..shared_items(anna.account_id) },
        };
        let refused = house.open(&ben, message).await.err();
        assert!(refused.is_none_or(|status| status.code() == Code::NotFound));
    }
    let written = house.count("receipt").await;
    for _ in 0..30 {
        for message in [shared_items(anna.account_id), shared_items(Uuid::nil())] {
            let refused = house.open(&ben, message).await.err().unwrap();
            let found = (refused.code(), reason(&refused));
            assert_eq!(found, (Code::ResourceExhausted, "TOO_MANY_OPENINGS".to_owned()));
            let wait = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
            assert_eq!(wait, Duration::from_millis(500));
        }
    }
    assert_eq!(house.count("receipt").await, written);
    // Nobody else notices, and being refused adds nothing to the wait.
    house.open(&anna, shared_items(ben.account_id)).await.unwrap();
    house.advance(SignedDuration::from_secs(1));
    for _ in 0..2 {
        house.open(&ben, shared_items(anna.account_id)).await.unwrap();
    }
    house.open(&ben, shared_items(anna.account_id)).await.err().unwrap();
}
