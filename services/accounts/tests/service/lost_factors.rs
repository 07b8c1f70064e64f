//! A second factor that was taken away, or that another took the place of: whoever signed in with it is in no more.

use crate::factors::Phone;
use crate::kit::{House, PASSWORD, reason};
use crate::passkeys::SITE;
use candor_proto::accounts::v1::{
    ConfirmTotpRequest, RemovePasskeyRequest, RemoveTotpRequest, RenewRecoveryCodesRequest,
    SecurityNoticeKind, SignInWithPasskeyRequest, SignInWithPasskeyResponse,
    passkey_service_server::PasskeyService as _, security_service_server::SecurityService as _,
};
use candor_tests::Device;
use chassis::{identity::Assurance, rpc::require_step_up};
use tonic::{Request, Status};

const ANNA: &str = "anna@example.org";

/// What Anna does about what somebody else may have.
#[derive(Debug, Clone, Copy)]
enum Loss {
    Passkey,
    App,
    AnotherApp,
    Codes,
}

impl Loss {
    const ALL: [Self; 4] = [Self::Passkey, Self::App, Self::AnotherApp, Self::Codes];

    fn told(self) -> &'static str {
        let kind = match self {
            Self::Passkey => SecurityNoticeKind::PasskeyRemoved,
            Self::App => SecurityNoticeKind::AppRemoved,
            Self::AnotherApp => SecurityNoticeKind::AppAdded,
            Self::Codes => SecurityNoticeKind::RecoveryCodesRenewed,
        };
        kind.as_str_name()
    }
}

/// Anna with an app and a passkey, and somebody who signed in with that passkey elsewhere.
struct Scene {
    house: House,
    /// Anna's session, and a passport of it.
    secret: String,
    passport: String,
    phone: Phone,
    device: Device,
    theirs: SignInWithPasskeyResponse,
}

impl Scene {
    async fn new() -> Self {
        let house = House::new().await;
        house.join(ANNA, PASSWORD).await;
        let anna = house.sign_in(ANNA, PASSWORD).await.unwrap();
        let (phone, _) = house.add_app(&anna.passport).await;
        let (mut device, _) = house.add_passkey(&anna.passport, 7).await;
        let theirs = house.sign_in_elsewhere(&mut device).await;
        assert_eq!(house.assurance(&theirs.passport).await, Assurance::Two);
        assert_eq!(house.count("known_device").await, 2);
        let passport = house.mint(&anna.session_secret).await.unwrap().passport;
        Self { house, secret: anna.session_secret, passport, phone, device, theirs }
    }

    async fn lose(&self, loss: Loss, others_go_on: bool) -> Result<(), Status> {
        let (house, by) = (&self.house, &*self.passport);
        match loss {
            Loss::Passkey => {
                let passkey_id = house.passkeys(by).await.remove(0).passkey_id;
                let message = RemovePasskeyRequest { passkey_id, others_go_on };
                house.rpc.remove_passkey(house.with_passport(by, message).await).await.map(drop)
            }
            Loss::App => {
                let message = RemoveTotpRequest { others_go_on };
                house.rpc.remove_totp(house.with_passport(by, message).await).await.map(drop)
            }
            Loss::AnotherApp => {
                let code = house.propose_app(by).await.code(house);
                let message = ConfirmTotpRequest { code, others_go_on };
                house.rpc.confirm_totp(house.with_passport(by, message).await).await.map(drop)
            }
            Loss::Codes => {
                let message = RenewRecoveryCodesRequest { others_go_on };
                house.rpc.renew_recovery_codes(house.with_passport(by, message).await).await.map(drop)
            }
        }
    }
}

impl House {
    /// A whole sign-in with nothing but the device, from where nobody was before.
    async fn sign_in_elsewhere(&self, device: &mut Device) -> SignInWithPasskeyResponse {
        let (options, challenge_token) = self.ask_at_the_door("").await.unwrap();
        let message = SignInWithPasskeyRequest {
            challenge_token,
            credential: device.answer(&options),
            device_label: "another phone".into(),
            device_token: String::new(),
        };
        self.rpc.sign_in_with_passkey(Request::new(message)).await.unwrap().into_inner()
    }
}

#[tokio::test]
async fn whoever_signed_in_with_what_is_taken_away_or_replaced_is_in_no_more() {
    for loss in Loss::ALL {
        let scene = Scene::new().await;
        let (house, theirs) = (&scene.house, &scene.theirs);
        // They have asked for a passkey of their own already.
        let asked = house.ask_for_new(&theirs.passport).await.unwrap();
        let (_, says) = Device::make(SITE, &asked.options, 9);
        scene.lose(loss, false).await.unwrap();
        let over = house.mint(&theirs.session_secret).await.err().unwrap();
        assert_eq!(reason(&over), "SESSION_ENDED", "{loss:?}");
        // Nor does it help that a passport of before is good for a minute.
        let over = house.add(&theirs.passport, &asked.challenge_token, &says).await.err().unwrap();
        assert_eq!(reason(&over), "SESSION_ENDED", "{loss:?}");
        assert_eq!((house.sessions_ended().await, house.count("known_device").await), (1, 1), "{loss:?}");
        // Whoever did it goes on, as strong as before, and stands first in what was told.
        let minted = house.mint(&scene.secret).await.unwrap().passport;
        assert_eq!(house.assurance(&minted).await, Assurance::Two, "{loss:?}");
        assert_eq!(house.notices(&minted).await[0], loss.told());
    }
}

#[tokio::test]
async fn those_that_are_to_go_on_have_proven_nothing_until_they_prove_it_anew() {
    for loss in Loss::ALL {
        let mut scene = Scene::new().await;
        let asked = scene.house.ask_for_new(&scene.theirs.passport).await.unwrap();
        let (_, says) = Device::make(SITE, &asked.options, 9);
        scene.lose(loss, true).await.unwrap();
        let (house, theirs) = (&scene.house, &scene.theirs);
        assert_eq!((house.sessions_ended().await, house.count("known_device").await), (0, 2), "{loss:?}");
        let weak = house.add(&theirs.passport, &asked.challenge_token, &says).await.err().unwrap();
        assert_eq!(reason(&weak), "STEP_UP_REQUIRED", "{loss:?}");
        let minted = house.mint(&theirs.session_secret).await.unwrap().passport;
        assert_eq!(house.assurance(&minted).await, Assurance::One, "{loss:?}");
        let said = house.passport(&minted).await.unwrap();
        assert!(require_step_up(&said, house.now()).is_err(), "nor is it a proof of lately: {loss:?}");
        let own = house.mint(&scene.secret).await.unwrap().passport;
        let own = house.passport(&own).await.unwrap();
        assert!(own.assurance == Assurance::Two && require_step_up(&own, house.now()).is_ok(), "{loss:?}");
        // With what there is now it is proven as ever.
        let proven = match loss {
            Loss::Passkey => {
                house.prove_by_two(&minted, PASSWORD, &scene.phone.code(house)).await.unwrap().passport
            }
            _ => {
                let (options, token) = house.ask_again(&minted).await.unwrap();
                house.prove_with(&minted, &token, &scene.device.answer(&options)).await.unwrap()
            }
        };
        house.ask_for_new(&proven).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_added_and_takes_no_place_ends_nobodys_session() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let anna = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (mut device, _) = house.add_passkey(&anna.passport, 7).await;
    let elsewhere = house.sign_in_elsewhere(&mut device).await;
    house.add_app(&anna.passport).await;
    house.add_passkey(&anna.passport, 8).await;
    let minted = house.mint(&elsewhere.session_secret).await.unwrap().passport;
    assert_eq!(house.assurance(&minted).await, Assurance::Two);
    assert_eq!((house.sessions_ended().await, house.count("known_device").await), (0, 2));
}

#[tokio::test]
async fn a_loss_that_is_refused_ends_nothing() {
    let scene = Scene::new().await;
    let (house, theirs) = (&scene.house, &scene.theirs);
    sqlx::query("UPDATE account SET password_alone = false").execute(house.pool()).await.unwrap();
    scene.lose(Loss::App, true).await.unwrap();
    let refused = scene.lose(Loss::Passkey, false).await.err().unwrap();
    assert_eq!(reason(&refused), "PASSWORD_TOO_SHORT_ALONE");
    house.mint(&theirs.session_secret).await.unwrap();
    assert_eq!((house.sessions_ended().await, house.count("known_device").await), (0, 2));
}
