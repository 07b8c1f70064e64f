//! Devices that an account knows: others are told of, and cannot use up the turns of those that are known.

use crate::kit::{House, OTHER_PASSWORD, PASSWORD, reason};
use crate::people::visible;
use accounts::domain::{DeviceToken, KNOWN_DEVICE_PACE, MOST_SESSIONS, UNKNOWN_DEVICE_PACE};
use candor_proto::accounts::v1::{
    Device, EndSessionsRequest, ForgetDeviceRequest, ListDevicesRequest, ListSessionsRequest,
    SecurityNoticeKind, session_service_server::SessionService as _,
};
use jiff::SignedDuration;
use tonic::Status;

const ANNA: &str = "anna@example.org";
const BEN: &str = "ben@example.org";
const TOLD: &str = "SECURITY_NOTICE_KIND_DEVICE_ADDED";

impl House {
    pub async fn devices(&self, passport: &str) -> Vec<Device> {
        let request = self.with_passport(passport, ListDevicesRequest {}).await;
        self.rpc.list_devices(request).await.unwrap().into_inner().devices
    }

    pub async fn forget(&self, passport: &str, device_id: &str) -> Result<(), Status> {
        let message = ForgetDeviceRequest { device_id: device_id.into() };
        self.rpc.forget_device(self.with_passport(passport, message).await).await.map(drop)
    }

    /// How often the owner was told of a device that the account did not know.
    pub async fn told_of_devices(&self, passport: &str) -> usize {
        self.notices(passport).await.iter().filter(|kind| **kind == TOLD).count()
    }
}

#[tokio::test]
async fn a_sign_in_from_elsewhere_is_told_to_the_owner_and_one_from_where_they_were_is_not() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.mails();
    let first = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert!(first.device_token.starts_with("cd_"));
    let again = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(again.device_token, first.device_token);
    assert_eq!(
        house.told_of_devices(&first.passport).await,
        0,
        "the first is no news, and the same again is none"
    );
    house.work().await;
    assert_eq!(house.mails().len(), 0);

    let made_up = DeviceToken::of([7; 32]).text();
    for (n, strange) in ["", "nonsense", &*made_up].into_iter().enumerate() {
        let other = house.sign_in_from(ANNA, PASSWORD, strange).await.unwrap();
        assert_eq!(house.told_of_devices(&first.passport).await, n + 1);
        // Known from now on.
        house.sign_in_from(ANNA, PASSWORD, &other.device_token).await.unwrap();
        assert_eq!(house.told_of_devices(&first.passport).await, n + 1);
    }
    house.work().await;
    assert_eq!(house.mails().len(), 1, "one mail says look, however often");
    assert_eq!(house.notices(&first.passport).await[0], SecurityNoticeKind::DeviceAdded.as_str_name());
    // A year without a sign-in there, and it is unknown again.
    house.advance(SignedDuration::from_hours(366 * 24));
    accounts::jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("known_device").await, 0);
    let late = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.told_of_devices(&late.passport).await, 1, "older notices are over by then");
}

#[tokio::test]
async fn a_stranger_who_hammers_an_address_uses_up_no_turn_of_a_known_device() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let known = house.sign_in(ANNA, PASSWORD).await.unwrap().device_token;
    for _ in 0..30 {
        house.sign_in_from(ANNA, OTHER_PASSWORD, "").await.err().unwrap();
    }
    // Whoever comes from nowhere waits, be the password right.
    let waits = house.sign_in_from(ANNA, PASSWORD, "").await.err().unwrap();
    assert_eq!(reason(&waits), "TOO_MANY_ATTEMPTS");
    house.sign_in_from(ANNA, PASSWORD, &known).await.unwrap();
    // A known device is no way around the limit: its turns are as few, and nobody else waits for them.
    for _ in 0..10 {
        house.sign_in_from(ANNA, OTHER_PASSWORD, &known).await.err().unwrap();
    }
    let waits = house.sign_in_from(ANNA, PASSWORD, &known).await.err().unwrap();
    assert_eq!(reason(&waits), "TOO_MANY_ATTEMPTS");
    house.advance(SignedDuration::from_secs(10));
    house.sign_in_from(ANNA, PASSWORD, &known).await.unwrap();
    // And what her device is known by is nothing with Ben's address, nor with nobody's.
    for address in [BEN, "nobody@example.org"] {
        if address == BEN {
            house.join(BEN, PASSWORD).await;
        }
        for _ in 0..10 {
            house.sign_in_from(address, OTHER_PASSWORD, "").await.err().unwrap();
        }
        let waits = house.sign_in_from(address, PASSWORD, &known).await.err().unwrap();
        assert_eq!(reason(&waits), "TOO_MANY_ATTEMPTS");
    }
}

#[tokio::test]
async fn what_a_device_brings_tells_nothing_of_who_is_here() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.join(BEN, PASSWORD).await;
    let bens = house.sign_in_from(BEN, PASSWORD, "").await.unwrap().device_token;
    let refused =
        async |address| visible(&house.sign_in_from(address, OTHER_PASSWORD, &bens).await.err().unwrap());
    assert_eq!(refused(ANNA).await, refused("nobody@example.org").await);
    // One browser of two people is kept twice, and neither row says so.
    let annas = house.sign_in_from(ANNA, PASSWORD, &bens).await.unwrap().device_token;
    assert_eq!(annas, bens);
    let hashes: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT device_hash FROM known_device").fetch_all(house.pool()).await.unwrap();
    assert!(hashes.len() == 2 && hashes[0] != hashes[1]);
    assert!(!house.dump().await.contains(&bens[3..]));
}

#[tokio::test]
async fn a_session_that_somebody_ends_takes_its_device_along() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let mine = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let other = house.sign_in_from(ANNA, PASSWORD, "").await.unwrap();
    house.end(&mine.passport, &other.session_id).await.unwrap();
    house.sign_in_from(ANNA, PASSWORD, &other.device_token).await.unwrap();
    assert_eq!(house.told_of_devices(&mine.passport).await, 2);
    // Signing out forgets nothing.
    let here = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.end(&here.passport, &here.session_id).await.unwrap();
    let mine = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.told_of_devices(&mine.passport).await, 2);
    // Ending all others leaves this one known, and no other.
    let request = house.with_passport(&mine.passport, EndSessionsRequest { this_one_too: false }).await;
    house.rpc.end_sessions(request).await.unwrap();
    assert_eq!(house.count("known_device").await, 1);
    house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.told_of_devices(&mine.passport).await, 2);
    house.sign_in_from(ANNA, PASSWORD, &other.device_token).await.unwrap();
    assert_eq!(house.told_of_devices(&mine.passport).await, 3);
}

#[tokio::test]
async fn owners_see_their_devices_and_forget_them_and_nobody_elses() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.join(BEN, PASSWORD).await;
    let first = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.advance(SignedDuration::from_secs(20));
    let second = house.sign_in_from(ANNA, PASSWORD, "").await.unwrap();
    let bens = house.sign_in_from(BEN, PASSWORD, "").await.unwrap();
    let [new, old] = &house.devices(&second.passport).await[..] else { panic!("two are known") };
    assert!(new.current && !old.current && new.device_label == "kitchen tablet");
    assert!(
        new.use_time.unwrap().seconds == old.use_time.unwrap().seconds + 20
            && new.use_time == new.create_time
    );
    assert!(!house.dump().await.contains("kitchen tablet"), "what it is called is sealed");
    // A later sign-in there is noted, and changes nothing of since when it is known.
    house.advance(SignedDuration::from_secs(20));
    let again = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let listed = house.devices(&again.passport).await;
    assert_eq!((&*listed[0].device_id, listed[0].create_time), (&*old.device_id, old.create_time));
    assert_eq!(listed[0].use_time.unwrap().seconds, old.use_time.unwrap().seconds + 40);
    // Ben does not see them, and to him they are nothing that is there.
    assert_eq!(house.devices(&bens.passport).await.len(), 1);
    let anothers = house.forget(&bens.passport, &old.device_id).await.err().unwrap();
    let nobodys = house.forget(&bens.passport, "01890000-0000-7000-8000-000000000000").await.err().unwrap();
    assert_eq!(visible(&anothers), visible(&nobodys));
    assert_eq!(reason(&anothers), "DEVICE_NOT_FOUND");
    assert_eq!(house.devices(&again.passport).await.len(), 2);
    // Forgotten, it is one from elsewhere at the next sign-in; until then its session goes on.
    let told = house.told_of_devices(&first.passport).await;
    house.forget(&first.passport, &new.device_id).await.unwrap();
    assert_eq!(
        reason(&house.forget(&first.passport, &new.device_id).await.err().unwrap()),
        "DEVICE_NOT_FOUND"
    );
    house.mint(&second.session_secret).await.unwrap();
    house.sign_in_from(ANNA, PASSWORD, &second.device_token).await.unwrap();
    assert_eq!(house.told_of_devices(&first.passport).await, told + 1);
}

#[tokio::test]
async fn a_session_that_is_over_or_too_weak_forgets_no_device() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let weak = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let mine = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let device = house.devices(&mine.passport).await.remove(0).device_id;
    house.add_passkey(&mine.passport, 7).await;
    let refused = house.forget(&weak.passport, &device).await.err().unwrap();
    assert_eq!(reason(&refused), "STEP_UP_REQUIRED");
    house.end(&weak.passport, &weak.session_id).await.unwrap();
    assert_eq!(reason(&house.forget(&weak.passport, &device).await.err().unwrap()), "SESSION_ENDED");
    house.forget(&mine.passport, &device).await.unwrap();
}

#[tokio::test]
async fn half_a_sign_in_makes_no_device_known() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let mine = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (_, codes) = house.add_passkey(&mine.passport, 7).await;
    // Whoever has the password and nothing more makes no device known, and is given none.
    let half = house.sign_in_from(ANNA, PASSWORD, "").await.unwrap();
    assert!(half.device_token.is_empty() && !half.pending_token.is_empty());
    assert_eq!(house.count("known_device").await, 1);
    let whole = house.complete(&half.pending_token, &codes[0]).await.unwrap();
    assert_eq!((whole.device_token, house.count("known_device").await), (mine.device_token, 1));
    // A stranger's wrong password makes none known either.
    house.sign_in_from(ANNA, OTHER_PASSWORD, &DeviceToken::of([9; 32]).text()).await.err().unwrap();
    assert_eq!(house.count("known_device").await, 1);
}

#[tokio::test]
async fn the_fifty_first_device_takes_the_place_of_the_one_before_it_and_never_of_the_owners() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let first = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let mut last = String::new();
    for _ in 0..50 {
        house.advance(UNKNOWN_DEVICE_PACE.interval);
        last = house.sign_in_from(ANNA, PASSWORD, "").await.unwrap().device_token;
    }
    assert_eq!(house.count("known_device").await, 50);
    let told = house.count("security_notice").await;
    house.sign_in_from(ANNA, PASSWORD, &first.device_token).await.unwrap();
    house.sign_in_from(ANNA, PASSWORD, &last).await.unwrap();
    assert_eq!(house.count("security_notice").await, told, "both are known");
    house.advance(UNKNOWN_DEVICE_PACE.interval);
    house.sign_in_from(ANNA, PASSWORD, "").await.unwrap();
    house.advance(UNKNOWN_DEVICE_PACE.interval);
    house.sign_in_from(ANNA, PASSWORD, &last).await.unwrap();
    assert_eq!(house.count("security_notice").await, told + 2, "it had made room");
}

#[tokio::test]
async fn whoever_has_the_password_neither_fills_the_pool_nor_hides_what_happened() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let annas = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let runs = house.accounts.hashing.runs();
    let mut thiefs = Vec::new();
    let mut refused = None;
    for _ in 0..200 {
        match house.sign_in_from(ANNA, PASSWORD, "").await {
            Ok(begun) => thiefs.push(begun),
            Err(status) => refused = Some(status),
        }
    }
    // Her own first one was one of them.
    assert_eq!(thiefs.len() + 1, usize::try_from(UNKNOWN_DEVICE_PACE.burst).unwrap());
    assert_eq!(reason(&refused.unwrap()), "TOO_MANY_ATTEMPTS");
    // Those that came after cost no more than guesses do.
    assert!(house.accounts.hashing.runs() - runs <= 40, "{}", house.accounts.hashing.runs() - runs);
    // A device that the thief made known has few turns too.
    let mut begun = 0;
    for _ in 0..200 {
        begun += usize::from(house.sign_in_from(ANNA, PASSWORD, &thiefs[0].device_token).await.is_ok());
    }
    assert_eq!(begun, usize::try_from(KNOWN_DEVICE_PACE.burst).unwrap());
    // Anna gets in where she is at home, sees every one, and with a new password from anywhere else.
    let again = house.sign_in(ANNA, PASSWORD).await.unwrap();
    assert_eq!(house.told_of_devices(&again.passport).await, thiefs.len());
    house.change(&annas.passport, OTHER_PASSWORD, false).await.unwrap();
    house.advance(SignedDuration::from_secs(100));
    house.sign_in_from(ANNA, OTHER_PASSWORD, "").await.unwrap();
}

#[tokio::test]
async fn the_hundred_and_first_session_ends_the_one_before_it_and_never_the_owners() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let annas = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let thiefs = house.sign_in_from(ANNA, PASSWORD, "").await.unwrap().device_token;
    let mut last = None;
    for _ in 0..110 {
        house.advance(KNOWN_DEVICE_PACE.interval);
        last = Some(house.sign_in_from(ANNA, PASSWORD, &thiefs).await.unwrap());
    }
    let minted = house.mint(&annas.session_secret).await.unwrap();
    let request = house.with_passport(&minted.passport, ListSessionsRequest {}).await;
    let listed = house.rpc.list_sessions(request).await.unwrap().into_inner().sessions;
    assert_eq!(listed.len(), usize::try_from(MOST_SESSIONS).unwrap(), "all that live are listed");
    assert!(listed.iter().any(|one| one.session_id == annas.session_id));
    assert!(listed.iter().any(|one| one.session_id == last.as_ref().unwrap().session_id));
    let over: i64 = sqlx::query_scalar("SELECT count(*) FROM session WHERE ended_at IS NOT NULL")
        .fetch_one(house.pool())
        .await
        .unwrap();
    assert_eq!(over, 12);
}
