//! The device from which a password is set anew: known from then on, so that whoever tries the address all the time keeps its
//! owner out no longer than until they have opened their mail.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use crate::people::visible;
use candor_proto::accounts::v1::{
    ResetPasswordRequest, SecurityNoticeKind, identity_service_server::IdentityService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const ANNA: &str = "anna@example.org";
const NOBODY: &str = "nobody@example.org";
const NEW: &str = "seven grey herons on a fence";
const LABEL: &str = "a laptop by the window";

impl House {
    /// Sets a password anew on a device that brings a token, or none; what the device is known by afterwards.
    async fn reset_from(
        &self,
        device: &str,
        token: &str,
        password: &str,
        code: &str,
    ) -> Result<String, Status> {
        let message = ResetPasswordRequest {
            token: token.into(),
            new_password: password.into(),
            code: code.into(),
            device_label: LABEL.into(),
            device_token: device.into(),
        };
        Ok(self.rpc.reset_password(Request::new(message)).await?.into_inner().device_token)
    }

    /// A stranger takes every turn of an address that is free.
    async fn hammer(&self, address: &str) -> Status {
        loop {
            let refused = self.sign_in_from(address, OTHER_PASSWORD, "").await.err().unwrap();
            if reason(&refused) == "TOO_MANY_ATTEMPTS" {
                return refused;
            }
        }
    }
}

#[tokio::test]
async fn whoever_sets_a_password_anew_gets_in_at_once_whatever_a_stranger_does() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let before = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.hammer(ANNA).await;
    let token = house.reset_token(ANNA).await;
    house.hammer(ANNA).await;
    let device = house.reset_from("", &token, NEW, "").await.unwrap();
    assert!(device.starts_with("cd_") && device != before.device_token);
    let (annas, nobodys) = (house.hammer(ANNA).await, house.hammer(NOBODY).await);
    let session = house.sign_in_from(ANNA, NEW, &device).await.unwrap();
    assert_eq!(session.device_token, device);
    // The stranger waits as before, with whatever device and password, and is told nothing of whose address it is.
    assert_eq!(visible(&annas), visible(&nobodys));
    for brought in ["", &before.device_token] {
        let waits = house.sign_in_from(ANNA, NEW, brought).await.err().unwrap();
        assert_eq!(visible(&waits), visible(&annas));
    }
    let waits = house.sign_in_from(NOBODY, NEW, &device).await.err().unwrap();
    assert_eq!(visible(&waits), visible(&annas));
}

#[tokio::test]
async fn the_device_is_the_only_one_known_and_nobody_is_told_of_it_twice() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let tablet = house.sign_in(ANNA, PASSWORD).await.unwrap().device_token;
    let phone = house.sign_in_from(ANNA, PASSWORD, "").await.unwrap().device_token;
    let token = house.reset_token(ANNA).await;
    // What it brought it is known by again.
    assert_eq!(house.reset_from(&tablet, &token, NEW, "").await.unwrap(), tablet);
    assert_eq!(house.count("known_device").await, 1);
    let dump = house.dump().await;
    assert!(!dump.contains(LABEL) && !dump.contains(&tablet[3..]), "it is sealed, and only its hash is kept");

    house.advance(SignedDuration::from_secs(1));
    let other = house.sign_in_from(ANNA, NEW, &phone).await.unwrap();
    let [new, set] = &house.devices(&other.passport).await[..] else { panic!("two are known") };
    assert!(new.current && !set.current && set.device_label == LABEL);
    assert_eq!(set.use_time, set.create_time);
    let (added, reset) = (SecurityNoticeKind::DeviceAdded, SecurityNoticeKind::PasswordReset);
    let told = house.notices(&other.passport).await;
    assert_eq!(told, [added, reset, added].map(|kind| kind.as_str_name()), "of the phone alone, twice");

    // The sign-in that follows is from where the account knows.
    let session = house.sign_in(ANNA, NEW).await.unwrap();
    assert_eq!(house.notices(&session.passport).await.len(), told.len());
    let listed = house.devices(&session.passport).await;
    assert_eq!(listed.len(), 2);
    let own = listed.iter().find(|device| device.current).unwrap();
    assert_eq!((&own.device_id, own.device_label.as_str()), (&set.device_id, "kitchen tablet"));
    house.forget(&session.passport, &own.device_id).await.unwrap();
    assert_eq!(house.count("known_device").await, 1);
}

#[tokio::test]
async fn what_was_tried_on_a_device_before_holds_nobody_up_there() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let tablet = house.sign_in(ANNA, PASSWORD).await.unwrap().device_token;
    let token = house.reset_token(ANNA).await;
    // She did not remember it.
    let refused = async || house.sign_in_from(ANNA, OTHER_PASSWORD, &tablet).await.err().unwrap();
    while reason(&refused().await) != "TOO_MANY_ATTEMPTS" {}
    house.reset_from(&tablet, &token, NEW, "").await.unwrap();
    house.sign_in_from(ANNA, NEW, &tablet).await.unwrap();
}

#[tokio::test]
async fn with_a_second_factor_the_device_is_known_through_both_halves() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let mine = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (_, codes) = house.add_passkey(&mine.passport, 7).await;
    let token = house.reset_token(ANNA).await;
    // Who only reads the mail makes no device known, nor forgotten.
    for code in ["", "AAAAA-AAAAA"] {
        house.reset_from("", &token, NEW, code).await.err().unwrap();
    }
    assert_eq!(house.told_of_devices(&mine.passport).await, 0);
    house.mint(&mine.session_secret).await.unwrap();
    house.reset_from(&mine.device_token, &token, NEW, &codes[0]).await.unwrap();
    house.hammer(ANNA).await;
    let half = house.sign_in(ANNA, NEW).await.unwrap();
    let whole = house.complete(&half.pending_token, &codes[1]).await.unwrap();
    assert_eq!((house.told_of_devices(&whole.passport).await, house.count("known_device").await), (0, 1));
}

#[tokio::test]
async fn a_reset_that_is_refused_makes_no_device_known() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let mine = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let token = house.reset_token(ANNA).await;
    let unknown = format!("cp_{}", "A".repeat(43));
    // Whether a device is known tells nothing to whoever has no link.
    let told =
        async |device: &str| visible(&house.reset_from(device, &unknown, NEW, "").await.err().unwrap());
    assert_eq!(told("").await, told(&mine.device_token).await);
    let weak = house.reset_from("", &token, "passwordpassword1", "").await.err().unwrap();
    assert_eq!(weak.code(), Code::InvalidArgument);
    let message = ResetPasswordRequest {
        token: token.clone(),
        new_password: NEW.into(),
        device_label: "two\nlines".into(),
        ..ResetPasswordRequest::default()
    };
    let odd = house.rpc.reset_password(Request::new(message)).await.err().unwrap();
    assert!(odd.code() == Code::InvalidArgument && odd.message().contains("device_label"), "{odd}");
    assert_eq!(house.count("known_device").await, 1);
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.told_of_devices(&mine.passport).await, 0);
}
