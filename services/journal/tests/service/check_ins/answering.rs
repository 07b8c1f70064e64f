//! Answering and taking back.

use super::{
    GATHERING, NOT_THIS_TIME, OPENS, answer, at, link, list, note, refusal, reply, state, take_back, texts,
    two, words,
};
use crate::stage::{fields, reason, stage};
use candor_proto::journal::v1::AnswerCheckInRequest;
use futures::future::join_all;
use jiff::ToSpan as _;
use tonic::Code;

#[tokio::test]
async fn an_answer_is_kept_and_replaced_until_the_time_comes() {
    let two = two().await;
    let request = AnswerCheckInRequest {
        replies: vec![reply("weather-inside", "grey, with some sun"), reply("quiet-thanks", "for tea 🍵\n")],
        ..two.words("")
    };
    let kept = answer(&two.stage.journal, two.ada, request.clone()).await.unwrap();
    assert_eq!(kept.check_in_id, two.check_in_id().to_string());
    assert!(kept.schedule_id == two.schedule_id.to_string() && kept.open_time == request.open_time);
    assert_eq!(state(&kept), GATHERING);
    assert!(kept.own_replies == request.replies && kept.partner_replies.is_empty());
    assert!(two.own(two.ada).await.unwrap() == kept);

    let later = two.answer(two.ada, "bright").await.unwrap();
    assert_eq!(texts(&later.own_replies), ["bright"]);
    assert!(two.own(two.ada).await.unwrap() == later);
    assert!(list(&two.stage.journal, two.ada, 0, "").await.unwrap().check_ins == [later]);
    assert_eq!(two.stage.count("check_in_answers").await, 1);
}

#[tokio::test]
async fn the_same_request_is_answered_alike_also_when_its_retry_comes_late() {
    let two = two().await;
    let first = two.answer(two.ada, "bright").await.unwrap();
    assert!(two.answer(two.ada, "bright").await.unwrap() == first);
    let shouted = AnswerCheckInRequest {
        schedule_id: two.schedule_id.to_string().to_uppercase(),
        ..two.words("bright")
    };
    two.let_the_time_come();
    let retried = answer(&two.stage.journal, two.ada, shouted).await.unwrap();
    assert_eq!((state(&retried), texts(&retried.own_replies)), (NOT_THIS_TIME, vec!["bright"]));
    let other = two.answer(two.ada, "dark").await.err().unwrap();
    assert_eq!((other.code(), reason(&other)), (Code::FailedPrecondition, "CHECK_IN_OVER".into()));
    assert_eq!(texts(&two.own(two.ada).await.unwrap().own_replies), ["bright"]);
}

#[tokio::test]
async fn what_comes_at_its_time_or_later_is_too_late() {
    let two = two().await;
    two.stage.clock.set(at(OPENS) - 1.microsecond());
    two.answer(two.ada, "in time").await.unwrap();
    two.let_the_time_come();
    for hours in [0, 1, 24 * 365] {
        two.stage.advance_hours(hours);
        let late = two.answer(two.ben, "late").await.err().unwrap();
        assert_eq!((late.code(), reason(&late)), (Code::FailedPrecondition, "CHECK_IN_OVER".into()));
        assert_eq!(refusal(&two.answer(two.ada, "more").await.err().unwrap()), refusal(&late));
    }
    assert_eq!(state(&two.own(two.ada).await.unwrap()), NOT_THIS_TIME);
    assert_eq!(two.stage.count("check_in_answers").await, 1);
}

#[tokio::test]
async fn a_clock_that_is_behind_does_not_reopen_what_was_decided() {
    let two = two().await;
    two.answer(two.ada, "in time").await.unwrap();
    two.let_the_time_come();
    assert_eq!(state(&two.own(two.ada).await.unwrap()), NOT_THIS_TIME);
    two.stage.clock.set(at(OPENS) - 1.second());
    for who in [two.ada, two.ben] {
        assert_eq!(reason(&two.answer(who, "again").await.err().unwrap()), "CHECK_IN_OVER");
    }
    assert_eq!(reason(&two.take_back(two.ada).await.err().unwrap()), "CHECK_IN_OVER");
    assert_eq!(state(&two.own(two.ada).await.unwrap()), NOT_THIS_TIME);
}

#[tokio::test]
async fn only_the_linked_answer() {
    let two = two().await;
    let cleo = two.stage.member();
    let alone = two.answer(cleo, "hello").await.err().unwrap();
    assert_eq!((alone.code(), reason(&alone)), (Code::FailedPrecondition, "NOT_LINKED".into()));
    two.unlink().await;
    assert_eq!(refusal(&two.answer(two.ada, "hello").await.err().unwrap()), refusal(&alone));
    // The link came late, after its end.
    note(&two.stage, two.couple_id, two.ada, two.ben, 1).await;
    assert_eq!(refusal(&two.answer(two.ada, "hello").await.err().unwrap()), refusal(&alone));
    assert_eq!(two.stage.count("check_ins").await, 0);
}

#[tokio::test]
async fn an_answer_under_an_earlier_link_stays_there() {
    let two = two().await;
    two.answer(two.ada, "to ben").await.unwrap();
    two.unlink().await;
    let cleo = two.stage.member();
    link(&two.stage, two.ada, cleo).await;
    assert_eq!(reason(&two.answer(two.ada, "to cleo").await.err().unwrap()), "CHECK_IN_OVER");
    two.answer(cleo, "from cleo").await.unwrap();
    two.let_the_time_come();
    for who in [two.ada, cleo] {
        assert_eq!(state(&two.own(who).await.unwrap()), NOT_THIS_TIME);
    }
    assert_eq!(texts(&two.own(two.ada).await.unwrap().own_replies), ["to ben"]);
}

#[tokio::test]
async fn an_answer_is_taken_back_without_a_trace() {
    let two = two().await;
    two.take_back(two.ada).await.unwrap();
    two.answer(two.ada, "said too soon").await.unwrap();
    two.take_back(two.ada).await.unwrap();
    two.take_back(two.ada).await.unwrap();
    assert_eq!(reason(&two.own(two.ada).await.err().unwrap()), "CHECK_IN_NOT_FOUND");
    assert!(list(&two.stage.journal, two.ada, 0, "").await.unwrap().check_ins.is_empty());
    for table in ["check_ins", "check_in_answers"] {
        assert_eq!(two.stage.count(table).await, 0, "{table}");
    }

    two.answer(two.ada, "again").await.unwrap();
    two.answer(two.ben, "me too").await.unwrap();
    two.take_back(two.ada).await.unwrap();
    assert_eq!(texts(&two.own(two.ben).await.unwrap().own_replies), ["me too"]);
    // It is open to answers as before.
    two.answer(two.ada, "better words").await.unwrap();
    two.let_the_time_come();
    assert_eq!(texts(&two.both(two.ben).await.unwrap().partner_replies), ["better words"]);
}

#[tokio::test]
async fn taking_back_ends_with_the_check_in_and_says_nothing_to_who_has_no_answer() {
    let two = two().await;
    two.answer(two.ada, "mine").await.unwrap();
    two.let_the_time_come();
    let over = two.take_back(two.ada).await.err().unwrap();
    assert_eq!((over.code(), reason(&over)), (Code::FailedPrecondition, "CHECK_IN_OVER".into()));
    two.own(two.ada).await.unwrap(); // decides
    assert_eq!(refusal(&two.take_back(two.ada).await.err().unwrap()), refusal(&over));
    // Neither the partner nor a stranger learns that there was one, and nobody takes back another's.
    for who in [two.ben, two.stage.member()] {
        two.take_back(who).await.unwrap();
        take_back(&two.stage.journal, who, two.stage.ids.next()).await.unwrap();
    }
    assert_eq!(texts(&two.own(two.ada).await.unwrap().own_replies), ["mine"]);
}

#[tokio::test]
async fn whoever_is_unlinked_can_still_take_back() {
    let two = two().await;
    two.answer(two.ada, "mine").await.unwrap();
    two.unlink().await;
    assert_eq!(texts(&two.own(two.ada).await.unwrap().own_replies), ["mine"]);
    two.take_back(two.ada).await.unwrap();
    assert_eq!(two.stage.count("check_in_answers").await, 0);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_name_and_leaves_nothing() {
    let two = two().await;
    let good = two.words("fine");
    let time = |text| Some(journal::events::to_proto(at(text)));
    let with = |replies| AnswerCheckInRequest { replies, ..good.clone() };
    let cases = [
        (AnswerCheckInRequest { schedule_id: String::new(), ..good.clone() }, "schedule_id"),
        (AnswerCheckInRequest { schedule_id: "weekly".into(), ..good.clone() }, "schedule_id"),
        (AnswerCheckInRequest { open_time: None, ..good.clone() }, "open_time"),
        (AnswerCheckInRequest { open_time: time("2024-03-11T19:30:00.5Z"), ..good.clone() }, "open_time"),
        (AnswerCheckInRequest { open_time: time("2024-03-25T07:30:01Z"), ..good.clone() }, "open_time"),
        (
            AnswerCheckInRequest {
                open_time: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }),
                ..good.clone()
            },
            "open_time",
        ),
        (with(vec![]), "replies"),
        (with((0..6).map(|n| reply(&format!("p{n}"), "x")).collect()), "replies"),
        (with(vec![reply("p", &"x".repeat(4097))]), "replies[0].text"),
        (with(vec![reply("p", "")]), "replies[0].text"),
        (with(vec![reply("p", " \u{200B} ")]), "replies.text"),
        (with(vec![reply("", "x")]), "replies[0].prompt_id"),
        (with(vec![reply("p", "x"), reply("p", "y")]), "replies.prompt_id"),
        (with(vec![reply("p", "x\0")]), "replies[0].text"),
    ];
    for (request, field) in cases {
        let refused = answer(&two.stage.journal, two.ada, request).await.err().unwrap();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    let largest = (0..5).map(|n| reply(&format!("{n}{}", "p".repeat(79)), &"ä".repeat(2048))).collect();
    assert!(answer(&two.stage.journal, two.ada, with(largest)).await.is_ok());
    assert_eq!(two.stage.count("check_in_answers").await, 1);
}

#[tokio::test]
async fn one_may_be_ahead_by_eight_check_ins_and_no_more_however_fast() {
    let stage = stage().await;
    let (ada, ben) = (stage.member(), stage.member());
    link(&stage, ada, ben).await;
    let requests: Vec<_> = (0..20).map(|_| words(stage.ids.next(), at(OPENS), "hello")).collect();
    let answers = join_all(requests.iter().map(|it| answer(&stage.journal, ada, it.clone()))).await;
    let (kept, refused): (Vec<_>, Vec<_>) =
        requests.iter().zip(answers).partition(|(_, answer)| answer.is_ok());
    assert_eq!((kept.len(), refused.len()), (8, 12));
    for (_, refused) in &refused {
        let refused = refused.as_ref().err().unwrap();
        assert_eq!((refused.code(), reason(refused)), (Code::ResourceExhausted, "TOO_MANY_CHECK_INS".into()));
    }
    assert_eq!((stage.count("check_ins").await, stage.count("check_in_answers").await), (8, 8));

    // Those that are kept can be changed, the partner has eight of their own, and one taken back makes room.
    let (one, wanting) = (kept[0].0.clone(), refused[0].0.clone());
    answer(&stage.journal, ada, one.clone()).await.unwrap();
    answer(&stage.journal, ben, wanting.clone()).await.unwrap();
    let id = kept[0].1.as_ref().unwrap().check_in_id.parse().unwrap();
    take_back(&stage.journal, ada, id).await.unwrap();
    answer(&stage.journal, ada, wanting).await.unwrap();
    assert_eq!(reason(&answer(&stage.journal, ada, one.clone()).await.err().unwrap()), "TOO_MANY_CHECK_INS");
    // What has opened counts no more.
    stage.clock.set(at(OPENS));
    let next = words(stage.ids.next(), at(OPENS) + 1.second(), "hello");
    answer(&stage.journal, ada, next).await.unwrap();
}
