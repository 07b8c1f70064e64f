//! Second factors: the authenticator app, its recovery codes, and what they keep closed.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use crate::people::visible;
use accounts::{
    app::{self, NewOperator},
    domain::{Address, Locale, Password, Zone},
    jobs,
};
use candor_proto::accounts::v1::{
    BeginTotpRequest, CompleteSignInRequest, CompleteSignInResponse, ConfirmTotpRequest, GetSecurityRequest,
    GetSecurityResponse, RemoveTotpRequest, RenewRecoveryCodesRequest, SecurityNoticeKind,
    security_service_server::SecurityService as _, session_service_server::SessionService as _,
};
use chassis::{
    identity::{Assurance, Kind},
    rpc::admit_kinds,
};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};
use totp_rs::{Builder, Secret};

const ANNA: &str = "anna@example.org";
const NEW: &str = "seven grey herons on a fence";

/// Somebody's phone.
pub struct Phone(totp_rs::Totp);

impl Phone {
    /// What it shows now.
    pub fn code(&self, house: &House) -> String {
        self.0.generate(house.now().as_second().unsigned_abs()).to_string()
    }
}

impl House {
    /// Sets up an app in a session that was proven lately; its codes are what it shows from the next half minute on.
    pub async fn add_app(&self, passport: &str) -> (Phone, Vec<String>) {
        let phone = self.propose_app(passport).await;
        let codes = self.confirm(passport, &phone.code(self)).await.unwrap();
        self.advance(SignedDuration::from_secs(30));
        (phone, codes)
    }

    /// A phone with an app that waits for its first code.
    pub async fn propose_app(&self, passport: &str) -> Phone {
        let request = self.with_passport(passport, BeginTotpRequest {}).await;
        let begun = self.rpc.begin_totp(request).await.unwrap().into_inner();
        let secret = Secret::try_from_base32(&begun.secret).unwrap();
        Phone(Builder::new().with_secret(secret).build().unwrap())
    }

    async fn confirm(&self, passport: &str, code: &str) -> Result<Vec<String>, Status> {
        let message = ConfirmTotpRequest { code: code.into(), ..ConfirmTotpRequest::default() };
        let request = self.with_passport(passport, message).await;
        Ok(self.rpc.confirm_totp(request).await?.into_inner().recovery_codes)
    }

    async fn remove_app(&self, passport: &str) -> Result<(), Status> {
        let request = self.with_passport(passport, RemoveTotpRequest::default()).await;
        self.rpc.remove_totp(request).await.map(drop)
    }

    async fn security(&self, passport: &str) -> GetSecurityResponse {
        let request = self.with_passport(passport, GetSecurityRequest {}).await;
        self.rpc.get_security(request).await.unwrap().into_inner()
    }

    /// The first half of a sign-in.
    pub async fn half(&self, email: &str, password: &str) -> String {
        let half = self.sign_in(email, password).await.unwrap();
        assert!(half.session_secret.is_empty() && half.passport.is_empty() && half.session_id.is_empty());
        half.pending_token
    }

    pub async fn complete(&self, token: &str, code: &str) -> Result<CompleteSignInResponse, Status> {
        let message = CompleteSignInRequest {
            pending_token: token.into(),
            code: code.into(),
            device_token: self.tablet(),
        };
        self.rpc.complete_sign_in(Request::new(message)).await.map(tonic::Response::into_inner)
    }

    /// Both halves of a sign-in.
    async fn sign_in_by_two(&self, email: &str, password: &str, code: &str) -> CompleteSignInResponse {
        self.complete(&self.half(email, password).await, code).await.unwrap()
    }

    pub async fn assurance(&self, passport: &str) -> Assurance {
        self.passport(passport).await.unwrap().assurance
    }
}

/// Anna with an app: a session, what her phone shows, and her recovery codes.
async fn with_app(house: &House) -> (String, Phone, Vec<String>) {
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (phone, codes) = house.add_app(&session.passport).await;
    (session.session_secret, phone, codes)
}

#[tokio::test]
async fn an_app_counts_from_its_first_code_on() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.assurance(&session.passport).await, Assurance::One);
    let begin = async || {
        let request = house.with_passport(&session.passport, BeginTotpRequest {}).await;
        house.rpc.begin_totp(request).await.unwrap().into_inner()
    };
    let begun = begin().await;
    assert_eq!(
        begun.uri,
        format!(
            "otpauth://totp/candor.example?secret={}&issuer=candor.example&algorithm=SHA1&digits=6&period=30",
            begun.secret
        )
    );
    // Looked at again it is the same, and a wrong code leaves it waiting; meanwhile a password is enough.
    assert_eq!(begin().await.secret, begun.secret);
    let refused = house.confirm(&session.passport, "000000").await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PROOF_REFUSED"));
    assert!(!house.sign_in(ANNA, PASSWORD).await.unwrap().session_secret.is_empty());
    assert!(house.security(&session.passport).await.totp_time.is_none());

    let (phone, codes) = house.add_app(&session.passport).await;
    assert_eq!(codes.len(), 10);
    let minted = house.mint(&session.session_secret).await.unwrap().passport;
    assert_eq!(house.assurance(&minted).await, Assurance::Two);
    let security = house.security(&minted).await;
    assert!(security.totp_time.is_some() && security.recovery_codes == 10 && !security.second_factor_missing);
    let half = house.half(ANNA, PASSWORD).await;
    let whole = house.complete(&half, &phone.code(&house)).await.unwrap();
    assert_eq!(house.assurance(&whole.passport).await, Assurance::Two);
    assert_eq!(house.notices(&minted).await[0], SecurityNoticeKind::AppAdded.as_str_name());
    // Nothing of it lies in the clear.
    let dump = house.dump().await;
    let bytes: Vec<u8> = Secret::try_from_base32(&begun.secret).unwrap().as_bytes().to_vec();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!dump.contains(&hex) && !dump.contains(&begun.secret) && !dump.contains(&codes[0]));
}

#[tokio::test]
async fn a_proposal_waits_a_quarter_of_an_hour_and_another_secret_takes_its_place() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let request = house.with_passport(&session.passport, BeginTotpRequest {}).await;
    let first = house.rpc.begin_totp(request).await.unwrap().into_inner().secret;
    house.advance(SignedDuration::from_mins(15));
    let fresh = house.mint(&session.session_secret).await.unwrap().passport;
    let passport = house.prove_again(&fresh, PASSWORD).await.unwrap().passport;
    assert_eq!(reason(&house.confirm(&passport, "123456").await.err().unwrap()), "NO_APP_WAITS");
    let request = house.with_passport(&passport, BeginTotpRequest {}).await;
    assert_ne!(house.rpc.begin_totp(request).await.unwrap().into_inner().secret, first);
    house.add_app(&passport).await;
    // Another app in the place of the first: the codes stay, the first phone is good for nothing.
    let (second, codes) = house.add_app(&passport).await;
    assert!(codes.is_empty());
    house.sign_in_by_two(ANNA, PASSWORD, &second.code(&house)).await;
}

#[tokio::test]
async fn without_the_second_factor_the_right_password_opens_nothing() {
    let house = House::new().await;
    let (_, phone, codes) = with_app(&house).await;
    let half = house.half(ANNA, PASSWORD).await;
    let sessions = house.count("session").await;
    let mut refused = Vec::new();
    let other = RecoveryLike::of(&codes[0]);
    for code in ["", "000000", "nonsense", &other.0] {
        refused.push(visible(&house.complete(&half, code).await.err().unwrap()));
    }
    assert!(refused.iter().all(|one| *one == refused[0]));
    assert_eq!(refused[0].0, Code::Unauthenticated);
    house.mint(&half).await.err().unwrap();
    assert_eq!(house.count("session").await, sessions);
    // The half is good once, and for ten minutes.
    let whole = house.complete(&half, &phone.code(&house)).await.unwrap();
    house.mint(&whole.session_secret).await.unwrap();
    house.advance(SignedDuration::from_mins(10));
    let over = house.complete(&half, &phone.code(&house)).await.err().unwrap();
    assert_eq!((over.code(), reason(&over).as_str()), (Code::Unauthenticated, "SIGN_IN_OVER"));
    let late = house.half(ANNA, PASSWORD).await;
    house.advance(SignedDuration::from_mins(10));
    let over_too = house.complete(&late, &phone.code(&house)).await.err().unwrap();
    let unknown = house.complete("ch_AAAA", &phone.code(&house)).await.err().unwrap();
    assert!(visible(&over) == visible(&over_too) && visible(&over) == visible(&unknown));
    jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("pending_sign_in").await, 0);
}

/// A code of the right form that nobody was given.
struct RecoveryLike(String);

impl RecoveryLike {
    fn of(code: &str) -> Self {
        let last = if code.ends_with('0') { '1' } else { '0' };
        Self(format!("{}{last}", &code[..code.len() - 1]))
    }
}

#[tokio::test]
async fn a_code_works_once_even_for_two_at_the_same_time() {
    let house = House::new().await;
    let (_, phone, _) = with_app(&house).await;
    let code = phone.code(&house);
    let (one, two) = (house.half(ANNA, PASSWORD).await, house.half(ANNA, PASSWORD).await);
    let other = house.replica();
    let (first, second) = tokio::join!(house.complete(&one, &code), other.complete(&two, &code));
    assert!(first.is_ok() != second.is_ok());
    let lost = first.err().or(second.err()).unwrap();
    assert_eq!(reason(&lost), "SECOND_FACTOR_REFUSED");
    // Nor does the one before it any more, although it would still fit.
    house.advance(SignedDuration::from_secs(30));
    let next = phone.code(&house);
    house.sign_in_by_two(ANNA, PASSWORD, &next).await;
    let half = house.half(ANNA, PASSWORD).await;
    assert_eq!(reason(&house.complete(&half, &code).await.err().unwrap()), "SECOND_FACTOR_REFUSED");
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_app_once() {
    let house = House::new().await;
    let (secret, _, codes) = with_app(&house).await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let whole = house.sign_in_by_two(ANNA, PASSWORD, &typed).await;
    assert_eq!(house.assurance(&whole.passport).await, Assurance::Two);
    assert_eq!(house.security(&whole.passport).await.recovery_codes, 9);
    assert_eq!(house.notices(&whole.passport).await[0], SecurityNoticeKind::RecoveryCodeUsed.as_str_name());
    let half = house.half(ANNA, PASSWORD).await;
    assert_eq!(reason(&house.complete(&half, &codes[3]).await.err().unwrap()), "SECOND_FACTOR_REFUSED");
    house.complete(&half, &codes[4]).await.unwrap();
    // Nobody else's code does.
    house.join("ben@example.org", PASSWORD).await;
    let ben = house.sign_in("ben@example.org", PASSWORD).await.unwrap();
    let (_, bens) = house.add_app(&ben.passport).await;
    let half = house.half(ANNA, PASSWORD).await;
    assert_eq!(reason(&house.complete(&half, &bens[0]).await.err().unwrap()), "SECOND_FACTOR_REFUSED");
    // New ones make those before worthless.
    let passport = house.mint(&secret).await.unwrap().passport;
    let request = house.with_passport(&passport, RenewRecoveryCodesRequest::default()).await;
    let renewed = house.rpc.renew_recovery_codes(request).await.unwrap().into_inner().recovery_codes;
    assert_eq!(renewed.len(), 10);
    assert!(renewed.iter().all(|code| !codes.contains(code)));
    house.advance(SignedDuration::from_mins(10));
    let half = house.half(ANNA, PASSWORD).await;
    assert_eq!(reason(&house.complete(&half, &codes[5]).await.err().unwrap()), "SECOND_FACTOR_REFUSED");
    house.complete(&half, &renewed[0]).await.unwrap();
}

#[tokio::test]
async fn guessing_codes_is_slow_and_the_owner_is_told() {
    let house = House::new().await;
    let (secret, phone, _) = with_app(&house).await;
    house.advance(SignedDuration::from_mins(10));
    for _ in 0..5 {
        let half = house.half(ANNA, PASSWORD).await;
        assert_eq!(reason(&house.complete(&half, "000000").await.err().unwrap()), "SECOND_FACTOR_REFUSED");
    }
    for _ in 0..3 {
        let half = house.half(ANNA, PASSWORD).await;
        let refused = house.complete(&half, &phone.code(&house)).await.err().unwrap();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::ResourceExhausted, "TOO_MANY_ATTEMPTS")
        );
        assert!(!refused.message().contains("signed in"), "nobody is yet: {}", refused.message());
    }
    let passport = house.mint(&secret).await.unwrap().passport;
    let told = house.notices(&passport).await;
    assert_eq!(
        told.iter().filter(|kind| **kind == SecurityNoticeKind::CodesRefused.as_str_name()).count(),
        1
    );
    house.work().await;
    assert_eq!(house.mails().pop().unwrap().subject, "About your account");
    // Open sessions do not notice, and after two minutes there is another turn.
    house.advance(SignedDuration::from_mins(2));
    house.sign_in_by_two(ANNA, PASSWORD, &phone.code(&house)).await;
    // Whoever is whole starts afresh.
    house.advance(SignedDuration::from_secs(30));
    house.sign_in_by_two(ANNA, PASSWORD, &phone.code(&house)).await;
}

#[tokio::test]
async fn a_proof_in_a_session_needs_both_and_says_what_is_missing() {
    let house = House::new().await;
    let (secret, phone, codes) = with_app(&house).await;
    house.advance(SignedDuration::from_mins(10));
    let passport = house.mint(&secret).await.unwrap().passport;
    let missing = house.prove_again(&passport, PASSWORD).await.err().unwrap();
    assert_eq!(missing.code(), Code::InvalidArgument);
    assert!(missing.message().contains("code"));
    for (password, code) in [(PASSWORD, "000000"), (OTHER_PASSWORD, &*phone.code(&house))] {
        let refused = house.prove_by_two(&passport, password, code).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PROOF_REFUSED"));
    }
    house.prove_by_two(&passport, PASSWORD, &phone.code(&house)).await.unwrap();
    // Used once it is used up, here as well; a recovery code does too.
    let again = house.prove_by_two(&passport, PASSWORD, &phone.code(&house)).await.err().unwrap();
    assert_eq!(reason(&again), "PROOF_REFUSED");
    house.advance(SignedDuration::from_secs(30));
    let passport = house.mint(&secret).await.unwrap().passport;
    house.prove_by_two(&passport, PASSWORD, &codes[0]).await.unwrap();
}

#[tokio::test]
async fn a_mail_alone_sets_no_password_where_there_is_a_second_factor() {
    let house = House::new().await;
    let (secret, phone, codes) = with_app(&house).await;
    let token = house.reset_token(ANNA).await;
    let missing = house.reset(&token, NEW).await.err().unwrap();
    assert_eq!(
        (missing.code(), reason(&missing).as_str()),
        (Code::FailedPrecondition, "SECOND_FACTOR_REQUIRED")
    );
    for _ in 0..5 {
        let refused = house.reset_with(&token, NEW, "000000").await.err().unwrap();
        assert_eq!(reason(&refused), "SECOND_FACTOR_REFUSED");
    }
    // Whoever reads the mail guesses slowly, and uses up no turns of a sign-in.
    let slowed = house.reset_with(&token, NEW, &phone.code(&house)).await.err().unwrap();
    assert_eq!(reason(&slowed), "TOO_MANY_ATTEMPTS");
    house.sign_in_by_two(ANNA, PASSWORD, &phone.code(&house)).await;
    house.mint(&secret).await.unwrap();
    house.advance(SignedDuration::from_mins(2));
    let half = house.half(ANNA, PASSWORD).await;
    house.reset_with(&token, NEW, &codes[0]).await.unwrap();
    house.mint(&secret).await.err().unwrap();
    // Half a sign-in with the password before is worth nothing, and the factor is still asked for.
    assert_eq!(reason(&house.complete(&half, &codes[1]).await.err().unwrap()), "SIGN_IN_OVER");
    let whole = house.sign_in_by_two(ANNA, NEW, &phone.code(&house)).await;
    let told = house.notices(&whole.passport).await;
    assert!(
        told.contains(&SecurityNoticeKind::PasswordReset.as_str_name())
            && told.contains(&SecurityNoticeKind::CodesRefused.as_str_name())
    );
}

#[tokio::test]
async fn a_short_password_stands_beside_a_second_factor_and_never_alone() {
    let house = House::new().await;
    let (secret, phone, _) = with_app(&house).await;
    let passport = house.mint(&secret).await.unwrap().passport;
    let refused = house.change(&passport, "shrt-7b", true).await.err().unwrap();
    assert!(refused.message().contains("at least 8"), "{refused}");
    house.change(&passport, "vx7-Kd2!qh", true).await.unwrap();
    house.sign_in_by_two(ANNA, "vx7-Kd2!qh", &phone.code(&house)).await;
    let alone = house.remove_app(&passport).await.err().unwrap();
    assert_eq!(
        (alone.code(), reason(&alone).as_str()),
        (Code::FailedPrecondition, "PASSWORD_TOO_SHORT_ALONE")
    );
    house.change(&passport, NEW, true).await.unwrap();
    house.remove_app(&passport).await.unwrap();
    assert_eq!(house.remove_app(&passport).await.err().unwrap().code(), Code::NotFound);
    // Without a factor there are no codes, and no session counts as proven by two.
    let security = house.security(&passport).await;
    assert!(security.totp_time.is_none() && security.recovery_codes == 0);
    let minted = house.mint(&secret).await.unwrap().passport;
    assert_eq!(house.assurance(&minted).await, Assurance::One);
    assert!(!house.sign_in(ANNA, NEW).await.unwrap().session_secret.is_empty());
    assert_eq!(house.change(&minted, "vx7-Kd2!qh", true).await.err().unwrap().code(), Code::InvalidArgument);
    let request = house.with_passport(&minted, RenewRecoveryCodesRequest::default()).await;
    assert_eq!(house.rpc.renew_recovery_codes(request).await.err().unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn factors_are_changed_only_by_who_proved_it_lately() {
    let house = House::new().await;
    let (secret, ..) = with_app(&house).await;
    house.advance(SignedDuration::from_mins(6));
    let passport = house.mint(&secret).await.unwrap().passport;
    let begin = house.rpc.begin_totp(house.with_passport(&passport, BeginTotpRequest {}).await).await.err();
    let renew = house.with_passport(&passport, RenewRecoveryCodesRequest::default()).await;
    let renew = house.rpc.renew_recovery_codes(renew).await.err();
    let confirm = house.confirm(&passport, "123456").await.err();
    let remove = house.remove_app(&passport).await.err();
    for refused in [begin, renew, confirm, remove] {
        assert_eq!(reason(&refused.unwrap()), "STEP_UP_REQUIRED");
    }
}

#[tokio::test]
async fn those_who_run_the_platform_have_no_authority_before_a_second_factor() {
    let house = House::new().await;
    let operator = NewOperator {
        address: Address::parse("ops@example.org").unwrap(),
        password: Password::choose("password", PASSWORD).unwrap(),
        zone: Zone::parse("UTC").unwrap(),
        locale: Locale::parse("").unwrap(),
    };
    app::create_operator(&house.accounts, operator).await.unwrap();
    let session = house.sign_in("ops@example.org", PASSWORD).await.unwrap();
    assert!(house.security(&session.passport).await.second_factor_missing);
    let admitted = async |passport: &str| {
        let request = house.with_passport(passport, GetSecurityRequest {}).await;
        admit_kinds(request, &[Kind::Operator]).map(drop).map_err(|fault| fault.reason)
    };
    assert_eq!(admitted(&session.passport).await, Err("SECOND_FACTOR_REQUIRED"));
    let (phone, _) = house.add_app(&session.passport).await;
    let minted = house.mint(&session.session_secret).await.unwrap().passport;
    assert_eq!(admitted(&minted).await, Ok(()));
    let whole = house.sign_in_by_two("ops@example.org", PASSWORD, &phone.code(&house)).await;
    assert_eq!(admitted(&whole.passport).await, Ok(()));
    house.advance(SignedDuration::from_secs(30));
    house
        .remove_app(
            &house.prove_by_two(&whole.passport, PASSWORD, &phone.code(&house)).await.unwrap().passport,
        )
        .await
        .unwrap();
    let minted = house.mint(&whole.session_secret).await.unwrap().passport;
    assert_eq!(admitted(&minted).await, Err("SECOND_FACTOR_REQUIRED"));
}

#[tokio::test]
async fn a_secret_that_another_session_was_shown_is_never_shown_again() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let (one, two) =
        (house.sign_in(ANNA, PASSWORD).await.unwrap(), house.sign_in(ANNA, PASSWORD).await.unwrap());
    let begin = async |passport: &str| {
        let request = house.with_passport(passport, BeginTotpRequest {}).await;
        house.rpc.begin_totp(request).await.map(|begun| begun.into_inner().secret)
    };
    let seen = begin(&one.passport).await.unwrap();
    assert_eq!(begin(&one.passport).await.unwrap(), seen, "the session that was shown it may see it again");
    let own = begin(&two.passport).await.unwrap();
    assert_ne!(own, seen);
    // What waits is the second one's: the first cannot confirm with what it saw.
    let phone = Phone(Builder::new().with_secret(Secret::try_from_base32(&seen).unwrap()).build().unwrap());
    assert_eq!(reason(&house.confirm(&one.passport, &phone.code(&house)).await.unwrap_err()), "NO_APP_WAITS");
    // Another password forgets what waits.
    house.change(&two.passport, NEW, true).await.unwrap();
    assert_ne!(begin(&two.passport).await.unwrap(), own);
}

#[tokio::test]
async fn a_password_proven_before_there_was_a_second_factor_is_not_enough_after() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let (one, two) =
        (house.sign_in(ANNA, PASSWORD).await.unwrap(), house.sign_in(ANNA, PASSWORD).await.unwrap());
    let (phone, _) = house.add_app(&one.passport).await;
    let begin = house.with_passport(&two.passport, BeginTotpRequest {}).await;
    let codes = house.with_passport(&two.passport, RenewRecoveryCodesRequest::default()).await;
    let refused = [
        house.rpc.begin_totp(begin).await.err().unwrap(),
        house.rpc.renew_recovery_codes(codes).await.err().unwrap(),
        house.remove_app(&two.passport).await.unwrap_err(),
        house.change(&two.passport, NEW, false).await.unwrap_err(),
    ];
    for refused in refused {
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "STEP_UP_REQUIRED")
        );
    }
    // The app still counts, and whoever proved with it may take it away.
    house.half(ANNA, PASSWORD).await;
    let whole = house.sign_in_by_two(ANNA, PASSWORD, &phone.code(&house)).await;
    house.remove_app(&whole.passport).await.unwrap();
}
