//! Who sees what: as much absence as presence.

use super::{
    NOT_THIS_TIME, OPEN, OPENS, Two, answer, at, get, link, list, note, opening, refusal, reply, seen, state,
    take_back, texts, told, two, words,
};
use crate::stage::{fields, reason};
use candor_proto::journal::v1::{AnswerCheckInRequest, DataRead};
use chassis::audience;
use chassis::identity::capability::{Capability, Opening};
use jiff::ToSpan as _;
use std::fmt::Debug;
use tonic::Code;
use uuid::Uuid;

/// What Ben may have done before the time came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partner {
    Silent,
    Answered,
    TookBack,
    Late,
}

const PARTNERS: [Partner; 4] = [Partner::Silent, Partner::Answered, Partner::TookBack, Partner::Late];

/// Two people in a world in which everything but Ben's doing is the same: ids, times, calls.
async fn world(partner: Partner) -> Two {
    let mut two = two().await;
    (two.ada, two.ben) = (Uuid::from_u128(0xada), Uuid::from_u128(0xbe2));
    (two.couple_id, two.schedule_id) = (Uuid::from_u128(0xc0), Uuid::from_u128(0x5c));
    note(&two.stage, two.couple_id, two.ada, two.ben, 1).await;
    if matches!(partner, Partner::Answered | Partner::TookBack) {
        two.answer(two.ben, "of ben").await.unwrap();
    }
    if partner == Partner::TookBack {
        two.take_back(two.ben).await.unwrap();
    }
    two
}

/// Ben comes too late, where that is what he does; then the job looks, as it does anyway.
async fn the_time_comes(two: &Two, partner: Partner) {
    two.let_the_time_come();
    if partner == Partner::Late {
        two.answer(two.ben, "of ben").await.err().unwrap();
    }
}

async fn tick(two: &Two) {
    let mut transaction = two.stage.pool.begin().await.unwrap();
    let now = two.stage.clock.now();
    journal::app::decide_due(&mut transaction, &two.stage.ids, now, 10).await.unwrap();
    transaction.commit().await.unwrap();
}

/// All that Ada can ask for.
async fn all_that_ada_sees(two: &Two) -> impl PartialEq + Debug + use<> {
    let listed = list(&two.stage.journal, two.ada, 0, "").await.unwrap();
    let listed: Vec<_> = listed.check_ins.into_iter().map(|it| seen(Ok(it))).collect();
    (seen(two.own(two.ada).await), seen(two.both(two.ada).await), listed)
}

#[tokio::test]
async fn one_who_has_not_answered_never_learns_whether_the_partner_has() {
    let mut worlds = Vec::new();
    for partner in PARTNERS {
        let two = world(partner).await;
        let gathering = all_that_ada_sees(&two).await;
        let missing = seen(get(&two.stage.journal, two.ada, Uuid::from_u128(404), None).await);
        assert_eq!(seen(two.own(two.ada).await), missing, "as what does not exist");
        two.take_back(two.ada).await.unwrap();
        the_time_comes(&two, partner).await;
        let before_anybody = all_that_ada_sees(&two).await;
        tick(&two).await;
        let after_the_job = all_that_ada_sees(&two).await;
        assert_eq!(seen(two.own(two.ada).await), missing, "until reminders said it");
        two.due().await;
        let after_the_event = all_that_ada_sees(&two).await;
        let not_this_time = two.own(two.ada).await.unwrap();
        assert_eq!(state(&not_this_time), NOT_THIS_TIME);
        assert_eq!(not_this_time.open_time, two.words("").open_time);
        let late = refusal(&two.answer(two.ada, "late").await.err().unwrap());
        two.take_back(two.ada).await.unwrap();
        two.stage.advance_hours(24 * 30);
        let later = all_that_ada_sees(&two).await;
        assert!(told::<DataRead>(&two.stage.pool).await.is_empty());
        worlds.push((gathering, before_anybody, after_the_job, after_the_event, late, later));
    }
    for (world, partner) in worlds.iter().zip(PARTNERS) {
        assert_eq!(world, &worlds[0], "{partner:?}");
    }
}

#[tokio::test]
async fn one_who_answered_sees_the_same_whether_the_other_is_silent_or_late_or_changed_their_mind() {
    let mut worlds = Vec::new();
    for partner in PARTNERS {
        let two = world(partner).await;
        let answered = seen(two.answer(two.ada, "of ada").await);
        let gathering = all_that_ada_sees(&two).await;
        the_time_comes(&two, partner).await;
        let before_anybody = all_that_ada_sees(&two).await;
        two.due().await;
        worlds.push((answered, gathering, before_anybody, all_that_ada_sees(&two).await));
    }
    let (silent, answered) = (&worlds[0], &worlds[1]);
    assert!(answered.0 == silent.0 && answered.1 == silent.1, "nothing shows until the time comes");
    assert!(answered.2 != silent.2, "then it opens");
    for not_opened in [2, 3] {
        assert_eq!(&worlds[not_opened], silent, "{:?}", PARTNERS[not_opened]);
    }
}

#[tokio::test]
async fn ones_words_in_a_check_in_that_did_not_open_stay_ones_own() {
    let two = two().await;
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    two.due().await;
    for _ in 0..2 {
        let seen = two.both(two.ada).await.unwrap();
        assert!(state(&seen) == NOT_THIS_TIME);
        assert!(seen.own_replies.is_empty() && seen.partner_replies.is_empty());
        assert_eq!(texts(&two.both(two.ben).await.unwrap().own_replies), ["of ben"]);
        two.stage.advance_hours(24 * 365);
    }
    assert!(told::<DataRead>(&two.stage.pool).await.is_empty());
}

#[tokio::test]
async fn nobody_else_sees_anything_of_it() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    let (cleo, dan) = (two.stage.member(), two.stage.member());
    let others = link(&two.stage, cleo, dan).await;
    two.let_the_time_come();
    two.own(two.ada).await.unwrap();
    two.due().await;
    two.due_under(others).await; // the same schedule and time, but theirs
    let id = two.check_in_id();
    let journal = &two.stage.journal;
    let missing = refusal(&get(journal, cleo, Uuid::from_u128(404), None).await.err().unwrap());
    assert_eq!(missing.0, Code::NotFound);

    let theirs = get(journal, cleo, id, None).await.unwrap();
    assert!(state(&theirs) == NOT_THIS_TIME && theirs.own_replies.is_empty());
    let eve = two.stage.member();
    assert_eq!(refusal(&get(journal, eve, id, None).await.err().unwrap()), missing);
    assert!(list(journal, eve, 0, "").await.unwrap().check_ins.is_empty());
    // Openings that accounts would never give, or gave for another relation.
    let ends = two.stage.clock.now() + 10.seconds();
    for (reader, owner, relation) in [
        (cleo, two.ada, two.couple_id),
        (cleo, two.ada, others),
        (two.ada, two.ben, others),
        (two.ada, cleo, two.couple_id),
        (two.ada, two.ben, Uuid::nil()),
    ] {
        let refused = get(journal, reader, id, Some(opening(reader, owner, relation, id, ends))).await;
        assert_eq!(refusal(&refused.err().unwrap()), missing);
    }
    assert!(told::<DataRead>(&two.stage.pool).await.is_empty());
}

#[tokio::test]
async fn an_opening_is_needed_and_only_for_exactly_this() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    let good = two.opening(two.ada);
    let with = |opening: Opening| Capability { opening, ..good.clone() };
    let unfit = [
        with(Opening { scope: 1, ..good.opening }),
        with(Opening { item_id: Some(Uuid::from_u128(404)), ..good.opening }),
        Capability { reader_id: two.ben, ..good.clone() },
        Capability { session_id: Uuid::from_u128(404), ..good.clone() },
    ];
    for capability in unfit {
        let refused =
            get(&two.stage.journal, two.ada, two.check_in_id(), Some(capability)).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused)),
            (Code::PermissionDenied, "CAPABILITY_REQUIRED".into())
        );
    }
    let of_all = with(Opening { item_id: None, ..good.opening });
    let open = get(&two.stage.journal, two.ada, two.check_in_id(), Some(of_all)).await.unwrap();
    assert_eq!(texts(&open.partner_replies), ["of ben"]);
}

#[tokio::test]
async fn what_was_taken_back_is_not_read_with_an_opening_from_before() {
    let mut refusals = Vec::new();
    for how in 0..4 {
        let two = world(Partner::Answered).await;
        two.answer(two.ada, "of ada").await.unwrap();
        two.let_the_time_come();
        let capability = two.opening(two.ada);
        let read =
            async || get(&two.stage.journal, two.ada, two.check_in_id(), Some(capability.clone())).await;
        assert_eq!(texts(&read().await.unwrap().partner_replies), ["of ben"]);
        let mut conn = two.stage.pool.acquire().await.unwrap();
        two.stage.clock.set(two.stage.clock.now() + 1.second());
        match how {
            0 => two.unlink().await,
            1 => audience::raise_epoch(&mut conn, two.ben, two.ada, 1).await.unwrap(),
            2 => {
                let now = two.stage.clock.now();
                audience::end_session(&mut conn, capability.session_id, now).await.unwrap();
            }
            _ => two.stage.clock.set(capability.expires_at),
        }
        let refused = refusal(&read().await.err().unwrap());
        let missing = get(&two.stage.journal, two.ada, Uuid::from_u128(404), None).await;
        assert_eq!(refused, refusal(&missing.err().unwrap()), "{how}");
        assert_eq!(told::<DataRead>(&two.stage.pool).await.len(), 1);
        // One's own part stays.
        let own = two.own(two.ada).await.unwrap();
        assert!(state(&own) == OPEN && own.partner_replies.is_empty());
        assert_eq!(texts(&own.own_replies), ["of ada"]);
        assert!(list(&two.stage.journal, two.ada, 0, "").await.unwrap().check_ins == [own]);
        refusals.push(refused);
    }
    assert!(refusals.iter().all(|refused| *refused == refusals[0]));
}

#[tokio::test]
async fn a_new_link_revives_nothing() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    two.both(two.ada).await.unwrap();
    two.unlink().await;
    let again = link(&two.stage, two.ada, two.ben).await;
    let id = two.check_in_id();
    for relation in [two.couple_id, again] {
        let capability = opening(two.ada, two.ben, relation, id, two.stage.clock.now() + 10.seconds());
        let refused = get(&two.stage.journal, two.ada, id, Some(capability)).await.err().unwrap();
        assert_eq!(reason(&refused), "CHECK_IN_NOT_FOUND");
    }
    assert_eq!(texts(&two.own(two.ada).await.unwrap().own_replies), ["of ada"]);
}

#[tokio::test]
async fn pages_follow_each_other_newest_first_and_fit_a_message() {
    let two = two().await;
    let start = two.stage.clock.now();
    let full: Vec<_> = (0..5).map(|n| reply(&format!("p{n}"), &"x".repeat(4096))).collect();
    for day in 0..60 {
        two.stage.clock.set(start.checked_add((day * 24).hours()).unwrap());
        let open_time = two.stage.clock.now().checked_add(1.hour()).unwrap();
        let request = AnswerCheckInRequest { replies: full.clone(), ..words(two.schedule_id, open_time, "") };
        answer(&two.stage.journal, two.ada, request).await.unwrap();
    }
    for size in [0, 7, 100] {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = list(&two.stage.journal, two.ada, size, &token).await.unwrap();
            assert!(!page.check_ins.is_empty() && prost::Message::encoded_len(&page) < 1024 * 1024);
            assert!(page.check_ins.len() <= if size == 0 { 20 } else { size as usize });
            seen.extend(page.check_ins);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen.len(), 60);
        assert!(seen.is_sorted_by_key(|check_in| -check_in.open_time.unwrap().seconds));
        assert!(seen.iter().all(|check_in| check_in.own_replies == full));
    }
    let token = list(&two.stage.journal, two.ada, 1, "").await.unwrap().next_page_token;
    let foreign = list(&two.stage.journal, two.ben, 1, &token).await.err().unwrap();
    assert_eq!(fields(&foreign), ["page_token"]);
    assert!(two.stage.list(two.ada, 1, &token).await.is_err(), "a token of one list is none for another");
}

#[tokio::test]
async fn no_table_holds_a_word_and_each_answer_opens_at_its_own_place_alone() {
    let two = two().await;
    let canary = "kanarienvogel-9c21";
    two.answer(two.ada, canary).await.unwrap();
    let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    for table in ["check_ins", "check_in_answers", "bus.outbox"] {
        let rows = sqlx::AssertSqlSafe(format!("SELECT kept::text FROM {table} AS kept"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&two.stage.pool).await.unwrap();
        assert!(rows.iter().all(|row| !row.contains(canary) && !row.contains(&hex)), "{table}");
    }
    // Moved to another check-in, or to another person, it is no answer.
    let moved = sqlx::query("UPDATE check_in_answers SET account_id = $1").bind(two.ben);
    moved.execute(&two.stage.pool).await.unwrap();
    assert_eq!(two.own(two.ben).await.err().unwrap().code(), Code::Internal);
}

#[tokio::test]
async fn an_erased_account_has_no_words_for_anybody() {
    let two = two().await;
    two.answer(two.ada, "of ada").await.unwrap();
    two.answer(two.ben, "of ben").await.unwrap();
    two.let_the_time_come();
    two.stage.vault.shred(two.ben).await.unwrap();
    let seen = two.both(two.ada).await.unwrap();
    assert!(seen.partner_replies.is_empty() && texts(&seen.own_replies) == ["of ada"]);
    assert!(told::<DataRead>(&two.stage.pool).await.is_empty());
    assert_eq!(reason(&two.own(two.ben).await.err().unwrap()), "CHECK_IN_NOT_FOUND");
    assert!(list(&two.stage.journal, two.ben, 0, "").await.unwrap().check_ins.is_empty());
    let next = words(two.schedule_id, at(OPENS) + 1.hour(), "x");
    assert_eq!(reason(&answer(&two.stage.journal, two.ben, next).await.err().unwrap()), "ACCOUNT_ERASED");
    take_back(&two.stage.journal, two.ben, two.stage.ids.next()).await.unwrap();
}
