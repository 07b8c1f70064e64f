//! Invitations: what opens, what does not and never says why, and what an inviter cannot find out.

use crate::{
    kit::{House, reason},
    people::{Person, visible},
};
use accounts::app;
use candor_proto::accounts::v1::{
    AcceptInvitationRequest, DeclineInvitationRequest, InvitePartnerRequest, ReportReason,
    couple_service_server::CoupleService as _,
};
use chassis::identity::Kind;
use jiff::SignedDuration;
use std::time::Duration;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

const UNKNOWN: &str = "01ABC-DEFGH-JKMNP-QRSTV";
const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn every_code_that_does_not_open_is_refused_alike() {
    let house = House::new().await;
    let (ben, dora) = (house.member("ben").await, house.member("dora").await);
    let mut codes = vec!["never a code".to_owned(), "-".to_owned(), UNKNOWN.to_owned()];
    let mut inviters = Vec::new();
    for name in ["past", "used", "cancelled", "replaced", "declined", "blocked", "linked"] {
        let inviter = house.member(name).await;
        codes.push(house.invite(&inviter, name).await.unwrap().code);
        inviters.push(inviter);
        if name == "past" {
            house.advance(DAY * 7);
        }
    }
    let [.., past, used, _, _, declined, blocked, _] = &codes[..] else { panic!("ten codes") };
    assert!(house.preview(past).await.is_err());
    house.accept(&dora, used, "Dora").await.unwrap();
    house.unlink(&dora).await.unwrap();
    house.cancel(&inviters[2]).await.unwrap();
    house.invite(&inviters[3], "again").await.unwrap();
    house.decline(&ben, declined).await.unwrap();
    house.block(&ben, blocked).await.unwrap();
    // Whoever invites is linked with somebody else meanwhile.
    let other = house.invite(&dora, "Dora").await.unwrap().code;
    house.accept(&inviters[6], &other, "Linked").await.unwrap();

    let mut refused = Vec::new();
    for code in &codes {
        // Whoever made the code can look too: a no must not show there.
        if [declined, blocked].contains(&code) {
            house.preview(code).await.unwrap();
        } else {
            refused.push(house.preview(code).await.err().expect(code));
        }
        refused.push(house.accept(&ben, code, "Ben").await.err().expect(code));
    }
    // One's own.
    let own = house.invite(&ben, "Ben").await.unwrap().code;
    refused.push(house.accept(&ben, &own, "Ben").await.err().unwrap());
    assert_eq!((refused[0].code(), reason(&refused[0]).as_str()), (Code::NotFound, "INVITATION_NOT_FOUND"));
    assert!(refused.iter().all(|one| visible(one) == visible(&refused[0])));
    // When the two have parted the code does not open again.
    house.unlink(&dora).await.unwrap();
    assert_eq!(visible(&house.accept(&ben, &codes[9], "Ben").await.err().unwrap()), visible(&refused[0]));
    assert_eq!(house.count("couple_member").await, 0);
}

#[tokio::test]
async fn saying_no_and_saying_nothing_look_alike_to_whoever_invites() {
    let house = House::new().await;
    let (invited, second) = (house.member("invited").await, house.member("second").await);
    let mut inviters = Vec::new();
    for name in ["ignored", "declined", "reported", "blocked"] {
        let inviter = house.member(name).await;
        let code = house.invite(&inviter, name).await.unwrap().code;
        inviters.push((inviter, code));
    }
    house.decline(&invited, &inviters[1].1).await.unwrap();
    house.report(&inviters[2].1, ReportReason::Threat, "afraid").await.unwrap();
    house.block(&invited, &inviters[3].1).await.unwrap();

    // Everything whoever invites can see, but for ids and codes that differ in any case.
    let alike = async |inviters: &[(Person, String)], say: &str| {
        let mut seen = Vec::new();
        for (inviter, code) in inviters {
            let view = house.couple_of(inviter).await;
            let preview = house.preview(code).await.map(|found| found.expire_time).map_err(|e| visible(&e));
            seen.push((view.couple.is_none(), view.invitation.map(|open| open.expire_time), preview));
        }
        assert!(seen.iter().all(|one| *one == seen[0]), "{say}");
        seen[0].1.is_some()
    };
    assert!(alike(&inviters, "at once").await);
    house.advance(DAY * 7 - SignedDuration::from_secs(1));
    assert!(alike(&inviters, "to the last second").await);
    house.advance(SignedDuration::from_secs(1));
    assert!(!alike(&inviters, "when the time is over").await);
    for again in ["invited again", "and again"] {
        for (inviter, code) in &mut inviters {
            *code = house.invite(inviter, "Me").await.unwrap().code;
            house.preview(code).await.unwrap();
        }
        assert!(alike(&inviters, again).await);
        house.decline(&invited, &inviters[1].1).await.unwrap();
        house.report(&inviters[2].1, ReportReason::Pressure, "").await.unwrap();
        house.block(&invited, &inviters[3].1).await.unwrap();
    }
    // An account of their own besides learns as little: the code works for it whatever anybody said.
    for (_, code) in &inviters {
        house.accept(&second, code, "Second").await.unwrap();
        house.unlink(&second).await.unwrap();
    }
    for (inviter, _) in &inviters {
        house.cancel(inviter).await.unwrap();
        house.cancel(inviter).await.unwrap();
    }
    assert!(!alike(&inviters, "cancelled").await);
    // Nothing is told to anybody of what was said; only of the four links of the other account.
    assert_eq!(house.told("accounts.v1.couple_linked").await, inviters.len());
}

#[tokio::test]
async fn an_answer_says_the_same_for_every_code() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let open = house.invite(&anna, "Anna").await.unwrap().code;
    for code in [open.as_str(), open.as_str(), UNKNOWN, "never a code"] {
        house.decline(&ben, code).await.unwrap();
        house.block(&ben, code).await.unwrap();
        house.report(code, ReportReason::Other, "x").await.unwrap();
    }
    // What is unknown leaves nothing behind.
    assert_eq!((house.count("invitation_block").await, house.count("invitation_decline").await), (1, 1));
    assert_eq!(house.count("report").await, 2);
}

#[tokio::test]
async fn one_invitation_at_a_time_and_five_a_day() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let mut last = String::new();
    for _ in 0..5 {
        let invited = house.invite(&anna, "Anna").await.unwrap();
        assert_eq!(invited.expire_time.unwrap().seconds, (house.now() + DAY * 7).as_second());
        if !last.is_empty() {
            house.preview(&last).await.err().unwrap();
        }
        last = invited.code;
        let open = house.couple_of(&anna).await.invitation.unwrap();
        assert_eq!(open.invitation_id, invited.invitation_id);
    }
    let refused = house.invite(&anna, "Anna").await.err().unwrap();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "TOO_MANY_INVITATIONS")
    );
    let wait = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    assert_eq!(wait, Duration::from_secs(24 * 60 * 60 / 5));
    // Being refused takes nothing away.
    house.preview(&last).await.unwrap();
    house.advance(SignedDuration::try_from(wait).unwrap());
    house.invite(&anna, "Anna").await.unwrap();
    house.invite(&anna, "Anna").await.err().unwrap();
}

#[tokio::test]
async fn a_block_holds_for_every_later_code_and_for_the_blocker_alone() {
    let house = House::new().await;
    let (anna, ben, dora) =
        (house.member("anna").await, house.member("ben").await, house.member("dora").await);
    let first = house.invite(&anna, "Anna").await.unwrap().code;
    house.cancel(&anna).await.unwrap();
    // A code that is over still says who to block.
    house.block(&ben, &first).await.unwrap();
    let later = house.invite(&anna, "Anna").await.unwrap().code;
    let refused = house.accept(&ben, &later, "Ben").await.err().unwrap();
    let unknown = house.accept(&ben, UNKNOWN, "Ben").await.err().unwrap();
    assert_eq!(visible(&refused), visible(&unknown));
    // Nothing of it shows to anybody else, and it binds nobody but the codes' maker.
    house.preview(&later).await.unwrap();
    house.accept(&dora, &later, "Dora").await.unwrap();
    house.unlink(&dora).await.unwrap();
    let bens = house.invite(&ben, "Ben").await.unwrap().code;
    house.accept(&anna, &bens, "Anna").await.unwrap();
}

#[tokio::test]
async fn a_no_closes_one_code_and_for_whoever_said_it_alone() {
    let house = House::new().await;
    let (anna, ben, dora) =
        (house.member("anna").await, house.member("ben").await, house.member("dora").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.decline(&ben, &code.to_lowercase()).await.unwrap();
    let refused = house.accept(&ben, &code, "Ben").await.err().unwrap();
    let unknown = house.accept(&ben, UNKNOWN, "Ben").await.err().unwrap();
    assert_eq!(visible(&refused), visible(&unknown));
    // Everybody else finds what they find when nobody answered.
    house.preview(&code).await.unwrap();
    house.accept(&dora, &code, "Dora").await.unwrap();
    house.unlink(&dora).await.unwrap();
    // One invitation, no chasers: the next one opens for whoever said no as little as this one, for a while.
    let later = house.invite(&anna, "Anna").await.unwrap().code;
    let refused = house.accept(&ben, &later, "Ben").await.err().unwrap();
    assert_eq!(visible(&refused), visible(&unknown));
}

#[tokio::test]
async fn a_report_is_no_answer() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    for reason in [ReportReason::Other, ReportReason::Threat] {
        house.report(&code, reason, "").await.unwrap();
    }
    house.accept(&ben, &code, "Ben").await.unwrap();
}

#[tokio::test]
async fn nobody_blocks_or_declines_themselves() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.block(&anna, &code).await.unwrap();
    house.decline(&anna, &code).await.unwrap();
    assert_eq!((house.count("invitation_block").await, house.count("invitation_decline").await), (0, 0));
    house.accept(&ben, &code, "Ben").await.unwrap();
}

#[tokio::test]
async fn looking_leaves_no_trace_that_whoever_invites_could_count() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    let before = house.dump().await;
    let first = house.preview(&code).await.unwrap();
    for _ in 0..200 {
        assert!(house.preview(&code).await.unwrap() == first);
        house.preview(UNKNOWN).await.err().unwrap();
    }
    assert_eq!(house.dump().await, before);
}

#[tokio::test]
async fn a_name_has_to_say_something() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    for name in ["", "   ", "\u{200b}", "a\u{202e}b", "a\nb", &"a".repeat(81)] {
        for refused in [house.invite(&anna, name).await.err(), house.accept(&ben, &code, name).await.err()] {
            let refused = refused.expect(name);
            assert_eq!(refused.code(), Code::InvalidArgument, "{name:?}");
            assert_eq!(
                refused.get_error_details().bad_request().unwrap().field_violations[0].field,
                "own_name"
            );
        }
    }
    house.preview(&code).await.unwrap();
}

#[tokio::test]
async fn operators_have_no_part_in_it() {
    let house = House::new().await;
    let anna = house.member("anna").await;
    let operator = Person { kind: Kind::Operator, ..anna.clone() };
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    let refused = [
        house.invite(&operator, "Ops").await.err().unwrap(),
        house.cancel(&operator).await.err().unwrap(),
        house.accept(&operator, &code, "Ops").await.err().unwrap(),
        house.block(&operator, &code).await.err().unwrap(),
        house.decline(&operator, &code).await.err().unwrap(),
        house.unlink(&operator).await.err().unwrap(),
    ];
    assert!(refused.iter().all(|one| one.code() == Code::PermissionDenied && reason(one) == "MEMBERS_ONLY"));
    let nobody = InvitePartnerRequest { own_name: "Nobody".into() };
    let refused = house.rpc.invite_partner(Request::new(nobody)).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let nobody = DeclineInvitationRequest { code: code.clone() };
    let refused = house.rpc.decline_invitation(Request::new(nobody)).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unauthenticated);
    house.preview(&code).await.unwrap();
}

#[tokio::test]
async fn no_name_code_or_note_lies_in_the_clear() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let mut dump = String::new();
    let first = house.invite(&anna, "Canary Anna").await.unwrap().code;
    house.report(&first, ReportReason::Other, "canary note").await.unwrap();
    dump.push_str(&house.dump().await);
    let code = house.invite(&anna, "Canary Anna").await.unwrap().code;
    house.accept(&ben, &code, "Canary Ben").await.unwrap();
    dump.push_str(&house.dump().await);
    assert!(dump.contains(&ben.account_id.to_string()));
    let bare = code.replace('-', "");
    for secret in ["anary Anna", "anary Ben", "anary note", &first, &code, &bare] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!dump.contains(secret) && !dump.contains(&hex), "{secret}");
    }
}

#[tokio::test]
async fn nobody_accepts_without_saying_that_they_are_an_adult() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let to_couple = house.invite(&anna, "Anna").await.unwrap().code;
    let to_circle = house.invite_trusted(&anna, "Him", "").await.unwrap().code;
    for code in [to_couple.as_str(), to_circle.as_str(), UNKNOWN] {
        let message = AcceptInvitationRequest { code: code.into(), own_name: "Ben".into(), adult: false };
        let refused = house.rpc.accept_invitation(house.by(&ben, message)).await.err().unwrap();
        assert!(refused.code() == Code::InvalidArgument && refused.message().contains("adult"), "{refused}");
    }
    assert!(house.couple_of(&ben).await == Default::default());
    assert!(house.circles_of(&ben).await == Default::default());
    // The codes are as good as before.
    house.join_circle(&ben, &to_circle, "Ben").await.unwrap();
    house.accept(&ben, &to_couple, "Ben").await.unwrap();
}

#[tokio::test]
async fn invitations_that_are_over_go_after_a_month() {
    let house = House::new().await;
    let (anna, ben) = (house.member("anna").await, house.member("ben").await);
    let code = house.invite(&anna, "Anna").await.unwrap().code;
    house.decline(&ben, &code).await.unwrap();
    house.advance(DAY * 36);
    app::sweep(&house.accounts).await.unwrap();
    assert_eq!((house.count("invitation").await, house.count("invitation_decline").await), (1, 1));
    house.advance(DAY * 2);
    app::sweep(&house.accounts).await.unwrap();
    assert_eq!((house.count("invitation").await, house.count("invitation_decline").await), (0, 0));
    assert_eq!(house.count("throttle").await, 0);
}
