//! Passkeys: added, shown in the place of a password or a code, and what is refused.

use crate::erasure::WEEK;
use crate::kit::{House, PASSWORD, reason};
use crate::people::visible;
use candor_proto::accounts::v1::{
    AddPasskeyRequest, BeginPasskeyRequest, BeginPasskeyResponse, BeginPasskeySignInRequest,
    BeginPasskeyStepUpRequest, ListPasskeysRequest, Passkey, RemovePasskeyRequest, RenamePasskeyRequest,
    RequestErasureRequest, SecurityNoticeKind, SignInResponse, SignInWithPasskeyRequest,
    SignInWithPasskeyResponse, StepUpWithPasskeyRequest, passkey_service_server::PasskeyService as _,
    privacy_service_server::PrivacyService as _,
};
use candor_tests::Device;
use chassis::identity::Assurance;
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const ANNA: &str = "anna@example.org";
const BEN: &str = "ben@example.org";
pub const SITE: &str = "https://candor.example";

impl House {
    pub async fn ask_for_new(&self, passport: &str) -> Result<BeginPasskeyResponse, Status> {
        let message = BeginPasskeyRequest { name: "my blue key".into() };
        let request = self.with_passport(passport, message).await;
        self.rpc.begin_passkey(request).await.map(tonic::Response::into_inner)
    }

    pub async fn add(&self, passport: &str, token: &str, credential: &str) -> Result<Vec<String>, Status> {
        let message = AddPasskeyRequest { challenge_token: token.into(), credential: credential.into() };
        let request = self.with_passport(passport, message).await;
        Ok(self.rpc.add_passkey(request).await?.into_inner().recovery_codes)
    }

    /// Adds a passkey in a session that was proven lately.
    pub async fn add_passkey(&self, passport: &str, seed: u8) -> (Device, Vec<String>) {
        let asked = self.ask_for_new(passport).await.unwrap();
        let (device, says) = Device::make(SITE, &asked.options, seed);
        (device, self.add(passport, &asked.challenge_token, &says).await.unwrap())
    }

    pub async fn passkeys(&self, passport: &str) -> Vec<Passkey> {
        let request = self.with_passport(passport, ListPasskeysRequest {}).await;
        self.rpc.list_passkeys(request).await.unwrap().into_inner().passkeys
    }

    async fn rename(&self, passport: &str, passkey_id: &str, name: &str) -> Result<(), Status> {
        let message = RenamePasskeyRequest { passkey_id: passkey_id.into(), name: name.into() };
        self.rpc.rename_passkey(self.with_passport(passport, message).await).await.map(drop)
    }

    async fn remove_passkey(&self, passport: &str, passkey_id: &str) -> Result<(), Status> {
        let message = RemovePasskeyRequest { passkey_id: passkey_id.into(), others_go_on: false };
        self.rpc.remove_passkey(self.with_passport(passport, message).await).await.map(drop)
    }

    /// What a device is asked at the door: options, and the token that the answer comes with.
    pub async fn ask_at_the_door(&self, half: &str) -> Result<(String, String), Status> {
        let request = Request::new(BeginPasskeySignInRequest { pending_token: half.into() });
        let asked = self.rpc.begin_passkey_sign_in(request).await?.into_inner();
        Ok((asked.options, asked.challenge_token))
    }

    async fn show(&self, token: &str, credential: &str) -> Result<SignInWithPasskeyResponse, Status> {
        let message = SignInWithPasskeyRequest {
            challenge_token: token.into(),
            credential: credential.into(),
            device_label: "kitchen tablet".into(),
            device_token: self.tablet(),
        };
        self.rpc.sign_in_with_passkey(Request::new(message)).await.map(tonic::Response::into_inner)
    }

    /// A whole sign-in with nothing but the device.
    pub async fn sign_in_with(&self, device: &mut Device) -> Result<SignInWithPasskeyResponse, Status> {
        let (options, token) = self.ask_at_the_door("").await?;
        self.show(&token, &device.answer(&options)).await
    }

    pub async fn ask_again(&self, passport: &str) -> Result<(String, String), Status> {
        let request = self.with_passport(passport, BeginPasskeyStepUpRequest {}).await;
        let asked = self.rpc.begin_passkey_step_up(request).await?.into_inner();
        Ok((asked.options, asked.challenge_token))
    }

    pub async fn prove_with(&self, passport: &str, token: &str, credential: &str) -> Result<String, Status> {
        let message =
            StepUpWithPasskeyRequest { challenge_token: token.into(), credential: credential.into() };
        let request = self.with_passport(passport, message).await;
        Ok(self.rpc.step_up_with_passkey(request).await?.into_inner().passport)
    }
}

async fn signed_in(house: &House, email: &str) -> SignInResponse {
    house.join(email, PASSWORD).await;
    house.sign_in(email, PASSWORD).await.unwrap()
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_counts_as_two_factors() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let (mut device, codes) = house.add_passkey(&session.passport, 7).await;
    assert_eq!(codes.len(), 10, "with the first factor come recovery codes");
    // The session it was added in is as strong as one that it begins.
    let minted = house.mint(&session.session_secret).await.unwrap().passport;
    assert_eq!(house.passport(&minted).await.unwrap().assurance, Assurance::Two);
    let whole = house.sign_in_with(&mut device).await.unwrap();
    let passport = house.passport(&whole.passport).await.unwrap();
    assert_eq!(passport.assurance, Assurance::Two);
    assert_eq!(passport.account_id, house.passport(&minted).await.unwrap().account_id);
    house.mint(&whole.session_secret).await.unwrap();
    let mine = house.passkeys(&whole.passport).await;
    assert_eq!((mine.len(), mine[0].name.as_str()), (1, "my blue key"));
    assert!(mine[0].use_time.is_some());
    assert_eq!(house.notices(&minted).await[0], SecurityNoticeKind::PasskeyAdded.as_str_name());
    assert!(!house.dump().await.contains("my blue key"), "its name is sealed");
    // A device that does not count works as well, again and again.
    let (mut still, more) = house.add_passkey(&minted, 8).await;
    assert!(more.is_empty());
    still.counts = false;
    for _ in 0..2 {
        house.sign_in_with(&mut still).await.unwrap();
    }
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_after_the_password() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let (mut device, codes) = house.add_passkey(&session.passport, 7).await;
    let begun = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(begun.session_secret.is_empty() && begun.passkey);
    let (options, token) = house.ask_at_the_door(&begun.pending_token).await.unwrap();
    let asked: serde_json::Value = serde_json::from_str(&options).unwrap();
    let own = serde_json::json!([{"type": "public-key", "id": device.id()}]);
    assert_eq!(asked["allowCredentials"], own, "only this account's are asked for");
    // The account was named by the password, so the device need not say whose it is.
    device.names_user = false;
    let whole = house.show(&token, &device.answer(&options)).await.unwrap();
    assert_eq!(house.passport(&whole.passport).await.unwrap().assurance, Assurance::Two);
    // The half is used up: nothing finishes it a second time.
    assert_eq!(reason(&house.complete(&begun.pending_token, &codes[0]).await.err().unwrap()), "SIGN_IN_OVER");
    assert_eq!(reason(&house.ask_at_the_door(&begun.pending_token).await.err().unwrap()), "SIGN_IN_OVER");
    // A recovery code stands in for the passkey, and a half that is finished meanwhile is over for the passkey too.
    let half = house.half(ANNA, PASSWORD).await;
    let (options, token) = house.ask_at_the_door(&half).await.unwrap();
    house.complete(&half, &codes[0]).await.unwrap();
    let late = house.show(&token, &device.answer(&options)).await.err().unwrap();
    assert_eq!(reason(&late), "SIGN_IN_OVER");
}

#[tokio::test]
async fn an_answer_is_taken_once_and_for_five_minutes() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let (mut device, _) = house.add_passkey(&session.passport, 7).await;
    let (options, token) = house.ask_at_the_door("").await.unwrap();
    let answer = device.answer(&options);
    house.show(&token, &answer).await.unwrap();
    let replayed = house.show(&token, &answer).await.err().unwrap();
    assert_eq!((replayed.code(), reason(&replayed).as_str()), (Code::Unauthenticated, "SIGN_IN_OVER"));
    // Nor does it fit another challenge.
    let (_, other) = house.ask_at_the_door("").await.unwrap();
    assert_eq!(reason(&house.show(&other, &answer).await.err().unwrap()), "PASSKEY_REFUSED");
    // A wrong answer uses a challenge up as well.
    let (options, token) = house.ask_at_the_door("").await.unwrap();
    house.show(&token, &answer).await.err().unwrap();
    assert_eq!(reason(&house.show(&token, &device.answer(&options)).await.err().unwrap()), "SIGN_IN_OVER");
    let (options, token) = house.ask_at_the_door("").await.unwrap();
    house.advance(SignedDuration::from_mins(5));
    assert_eq!(reason(&house.show(&token, &device.answer(&options)).await.err().unwrap()), "SIGN_IN_OVER");
    accounts::jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("passkey_challenge").await, 0);
}

#[tokio::test]
async fn of_two_who_bring_one_answer_one_gets_in() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let (mut device, _) = house.add_passkey(&session.passport, 7).await;
    let (options, token) = house.ask_at_the_door("").await.unwrap();
    let answer = device.answer(&options);
    let other = house.replica();
    let (one, two) = tokio::join!(house.show(&token, &answer), other.show(&token, &answer));
    assert!(one.is_ok() != two.is_ok());
}

#[tokio::test]
async fn whatever_does_not_fit_is_refused_alike() {
    let house = House::new().await;
    let anna = signed_in(&house, ANNA).await;
    let (annas, _) = house.add_passkey(&anna.passport, 7).await;
    let ben = signed_in(&house, BEN).await;
    let (bens, _) = house.add_passkey(&ben.passport, 8).await;
    let liar = |change: &dyn Fn(&mut Device)| {
        let mut liar = annas.clone();
        change(&mut liar);
        liar
    };
    let unknown = Device::make(SITE, &house.ask_for_new(&anna.passport).await.unwrap().options, 9).0;
    let liars = [
        liar(&|device| device.origin = "https://candor.example.attacker.example".into()),
        liar(&|device| device.origin = "https://evil.candor.example".into()),
        liar(&|device| device.origin = "https://candor.example:8443".into()),
        liar(&|device| device.rp_id = "attacker.example".into()),
        liar(&|device| device.verifies = false),
        liar(&|device| device.names_user = false),
        liar(&|device| device.user.clone_from(&bens.user)),
        unknown,
    ];
    let sessions = house.count("session").await;
    let mut refused = Vec::new();
    for mut liar in liars {
        refused.push(visible(&house.sign_in_with(&mut liar).await.err().unwrap()));
    }
    let (_, token) = house.ask_at_the_door("").await.unwrap();
    refused.push(visible(&house.show(&token, "{}").await.err().unwrap()));
    assert!(refused.iter().all(|one| *one == refused[0]));
    assert_eq!(refused[0].0, Code::Unauthenticated);
    assert_eq!(house.count("session").await, sessions);
    // After Anna's password Ben's passkey finishes nothing.
    let half = house.half(ANNA, PASSWORD).await;
    let (options, token) = house.ask_at_the_door(&half).await.unwrap();
    let refused = house.show(&token, &bens.clone().answer(&options)).await.err().unwrap();
    assert_eq!(reason(&refused), "PASSKEY_REFUSED");
}

#[tokio::test]
async fn a_device_that_counts_back_is_refused_and_its_owner_told() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let (mut device, _) = house.add_passkey(&session.passport, 7).await;
    let mut copy = device.clone();
    house.sign_in_with(&mut device).await.unwrap();
    let whole = house.sign_in_with(&mut device).await.unwrap();
    assert_eq!(reason(&house.sign_in_with(&mut copy).await.err().unwrap()), "PASSKEY_REFUSED");
    assert_eq!(house.notices(&whole.passport).await[0], SecurityNoticeKind::PasskeyDoubted.as_str_name());
}

#[tokio::test]
async fn a_passkey_is_a_fresh_proof_in_the_session_that_asked() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let before = house.ask_again(&session.passport).await.err().unwrap();
    assert_eq!(reason(&before), "FACTOR_NOT_FOUND");
    let (mut device, _) = house.add_passkey(&session.passport, 7).await;
    house.advance(SignedDuration::from_mins(6));
    let old = house.mint(&session.session_secret).await.unwrap().passport;
    assert_eq!(reason(&house.ask_for_new(&old).await.err().unwrap()), "STEP_UP_REQUIRED");
    let (options, token) = house.ask_again(&old).await.unwrap();
    // Another session of hers cannot bring the answer.
    let other = house.sign_in_with(&mut device).await.unwrap();
    let answer = device.answer(&options);
    let strange = house.prove_with(&other.passport, &token, &answer).await.err().unwrap();
    assert_eq!(
        (strange.code(), reason(&strange).as_str()),
        (Code::FailedPrecondition, "PASSKEY_CHALLENGE_OVER")
    );
    let (options, token) = house.ask_again(&old).await.unwrap();
    let fresh = house.prove_with(&old, &token, &device.answer(&options)).await.unwrap();
    house.ask_for_new(&fresh).await.unwrap();
    // Ben's passkey proves nothing of Anna, and says so without signing her out.
    let ben = signed_in(&house, BEN).await;
    let (mut bens, _) = house.add_passkey(&ben.passport, 8).await;
    let (options, token) = house.ask_again(&fresh).await.unwrap();
    let refused = house.prove_with(&fresh, &token, &bens.answer(&options)).await.err().unwrap();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PROOF_REFUSED"));
    // A session that has ended is not revived by a proof.
    let (options, token) = house.ask_again(&fresh).await.unwrap();
    let own = house.passport(&fresh).await.unwrap().session_id.to_string();
    house.end(&fresh, &own).await.unwrap();
    let over = house.prove_with(&fresh, &token, &device.answer(&options)).await.err().unwrap();
    assert_eq!(reason(&over), "SESSION_ENDED");
}

#[tokio::test]
async fn a_passkey_is_added_only_by_the_living_session_that_asked() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let asked = house.ask_for_new(&session.passport).await.unwrap();
    let (device, says) = Device::make(SITE, &asked.options, 7);
    let other = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let strange = house.add(&other.passport, &asked.challenge_token, &says).await.err().unwrap();
    assert_eq!(reason(&strange), "PASSKEY_CHALLENGE_OVER");
    // It was used up by that; and a challenge to sign in with makes no passkey.
    let again = house.add(&session.passport, &asked.challenge_token, &says).await.err().unwrap();
    assert_eq!(reason(&again), "PASSKEY_CHALLENGE_OVER");
    let (_, token) = house.ask_at_the_door("").await.unwrap();
    assert_eq!(
        reason(&house.add(&session.passport, &token, &says).await.err().unwrap()),
        "PASSKEY_CHALLENGE_OVER"
    );
    // Made elsewhere, or without its person, it is none.
    for change in [
        (|device: &mut Device| device.origin = "https://attacker.example".into()) as fn(&mut Device),
        |device| device.rp_id = "attacker.example".into(),
        |device| device.verifies = false,
    ] {
        let asked = house.ask_for_new(&session.passport).await.unwrap();
        let mut liar = device.clone();
        change(&mut liar);
        let refused = house.add(&session.passport, &asked.challenge_token, &liar.made(&asked.options)).await;
        assert_eq!(reason(&refused.err().unwrap()), "PASSKEY_UNUSABLE");
    }
    // A passkey is one account's.
    let (device, _) = house.add_passkey(&session.passport, 7).await;
    let ben = signed_in(&house, BEN).await;
    let asked = house.ask_for_new(&ben.passport).await.unwrap();
    let known =
        house.add(&ben.passport, &asked.challenge_token, &device.made(&asked.options)).await.err().unwrap();
    assert_eq!((known.code(), reason(&known).as_str()), (Code::AlreadyExists, "PASSKEY_KNOWN"));
    // A session that ended adds nothing, though its passport lives on for a minute.
    let asked = house.ask_for_new(&ben.passport).await.unwrap();
    let (_, says) = Device::make(SITE, &asked.options, 8);
    house.end(&ben.passport, &ben.session_id).await.unwrap();
    let over = house.add(&ben.passport, &asked.challenge_token, &says).await.err().unwrap();
    assert_eq!(reason(&over), "SESSION_ENDED");
    assert_eq!(house.count("passkey").await, 1);
}

#[tokio::test]
async fn passkeys_are_named_and_taken_away_by_their_owner_alone() {
    let house = House::new().await;
    let session = signed_in(&house, ANNA).await;
    let (mut device, _) = house.add_passkey(&session.passport, 7).await;
    let anna = house.mint(&session.session_secret).await.unwrap().passport;
    let mine = house.passkeys(&anna).await.remove(0).passkey_id;
    let ben = signed_in(&house, BEN).await;
    for strange in [
        house.rename(&ben.passport, &mine, "not yours").await.err().unwrap(),
        house.remove_passkey(&ben.passport, &mine).await.err().unwrap(),
    ] {
        assert_eq!((strange.code(), reason(&strange).as_str()), (Code::NotFound, "FACTOR_NOT_FOUND"));
    }
    house.rename(&anna, &mine, "the key on the shelf").await.unwrap();
    assert_eq!(house.passkeys(&anna).await[0].name, "the key on the shelf");
    house.rename(&anna, &mine, "  ").await.err().unwrap();
    // A password that cannot stand alone keeps the last factor.
    sqlx::query("UPDATE account SET password_alone = false").execute(house.pool()).await.unwrap();
    let refused = house.remove_passkey(&anna, &mine).await.err().unwrap();
    assert_eq!(reason(&refused), "PASSWORD_TOO_SHORT_ALONE");
    assert_eq!(house.passkeys(&anna).await.len(), 1, "a refusal takes nothing away");
    sqlx::query("UPDATE account SET password_alone = true").execute(house.pool()).await.unwrap();
    house.remove_passkey(&anna, &mine).await.unwrap();
    assert_eq!(house.notices(&anna).await[0], SecurityNoticeKind::PasskeyRemoved.as_str_name());
    assert_eq!(reason(&house.sign_in_with(&mut device).await.err().unwrap()), "PASSKEY_REFUSED");
    // Without any factor a password is enough again, and recovery codes stand for nothing.
    assert!(!house.sign_in(ANNA, PASSWORD).await.unwrap().session_secret.is_empty());
    assert_eq!(house.count("recovery_code").await, 0);
}

#[tokio::test]
async fn an_erasure_destroys_passkeys_and_what_devices_were_asked() {
    let house = House::new().await;
    let (annas, bens) = (signed_in(&house, ANNA).await, signed_in(&house, BEN).await);
    let (mut device, _) = house.add_passkey(&annas.passport, 7).await;
    let (mut other, _) = house.add_passkey(&bens.passport, 8).await;
    house.ask_for_new(&annas.passport).await.unwrap();
    let request = house.with_passport(&annas.passport, RequestErasureRequest::default()).await;
    let code = house.rpc.request_erasure(request).await.unwrap().into_inner().certificate_code;
    house.advance(WEEK);
    house.go_through(house.erasure_id().await).await;
    let done = house.certificate(&code).await.unwrap().destroyed;
    let factors = done.iter().find(|one| one.class == "second_factors").unwrap();
    assert_eq!(factors.count, 1, "what a device was asked is no factor");
    assert_eq!((house.count("passkey").await, house.count("passkey_challenge").await), (1, 0));
    assert_eq!(reason(&house.sign_in_with(&mut device).await.err().unwrap()), "PASSKEY_REFUSED");
    house.sign_in_with(&mut other).await.unwrap();
}
