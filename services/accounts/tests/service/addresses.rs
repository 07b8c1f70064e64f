//! Another address: who gains what by asking, by opening the link, and by putting the earlier one back.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use crate::people::visible;
use accounts::jobs;
use candor_proto::accounts::v1::{
    CancelEmailChangeRequest, ConfirmEmailChangeRequest, GetMeRequest, GetSecurityRequest,
    RequestEmailChangeRequest, SignInResponse, UndoEmailChangeRequest, WaitingAddress,
    identity_service_server::IdentityService as _, security_service_server::SecurityService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const ANNA: &str = "anna@example.org";
const NEW: &str = "anna.new@example.org";
const THIRD: &str = "anna.third@example.org";
const BEN: &str = "ben@example.org";
const CONFIRM: &str = "/security/address/confirm?token=";
const UNDO: &str = "/address/undo?token=";
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

impl House {
    pub async fn ask_for_address(&self, session: &SignInResponse, email: &str) -> Result<(), Status> {
        let request =
            self.with_passport(&session.passport, RequestEmailChangeRequest { email: email.into() }).await;
        self.rpc.request_email_change(request).await.map(drop)
    }

    pub async fn confirm_address(&self, session: &SignInResponse, token: &str) -> Result<(), Status> {
        let request =
            self.with_passport(&session.passport, ConfirmEmailChangeRequest { token: token.into() }).await;
        self.rpc.confirm_email_change(request).await.map(drop)
    }

    async fn call_address_off(&self, session: &SignInResponse) -> Result<(), Status> {
        let request = self.with_passport(&session.passport, CancelEmailChangeRequest {}).await;
        self.rpc.cancel_email_change(request).await.map(drop)
    }

    pub async fn undo_address(&self, token: &str) -> Result<(), Status> {
        let message = UndoEmailChangeRequest { token: token.into() };
        self.rpc.undo_email_change(Request::new(message)).await.map(drop)
    }

    async fn waiting_address(&self, session: &SignInResponse) -> Option<WaitingAddress> {
        let request = self.with_passport(&session.passport, GetSecurityRequest {}).await;
        self.rpc.get_security(request).await.unwrap().into_inner().waiting_address
    }

    async fn address_of(&self, session: &SignInResponse) -> String {
        let request = self.with_passport(&session.passport, GetMeRequest {}).await;
        self.rpc.get_me(request).await.unwrap().into_inner().account.unwrap().email
    }

    /// The token of the one mail with such a link, which went to that address.
    fn link_to(&self, email: &str, link: &str) -> String {
        let mut mails = self.mails();
        mails.retain(|mail| mail.text.contains(link));
        assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [email]);
        mails.pop().unwrap().token_of(link)
    }

    /// The token that came for another address.
    async fn token_for(&self, session: &SignInResponse, email: &str) -> String {
        self.ask_for_address(session, email).await.unwrap();
        self.work().await;
        self.link_to(email, CONFIRM)
    }

    /// Changes an address, and says what came to the one before.
    async fn change_address(&self, session: &SignInResponse, from: &str, to: &str) -> String {
        let token = self.token_for(session, to).await;
        self.confirm_address(session, &token).await.unwrap();
        self.work().await;
        self.link_to(from, UNDO)
    }
}

async fn anna() -> (House, SignInResponse) {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.mails();
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    (house, session)
}

/// One refusal for every link that is not good.
fn not_found(status: &Status) -> (Code, String) {
    (status.code(), reason(status))
}

#[tokio::test]
async fn an_address_changes_once_its_mailbox_says_so_and_everybody_else_is_signed_out() {
    let (house, session) = anna().await;
    let other = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let spare = house.reset_token(ANNA).await;
    let token = house.token_for(&session, NEW).await;
    // Nothing has changed yet, and the page says what waits.
    assert_eq!(house.address_of(&session).await, ANNA);
    let waiting = house.waiting_address(&other).await.unwrap();
    assert_eq!(waiting.email, NEW);
    assert_eq!(waiting.expire_time.unwrap().seconds - waiting.request_time.unwrap().seconds, 24 * 60 * 60);
    house.confirm_address(&session, &token).await.unwrap();
    assert_eq!(house.address_of(&session).await, NEW);
    assert!(house.waiting_address(&session).await.is_none());
    house.mint(&session.session_secret).await.unwrap();
    assert_eq!(reason(&house.mint(&other.session_secret).await.err().unwrap()), "SESSION_ENDED");
    house.sign_in(ANNA, PASSWORD).await.err().unwrap();
    house.sign_in(NEW, PASSWORD).await.unwrap();
    let told = house.notices(&session.passport).await;
    assert!(told.contains(&"SECURITY_NOTICE_KIND_EMAIL_CHANGED"), "{told:?}");
    assert!(told.contains(&"SECURITY_NOTICE_KIND_EMAIL_CHANGE_ASKED"), "{told:?}");
    // Links of before are worthless; new ones go to the new address.
    house.work().await;
    house.mails();
    assert_eq!(reason(&house.reset(&spare, OTHER_PASSWORD).await.err().unwrap()), "RESET_NOT_FOUND");
    house.ask_for_reset(ANNA).await.unwrap();
    house.work().await;
    assert!(house.mails().is_empty(), "the earlier address gets no links for a password");
    house.reset_token(NEW).await;
    let dump = house.dump().await;
    for address in [ANNA, NEW] {
        assert!(!dump.contains(address), "an address stands in clear");
    }
}

#[tokio::test]
async fn asking_wants_a_fresh_proof_an_address_and_another_one() {
    let (house, session) = anna().await;
    let same = house.ask_for_address(&session, "ANNA@example.org").await.err().unwrap();
    assert_eq!(same.code(), Code::InvalidArgument);
    assert!(same.message().contains("is the address you have") && !same.message().contains("ANNA"));
    let none = house.ask_for_address(&session, "no address").await.err().unwrap();
    assert_eq!(none.code(), Code::InvalidArgument);
    house.advance(SignedDuration::from_mins(6));
    let session =
        SignInResponse { passport: house.mint(&session.session_secret).await.unwrap().passport, ..session };
    assert_eq!(reason(&house.ask_for_address(&session, NEW).await.err().unwrap()), "STEP_UP_REQUIRED");
    assert_eq!((house.count("email_change").await, house.count("address_request").await), (0, 0));
}

#[tokio::test]
async fn asking_answers_and_works_the_same_for_every_address() {
    let (house, _) = anna().await;
    house.join(BEN, PASSWORD).await;
    house.register("unproven@example.org", PASSWORD).await.unwrap();
    house.work().await;
    house.mails();
    let mut seen = Vec::new();
    for address in [BEN, "unproven@example.org", "unknown@example.org"] {
        house.advance(SignedDuration::from_hours(1));
        let fresh = house.sign_in(ANNA, PASSWORD).await.unwrap();
        let runs = house.accounts.hashing.runs();
        house.ask_for_address(&fresh, address).await.unwrap();
        let waits = (house.count("address_request").await, house.count("email_change").await);
        assert_eq!(
            (waits, house.accounts.hashing.runs(), house.count("mail_queue").await),
            ((1, 1), runs, 1)
        );
        let before = house.waiting_address(&fresh).await.unwrap();
        house.work().await;
        let after = house.waiting_address(&fresh).await.unwrap();
        assert_eq!((&before.email, before.expire_time), (&after.email, after.expire_time));
        let mails = house.mails();
        let to: Vec<_> =
            mails.iter().filter(|mail| mail.to == address).map(|mail| mail.subject.clone()).collect();
        seen.push(to.concat());
    }
    assert_eq!(seen, ["About your address", "Confirm your address", "Confirm your address"]);
    // Who has the address is told what a registration tells them.
    let ben = house.sign_in(BEN, PASSWORD).await.unwrap();
    assert!(house.notices(&ben.passport).await.contains(&"SECURITY_NOTICE_KIND_ADDRESS_TRIED"));
    assert_eq!(house.address_of(&ben).await, BEN);
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_link_is_good_for_its_own_account_once_for_a_day_and_only_the_newest() {
    let (house, session) = anna().await;
    house.join(BEN, PASSWORD).await;
    house.mails();
    let ben = house.sign_in(BEN, PASSWORD).await.unwrap();
    let first = house.token_for(&session, THIRD).await;
    let token = house.token_for(&session, NEW).await;
    let mut refused = Vec::new();
    for (who, token) in [(&ben, token.as_str()), (&session, &first), (&session, "cn_"), (&session, "cu_AAAA")]
    {
        refused.push(visible(&house.confirm_address(who, token).await.err().unwrap()));
    }
    house.confirm_address(&session, &token).await.unwrap();
    refused.push(visible(&house.confirm_address(&session, &token).await.err().unwrap()));
    house.work().await;
    house.mails();
    house.advance(SignedDuration::from_mins(20));
    let session = house.sign_in(NEW, PASSWORD).await.unwrap();
    let late = house.token_for(&session, THIRD).await;
    house.advance(SignedDuration::from_hours(24));
    let session = house.sign_in(NEW, PASSWORD).await.unwrap();
    assert!(house.waiting_address(&session).await.is_none());
    refused.push(visible(&house.confirm_address(&session, &late).await.err().unwrap()));
    // Called off, it is as if it had never been sent.
    let off = house.token_for(&session, THIRD).await;
    house.call_address_off(&session).await.unwrap();
    assert_eq!(reason(&house.call_address_off(&session).await.err().unwrap()), "NO_EMAIL_CHANGE");
    refused.push(visible(&house.confirm_address(&session, &off).await.err().unwrap()));
    assert!(refused.iter().all(|one| *one == refused[0]), "{refused:?}");
    assert_eq!(refused[0].0, Code::NotFound);
    assert_eq!(house.address_of(&session).await, NEW);
    house.sign_in(BEN, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn a_request_called_off_before_it_is_settled_sends_nothing() {
    let (house, session) = anna().await;
    house.ask_for_address(&session, NEW).await.unwrap();
    house.call_address_off(&session).await.unwrap();
    house.work().await;
    assert!(house.mails().iter().all(|mail| mail.to != NEW));
    assert_eq!(house.count("address_request").await, 0);
}

#[tokio::test]
async fn a_new_password_ends_what_was_asked_for_with_the_one_before() {
    let (house, session) = anna().await;
    let token = house.token_for(&session, NEW).await;
    house.change(&session.passport, OTHER_PASSWORD, false).await.unwrap();
    let refused = house.confirm_address(&session, &token).await.err().unwrap();
    assert_eq!(not_found(&refused), (Code::NotFound, "EMAIL_CHANGE_NOT_FOUND".into()));
}

#[tokio::test]
async fn few_links_go_to_one_address_and_one_account_asks_for_few() {
    let (house, session) = anna().await;
    for turn in 0..5 {
        let asked = house.ask_for_address(&session, NEW).await;
        assert_eq!(asked.is_ok(), turn < 3, "{turn}");
        house.work().await;
    }
    assert_eq!(house.mails().iter().filter(|mail| mail.to == NEW).count(), 3);
    house.join(BEN, PASSWORD).await;
    house.mails();
    let ben = house.sign_in(BEN, PASSWORD).await.unwrap();
    house.ask_for_address(&ben, NEW).await.unwrap();
    house.work().await;
    assert!(house.mails().iter().all(|mail| mail.to != NEW), "the address has had its mails");
}

#[tokio::test]
async fn the_earlier_address_is_put_back_by_its_mail_alone_and_everybody_is_signed_out() {
    let (house, session) = anna().await;
    let undo = house.change_address(&session, ANNA, NEW).await;
    // Whoever changed it holds the phone, asks for the next address, and for a new password.
    let session = house.sign_in(NEW, PASSWORD).await.unwrap();
    let pending = house.token_for(&session, THIRD).await;
    let spare = house.reset_token(NEW).await;
    house.undo_address(&undo).await.unwrap();
    assert_eq!(reason(&house.mint(&session.session_secret).await.err().unwrap()), "SESSION_ENDED");
    assert_eq!(reason(&house.reset(&spare, OTHER_PASSWORD).await.err().unwrap()), "RESET_NOT_FOUND");
    assert_eq!(house.count("email_change").await, 0);
    house.sign_in(NEW, PASSWORD).await.err().unwrap();
    let again = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.address_of(&again).await, ANNA);
    house.confirm_address(&again, &pending).await.err().unwrap();
    assert!(house.notices(&again.passport).await.contains(&"SECURITY_NOTICE_KIND_EMAIL_CHANGE_UNDONE"));
    assert_eq!(reason(&house.undo_address(&undo).await.err().unwrap()), "EMAIL_UNDO_NOT_FOUND");
    // What was taken on is free again.
    house.join(NEW, OTHER_PASSWORD).await;
}

#[tokio::test]
async fn undoing_an_earlier_change_undoes_those_after_it_and_no_other() {
    let (house, session) = anna().await;
    let first = house.change_address(&session, ANNA, NEW).await;
    // The clock stands still: what came later is later all the same.
    let session = house.sign_in(NEW, PASSWORD).await.unwrap();
    let second = house.change_address(&session, NEW, THIRD).await;
    // The later one alone leads one step back, and the first one stays good.
    house.undo_address(&second).await.unwrap();
    house.sign_in(NEW, PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_hours(1));
    let session = house.sign_in(NEW, PASSWORD).await.unwrap();
    let third = house.change_address(&session, NEW, THIRD).await;
    house.undo_address(&first).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(reason(&house.undo_address(&third).await.err().unwrap()), "EMAIL_UNDO_NOT_FOUND");
    assert_eq!(house.count("email_undo").await, 0);
}

#[tokio::test]
async fn an_earlier_address_is_nobody_elses_for_a_week_and_free_after_it() {
    let (house, session) = anna().await;
    let undo = house.change_address(&session, ANNA, NEW).await;
    house.join(BEN, PASSWORD).await;
    house.mails();
    let ben = house.sign_in(BEN, PASSWORD).await.unwrap();
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    house.resend(ANNA).await.unwrap();
    house.ask_for_reset(ANNA).await.unwrap();
    house.ask_for_address(&ben, ANNA).await.unwrap();
    house.work().await;
    assert!(house.mails().iter().all(|mail| mail.to != ANNA), "no link goes to an address that is kept");
    assert_eq!(house.count("account").await, 2);
    let told = house.notices(&session.passport).await;
    assert!(told.contains(&"SECURITY_NOTICE_KIND_ADDRESS_TRIED"), "{told:?}");
    house.advance(WEEK);
    assert_eq!(reason(&house.undo_address(&undo).await.err().unwrap()), "EMAIL_UNDO_NOT_FOUND");
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("email_undo").await, 0);
    house.join(ANNA, OTHER_PASSWORD).await;
    house.sign_in(NEW, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn its_owner_goes_back_to_an_earlier_address_by_asking_for_it() {
    let (house, session) = anna().await;
    let first = house.change_address(&session, ANNA, NEW).await;
    house.change_address(&session, NEW, ANNA).await;
    assert_eq!(house.address_of(&session).await, ANNA);
    house.undo_address(&first).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn whoever_proves_an_address_first_has_it() {
    let (house, session) = anna().await;
    // Somebody registers with it and proves it before the link is opened.
    let token = house.token_for(&session, NEW).await;
    house.join(NEW, OTHER_PASSWORD).await;
    let refused = house.confirm_address(&session, &token).await.err().unwrap();
    assert_eq!(not_found(&refused), (Code::NotFound, "EMAIL_CHANGE_NOT_FOUND".into()));
    house.sign_in(NEW, OTHER_PASSWORD).await.unwrap();
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    // Somebody registers with another and has not proven it: the link counts, and that registration is over.
    house.advance(SignedDuration::from_hours(1));
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.register(THIRD, OTHER_PASSWORD).await.unwrap();
    house.work().await;
    let unproven = house.mails().into_iter().find(|mail| mail.to == THIRD).unwrap().token();
    house.advance(SignedDuration::from_mins(30));
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap_or(session);
    let token = house.token_for(&session, THIRD).await;
    house.confirm_address(&session, &token).await.unwrap();
    house.verify_with(&unproven, OTHER_PASSWORD).await.err().unwrap();
    house.sign_in(THIRD, OTHER_PASSWORD).await.err().unwrap();
    house.sign_in(THIRD, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn of_two_accounts_that_open_links_to_one_address_at_once_one_has_it() {
    let (house, anna) = anna().await;
    house.join(BEN, PASSWORD).await;
    house.mails();
    let ben = house.sign_in(BEN, PASSWORD).await.unwrap();
    let (annas, bens) = (house.token_for(&anna, NEW).await, house.token_for(&ben, NEW).await);
    let other = house.replica();
    let (one, two) = tokio::join!(house.confirm_address(&anna, &annas), other.confirm_address(&ben, &bens));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let refused = one.err().or(two.err()).unwrap();
    assert_eq!(not_found(&refused), (Code::NotFound, "EMAIL_CHANGE_NOT_FOUND".into()));
    house.sign_in(NEW, PASSWORD).await.unwrap();
    let kept = [house.sign_in(ANNA, PASSWORD).await.is_ok(), house.sign_in(BEN, PASSWORD).await.is_ok()];
    assert_eq!(kept.iter().filter(|kept| **kept).count(), 1);
}

#[tokio::test]
async fn a_registration_settled_while_an_address_is_given_up_does_not_get_it() {
    let (house, session) = anna().await;
    let token = house.token_for(&session, NEW).await;
    house.register(ANNA, OTHER_PASSWORD).await.unwrap();
    let other = house.replica();
    let (confirmed, settled) =
        tokio::join!(house.confirm_address(&session, &token), jobs::settle_requests(&other.accounts));
    confirmed.unwrap();
    settled.unwrap();
    house.work().await;
    assert_eq!(house.count("account").await, 1);
    house.sign_in(ANNA, OTHER_PASSWORD).await.err().unwrap();
    let undo = house.link_to(ANNA, UNDO);
    house.undo_address(&undo).await.unwrap();
}

#[tokio::test]
async fn an_operator_is_not_made_with_an_address_that_is_kept() {
    let (house, session) = anna().await;
    house.change_address(&session, ANNA, NEW).await;
    let operator = accounts::app::NewOperator {
        address: accounts::domain::Address::parse(ANNA).unwrap(),
        password: accounts::domain::Password::choose("password", PASSWORD).unwrap(),
        zone: accounts::domain::Zone::parse("UTC").unwrap(),
        locale: accounts::domain::Locale::parse("en").unwrap(),
    };
    let refused = accounts::app::create_operator(&house.accounts, operator).await.err().unwrap();
    assert!(matches!(refused, accounts::Error::AddressInUse));
}

#[tokio::test]
async fn a_session_that_ended_asks_for_confirms_and_calls_off_nothing() {
    let (house, session) = anna().await;
    let token = house.token_for(&session, NEW).await;
    let other = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let id = house.passport(&session.passport).await.unwrap().session_id.to_string();
    house.end(&other.passport, &id).await.unwrap();
    for refused in [
        house.ask_for_address(&session, THIRD).await,
        house.confirm_address(&session, &token).await,
        house.call_address_off(&session).await,
    ] {
        assert_eq!(reason(&refused.err().unwrap()), "SESSION_ENDED");
    }
    assert_eq!(house.waiting_address(&other).await.unwrap().email, NEW);
}

#[tokio::test]
async fn a_suspended_account_still_puts_its_address_back() {
    let house = House::new().await;
    let operator = house.operator().await;
    let (anna, ben) = house.couple().await;
    house.mails();
    let session = house.sign_in(BEN, PASSWORD).await.unwrap();
    let undo = house.change_address(&session, BEN, "ben.new@example.org").await;
    let report_id = house.complain(&anna, crate::trust::complaint(&ben)).await.unwrap();
    house.suspend_for(&operator, &report_id, 30).await.unwrap();
    house.undo_address(&undo).await.unwrap();
    assert!(house.is_held(BEN).await, "it is suspended all the same");
}

#[tokio::test]
async fn nothing_is_left_of_addresses_after_an_erasure() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.mails();
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let undo = house.change_address(&session, ANNA, NEW).await;
    let anna = house.signed_in(NEW).await;
    let token = house.token_for(&session, THIRD).await;
    house.ask_for_address(&session, "anna.fourth@example.org").await.unwrap();
    house.ask(&anna, false).await.unwrap();
    house.advance(crate::erasure::WEEK - SignedDuration::from_hours(1));
    // It takes nothing of the week that the address is kept.
    assert_eq!(house.count("email_undo").await, 1);
    house.advance(SignedDuration::from_hours(1));
    let erasure_id = house.erasure_id().await;
    house.go_through(erasure_id).await;
    for table in ["email_undo", "email_change", "address_request", "account"] {
        assert_eq!(house.count(table).await, 0, "{table}");
    }
    house.undo_address(&undo).await.err().unwrap();
    assert!(token.starts_with("cn_"));
    house.join(ANNA, OTHER_PASSWORD).await;
}
