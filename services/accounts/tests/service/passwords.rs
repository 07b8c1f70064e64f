//! Passwords after the first: changed, set anew with a mail, and what their owner is told.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use crate::people::visible;
use accounts::jobs;
use candor_proto::accounts::v1::{
    BeginTotpRequest, ChangePasswordRequest, ChooseNoticesRequest, EndSessionsRequest, GetSecurityRequest,
    ListSecurityNoticesRequest, RequestPasswordResetRequest, ResetPasswordRequest, SecurityNoticeKind,
    identity_service_server::IdentityService as _, security_service_server::SecurityService as _,
    session_service_server::SessionService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const ANNA: &str = "anna@example.org";
const NEW: &str = "seven grey herons on a fence";

impl House {
    pub async fn ask_for_reset(&self, email: &str) -> Result<(), Status> {
        let message = RequestPasswordResetRequest { email: email.into() };
        self.rpc.request_password_reset(Request::new(message)).await.map(drop)
    }

    pub async fn reset(&self, token: &str, password: &str) -> Result<(), Status> {
        self.reset_with(token, password, "").await
    }

    pub async fn reset_with(&self, token: &str, password: &str, code: &str) -> Result<(), Status> {
        let message = ResetPasswordRequest {
            token: token.into(),
            new_password: password.into(),
            code: code.into(),
            ..ResetPasswordRequest::default()
        };
        self.rpc.reset_password(Request::new(message)).await.map(drop)
    }

    /// The token of the one link that came.
    pub async fn reset_token(&self, email: &str) -> String {
        self.ask_for_reset(email).await.unwrap();
        self.work().await;
        let link = "/reset?token=";
        let mut mails = self.mails();
        mails.retain(|mail| mail.text.contains(link));
        assert_eq!(mails.len(), 1);
        mails.pop().unwrap().token_of(link)
    }

    pub async fn change(&self, passport: &str, password: &str, others_go_on: bool) -> Result<(), Status> {
        let message = ChangePasswordRequest { new_password: password.into(), others_go_on };
        self.rpc.change_password(self.with_passport(passport, message).await).await.map(drop)
    }

    /// What the owner was told, newest first.
    pub async fn notices(&self, passport: &str) -> Vec<&'static str> {
        let (mut notices, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListSecurityNoticesRequest { page_size: 7, page_token };
            let request = self.with_passport(passport, request).await;
            let listed = self.rpc.list_security_notices(request).await.unwrap().into_inner();
            notices.extend(listed.notices.iter().map(|notice| notice.kind().as_str_name()));
            if listed.next_page_token.is_empty() {
                return notices;
            }
            page_token = listed.next_page_token;
        }
    }
}

#[tokio::test]
async fn nobody_fills_the_hashing_pool_with_new_passwords() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let token = house.reset_token(ANNA).await;
    let runs = house.accounts.hashing.runs();
    let mut changed = 0;
    for _ in 0..50 {
        changed += u64::from(house.change(&own.passport, NEW, true).await.is_ok());
    }
    assert_eq!((changed, house.accounts.hashing.runs() - runs), (10, 10));
    assert_eq!(reason(&house.change(&own.passport, NEW, true).await.err().unwrap()), "TOO_MANY_ATTEMPTS");
    // Whoever holds a link waits for nobody who is signed in, and the link is over by the change.
    assert_eq!(reason(&house.reset(&token, NEW).await.err().unwrap()), "RESET_NOT_FOUND");
    let token = house.reset_token(ANNA).await;
    house.reset(&token, PASSWORD).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_changed_password_is_the_only_one_and_signs_others_out() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let own = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let other = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.change(&own.passport, NEW, false).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.err().unwrap();
    house.mint(&own.session_secret).await.unwrap();
    assert_eq!(reason(&house.mint(&other.session_secret).await.err().unwrap()), "SESSION_ENDED");
    let third = house.sign_in(ANNA, NEW).await.unwrap();
    // They go on only if that is said.
    house.change(&own.passport, PASSWORD, true).await.unwrap();
    house.mint(&third.session_secret).await.unwrap();
    let ended = house.events().await.iter().filter(|(key, ..)| key == "accounts.v1.session_ended").count();
    assert_eq!(ended, 1);
    // The device of the session that ended was forgotten with it.
    let (changed, added) = (SecurityNoticeKind::PasswordChanged, SecurityNoticeKind::DeviceAdded);
    assert_eq!(house.notices(&own.passport).await, [changed, added, changed].map(|kind| kind.as_str_name()));
}

#[tokio::test]
async fn a_password_is_changed_only_by_who_proved_it_lately() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_mins(6));
    let passport = house.mint(&session.session_secret).await.unwrap().passport;
    let refused = house.change(&passport, NEW, false).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "STEP_UP_REQUIRED"));
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.sign_in(ANNA, NEW).await.err().unwrap();
}

#[tokio::test]
async fn what_is_easily_guessed_is_refused_and_said_in_plain_words() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let runs = house.accounts.hashing.runs();
    for (password, says) in [
        ("short", "at least"),
        ("fourteen chars", "at least 15"),
        ("passwordpassword1", "first that somebody would try"),
        ("anna@example.org!", "parts of your address"),
    ] {
        let refused = house.change(&session.passport, password, false).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument, "{password}");
        assert!(refused.message().contains(says) && refused.message().contains("new_password"), "{refused}");
        assert!(!refused.message().contains(password));
    }
    let refused = house.register("ben@example.org", "I love you forever").await.err().unwrap();
    assert!(refused.message().contains("password is one of the first"), "{refused}");
    assert_eq!(house.accounts.hashing.runs(), runs, "what is refused is not hashed");
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_link_from_a_mail_sets_the_password_once_and_signs_everybody_out() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let token = house.reset_token(ANNA).await;
    // Until the link is used nothing changes, and a password that is refused leaves it good.
    house.mint(&session.session_secret).await.unwrap();
    assert_eq!(house.reset(&token, "passwordpassword1").await.err().unwrap().code(), Code::InvalidArgument);
    house.reset(&token, NEW).await.unwrap();
    assert_eq!(reason(&house.mint(&session.session_secret).await.err().unwrap()), "SESSION_ENDED");
    house.sign_in(ANNA, PASSWORD).await.err().unwrap();
    let session = house.sign_in(ANNA, NEW).await.unwrap();
    // Whatever was known before is forgotten, hers as well.
    let (added, set) = (SecurityNoticeKind::DeviceAdded, SecurityNoticeKind::PasswordReset);
    assert_eq!(house.notices(&session.passport).await, [added, set].map(|kind| kind.as_str_name()));
    let again = house.reset(&token, OTHER_PASSWORD).await.err().unwrap();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::NotFound, "RESET_NOT_FOUND"));
    house.sign_in(ANNA, NEW).await.unwrap();
}

#[tokio::test]
async fn links_that_were_never_sent_are_too_old_or_superseded_are_one_refusal() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let (old, other) = (house.reset_token(ANNA).await, house.reset_token(ANNA).await);
    let unknown = format!("cp_{}", "A".repeat(43));
    house.advance(SignedDuration::from_mins(60));
    let late = house.reset_token(ANNA).await;
    let mut refused = Vec::new();
    for token in [old.as_str(), other.as_str(), &unknown, "cp_", "cv_AAAA", "x"] {
        refused.push(visible(&house.reset(token, NEW).await.err().unwrap()));
    }
    // Using one makes every other worthless, and so does changing the password by hand.
    let spare = house.reset_token(ANNA).await;
    house.reset(&late, NEW).await.unwrap();
    refused.push(visible(&house.reset(&spare, OTHER_PASSWORD).await.err().unwrap()));
    let session = house.sign_in(ANNA, NEW).await.unwrap();
    house.advance(SignedDuration::from_mins(10));
    let session = house.prove_again(&house.mint(&session.session_secret).await.unwrap().passport, NEW).await;
    let unused = house.reset_token(ANNA).await;
    house.change(&session.unwrap().passport, PASSWORD, false).await.unwrap();
    refused.push(visible(&house.reset(&unused, NEW).await.err().unwrap()));
    assert!(refused.iter().all(|one| *one == refused[0]));
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_hours(2));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("password_reset").await, 0);
}

#[tokio::test]
async fn of_two_who_use_one_link_at_once_one_sets_the_password() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let token = house.reset_token(ANNA).await;
    let other = house.replica();
    let (one, two) = tokio::join!(house.reset(&token, NEW), other.reset(&token, OTHER_PASSWORD));
    assert!(one.is_ok() != two.is_ok());
    let (kept, lost) = if one.is_ok() { (NEW, OTHER_PASSWORD) } else { (OTHER_PASSWORD, NEW) };
    house.sign_in(ANNA, kept).await.unwrap();
    house.sign_in(ANNA, lost).await.err().unwrap();
}

#[tokio::test]
async fn an_inbox_is_not_flooded_with_links() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.advance(SignedDuration::from_hours(1));
    for _ in 0..20 {
        house.ask_for_reset(ANNA).await.unwrap();
        house.work().await;
    }
    assert_eq!(house.mails().len(), 3);
}

#[tokio::test]
async fn no_mail_goes_to_whoever_did_not_say_that_their_mail_is_theirs_alone() {
    let house = House::new().await;
    house.register_discreetly("eva@example.org", PASSWORD).await;
    let session = house.sign_in("eva@example.org", PASSWORD).await.unwrap();
    house.change(&session.passport, NEW, true).await.unwrap();
    house.register("eva@example.org", OTHER_PASSWORD).await.unwrap();
    house.work().await;
    assert_eq!(house.mails().len(), 0);
    // It stands in the account all the same.
    let told =
        [SecurityNoticeKind::AddressTried.as_str_name(), SecurityNoticeKind::PasswordChanged.as_str_name()];
    assert_eq!(house.notices(&session.passport).await, told);
    assert!(!house.by_mail(&session.passport).await);
    house.choose_notices(&session.passport, true).await.unwrap();
    assert!(house.by_mail(&session.passport).await);
    house.work().await;
    let mails = house.mails();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (1, "About your account"));
    assert!(mails[0].text.contains("https://candor.example/security"));
    // One mail says it, however much happened before it goes; and none goes to whoever changed their mind.
    house.change(&session.passport, PASSWORD, true).await.unwrap();
    house.change(&session.passport, NEW, true).await.unwrap();
    house.work().await;
    assert_eq!(house.mails().len(), 1);
    house.change(&session.passport, PASSWORD, true).await.unwrap();
    house.choose_notices(&session.passport, false).await.unwrap();
    house.work().await;
    assert_eq!(house.mails().len(), 0);
}

#[tokio::test]
async fn how_one_is_told_is_chosen_only_by_who_proved_it_lately() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_mins(6));
    let passport = house.mint(&session.session_secret).await.unwrap().passport;
    assert_eq!(reason(&house.choose_notices(&passport, false).await.err().unwrap()), "STEP_UP_REQUIRED");
    assert!(house.by_mail(&passport).await);
    // Saying the same again is no change, so nothing is told.
    let proven = house.prove_again(&passport, PASSWORD).await.unwrap().passport;
    house.choose_notices(&proven, true).await.unwrap();
    assert!(house.notices(&proven).await.is_empty());
}

#[tokio::test]
async fn what_one_was_told_is_ones_own_and_goes_after_half_a_year() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.join("ben@example.org", PASSWORD).await;
    let (anna, ben) = (
        house.sign_in(ANNA, PASSWORD).await.unwrap(),
        house.sign_in("ben@example.org", PASSWORD).await.unwrap(),
    );
    house.change(&anna.passport, NEW, false).await.unwrap();
    assert!(house.notices(&ben.passport).await.is_empty());
    house.mint(&ben.session_secret).await.unwrap();
    house.advance(SignedDuration::from_hours(181 * 24));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("security_notice").await, 0);
}

#[tokio::test]
async fn all_other_sessions_end_at_once_or_all_of_them() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.join("ben@example.org", PASSWORD).await;
    let ben = house.sign_in("ben@example.org", PASSWORD).await.unwrap();
    let mut anna = Vec::new();
    for _ in 0..4 {
        anna.push(house.sign_in(ANNA, PASSWORD).await.unwrap());
    }
    let end = async |this_one_too| {
        let request = house.with_passport(&anna[0].passport, EndSessionsRequest { this_one_too }).await;
        house.rpc.end_sessions(request).await.map(|answer| answer.into_inner().ended)
    };
    assert_eq!(end(false).await.unwrap(), 3);
    house.mint(&anna[0].session_secret).await.unwrap();
    house.mint(&anna[1].session_secret).await.err().unwrap();
    assert_eq!(end(true).await.unwrap(), 1);
    assert_eq!(reason(&end(true).await.unwrap_err()), "SESSION_ENDED");
    house.mint(&anna[0].session_secret).await.err().unwrap();
    house.mint(&ben.session_secret).await.unwrap();
    let ended = house.events().await.iter().filter(|(key, ..)| key == "accounts.v1.session_ended").count();
    assert_eq!(ended, 4);
}

impl House {
    pub async fn choose_notices(&self, passport: &str, by_mail: bool) -> Result<(), Status> {
        let request = self.with_passport(passport, ChooseNoticesRequest { by_mail }).await;
        self.rpc.choose_notices(request).await.map(drop)
    }

    async fn by_mail(&self, passport: &str) -> bool {
        let request = self.with_passport(passport, GetSecurityRequest {}).await;
        self.rpc.get_security(request).await.unwrap().into_inner().notices_by_mail
    }
}

#[tokio::test]
async fn a_session_that_was_ended_takes_nothing_back_with_the_passport_it_still_has() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let intruder = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let token = house.reset_token(ANNA).await;
    let new = "nine green kites over the dunes";
    house.reset(&token, new).await.unwrap();
    let refused = house.change(&intruder.passport, "the intruders own long words", false).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
    let begin = house.with_passport(&intruder.passport, BeginTotpRequest {}).await;
    assert_eq!(reason(&house.rpc.begin_totp(begin).await.err().unwrap()), "SESSION_ENDED");
    let mails = house.with_passport(&intruder.passport, ChooseNoticesRequest { by_mail: true }).await;
    assert_eq!(reason(&house.rpc.choose_notices(mails).await.err().unwrap()), "SESSION_ENDED");
    house.sign_in(ANNA, new).await.unwrap();
}

#[tokio::test]
async fn strangers_who_register_with_an_address_use_up_no_links_of_its_owner() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    for _ in 0..5 {
        house.register(ANNA, "what a stranger might choose").await.unwrap();
        house.work().await;
    }
    house.mails();
    let token = house.reset_token(ANNA).await;
    house.reset(&token, "nine green kites over the dunes").await.unwrap();
}
