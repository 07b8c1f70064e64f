//! A session's secret is replaced while the session lives; one that was replaced ends the session of whoever uses it.

use crate::kit::{House, PASSWORD, reason};
use candor_proto::accounts::v1::{
    RotateSecretRequest, SignInResponse, session_service_server::SessionService as _,
};
use jiff::SignedDuration;
use tonic::{Code, Request, Status};

const TOLD: &str = "SECURITY_NOTICE_KIND_SECRET_REUSED";
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

impl House {
    async fn rotate_secret(&self, secret: &str) -> Result<String, Status> {
        let request = Request::new(RotateSecretRequest { session_secret: secret.to_owned() });
        Ok(self.rpc.rotate_secret(request).await?.into_inner().session_secret)
    }

    /// Anna, signed in, with a second sign-in of hers that looks on.
    async fn anna(&self) -> (SignInResponse, SignInResponse) {
        self.join("anna@example.org", PASSWORD).await;
        let one = self.sign_in("anna@example.org", PASSWORD).await.unwrap();
        (one, self.sign_in("anna@example.org", PASSWORD).await.unwrap())
    }

    /// How often Anna was told that a secret was used which had been replaced.
    async fn told_of_reuse(&self, looking_on: &SignInResponse) -> usize {
        let minted = self.mint(&looking_on.session_secret).await.unwrap();
        self.notices(&minted.passport).await.iter().filter(|kind| **kind == TOLD).count()
    }

    pub async fn sessions_ended(&self) -> usize {
        self.events().await.iter().filter(|(key, ..)| key == "accounts.v1.session_ended").count()
    }

    fn refuses(answer: Result<impl Sized, Status>) {
        let refused = answer.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "SESSION_ENDED"));
    }
}

#[tokio::test]
async fn a_secret_is_old_after_a_day_and_its_successor_is_not() {
    let house = House::new().await;
    let (session, _) = house.anna().await;
    assert!(!house.mint(&session.session_secret).await.unwrap().secret_is_old);
    house.advance(SignedDuration::from_hours(24));
    assert!(house.mint(&session.session_secret).await.unwrap().secret_is_old);
    let next = house.rotate_secret(&session.session_secret).await.unwrap();
    assert!(next.starts_with("cs_") && next != session.session_secret);
    let minted = house.mint(&next).await.unwrap();
    assert_eq!((minted.session_id, minted.secret_is_old), (session.session_id, false));
    house.advance(SignedDuration::from_hours(24));
    assert!(house.mint(&next).await.unwrap().secret_is_old);
}

#[tokio::test]
async fn a_lost_answer_ends_nothing() {
    let house = House::new().await;
    let (session, looking_on) = house.anna().await;
    let lost = house.rotate_secret(&session.session_secret).await.unwrap();
    // It may still be on its way: there is no other for five minutes, and the old one counts for as long as it takes.
    assert_eq!(house.rotate_secret(&session.session_secret).await.unwrap(), "");
    house.advance(SignedDuration::from_mins(5));
    house.mint(&session.session_secret).await.unwrap();
    let next = house.rotate_secret(&session.session_secret).await.unwrap();
    assert!(!next.is_empty() && next != lost);
    house.mint(&next).await.unwrap();
    assert_eq!((house.told_of_reuse(&looking_on).await, house.sessions_ended().await), (0, 0));
    // Whoever has the one that was lost has it from nobody else.
    house.advance(OVERLAP);
    House::refuses(house.mint(&lost).await);
    assert_eq!((house.told_of_reuse(&looking_on).await, house.sessions_ended().await), (1, 1));
    House::refuses(house.mint(&next).await);
}

#[tokio::test]
async fn what_is_on_its_way_with_the_old_one_arrives() {
    let house = House::new().await;
    let (session, looking_on) = house.anna().await;
    let next = house.rotate_secret(&session.session_secret).await.unwrap();
    let (one, other) = tokio::join!(house.mint(&next), house.mint(&next));
    assert_eq!(one.unwrap().session_id, other.unwrap().session_id);
    house.advance(OVERLAP - SignedDuration::from_secs(1));
    assert_eq!(house.mint(&session.session_secret).await.unwrap().session_id, session.session_id);
    // It gets nobody the next but one.
    assert_eq!(house.rotate_secret(&session.session_secret).await.unwrap(), "");
    house.mint(&next).await.unwrap();
    assert_eq!((house.told_of_reuse(&looking_on).await, house.sessions_ended().await), (0, 0));
}

#[tokio::test]
async fn whoever_comes_with_a_replaced_secret_ends_the_session_and_its_owner_is_told_once() {
    let house = House::new().await;
    let (session, looking_on) = house.anna().await;
    let next = house.rotate_secret(&session.session_secret).await.unwrap();
    house.mint(&next).await.unwrap();
    house.advance(OVERLAP);
    let replica = house.replica();
    let (one, other) =
        tokio::join!(house.mint(&session.session_secret), replica.mint(&session.session_secret));
    House::refuses(one);
    House::refuses(other);
    House::refuses(house.mint(&next).await);
    House::refuses(house.rotate_secret(&next).await);
    House::refuses(house.rotate_secret(&session.session_secret).await);
    // The other session lives, is told once, and every service hears of the end once.
    assert_eq!((house.told_of_reuse(&looking_on).await, house.sessions_ended().await), (1, 1));
}

#[tokio::test]
async fn a_thief_who_is_first_is_found_out_when_the_owner_comes() {
    let house = House::new().await;
    let (session, looking_on) = house.anna().await;
    let stolen = house.rotate_secret(&session.session_secret).await.unwrap();
    house.mint(&stolen).await.unwrap();
    house.advance(OVERLAP);
    House::refuses(house.mint(&session.session_secret).await);
    House::refuses(house.mint(&stolen).await);
    assert_eq!(house.told_of_reuse(&looking_on).await, 1);
}

#[tokio::test]
async fn of_a_session_that_is_over_nothing_is_told_and_nothing_stays() {
    let house = House::new().await;
    let (session, looking_on) = house.anna().await;
    let next = house.rotate_secret(&session.session_secret).await.unwrap();
    let minted = house.mint(&next).await.unwrap();
    house.end(&minted.passport, &session.session_id).await.unwrap();
    house.advance(OVERLAP);
    for over in [&session.session_secret, &next, &"cs_nothing".to_owned()] {
        House::refuses(house.mint(over).await);
        House::refuses(house.rotate_secret(over).await);
    }
    assert_eq!((house.told_of_reuse(&looking_on).await, house.sessions_ended().await), (0, 1));
    house.advance(SignedDuration::from_hours(31 * 24));
    accounts::jobs::keep_house(&house.accounts).await.unwrap();
    accounts::jobs::keep_house(&house.accounts).await.unwrap();
    house.advance(SignedDuration::from_hours(31 * 24));
    accounts::jobs::keep_house(&house.accounts).await.unwrap();
    assert_eq!(house.count("former_session_secret").await, 0);
}

#[tokio::test]
async fn no_secret_is_in_the_database() {
    let house = House::new().await;
    let (session, _) = house.anna().await;
    let next = house.rotate_secret(&session.session_secret).await.unwrap();
    house.mint(&next).await.unwrap();
    let later = house.rotate_secret(&next).await.unwrap();
    let dump = house.dump().await;
    for secret in [&session.session_secret, &next, &later] {
        assert!(!dump.contains(secret.trim_start_matches("cs_")));
    }
}
