//! Correcting what an account says of its owner, and who hears of it.

use crate::kit::{House, PASSWORD, reason};
use candor_proto::accounts::v1::{
    Account, ProfileChanged, SignInResponse, UpdateProfileRequest,
    identity_service_server::IdentityService as _,
};
use chassis::{Clock, Ids};
use prost::Message as _;
use tonic::{Code, Status};

const ANNA: &str = "anna@example.org";
const TOLD: &str = "accounts.v1.profile_changed";

impl House {
    async fn correct(
        &self,
        by: &SignInResponse,
        (zone, locale): (&str, &str),
        paths: &[&str],
    ) -> Result<Account, Status> {
        let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
        let message = UpdateProfileRequest {
            time_zone: zone.into(),
            locale: locale.into(),
            update_mask: (!paths.is_empty()).then_some(prost_types::FieldMask { paths }),
        };
        let request = self.with_passport(&by.passport, message).await;
        Ok(self.rpc.update_profile(request).await?.into_inner().account.unwrap())
    }

    /// What was told of corrections: the version and what it says.
    async fn corrections(&self) -> Vec<(i64, ProfileChanged)> {
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT version, body FROM bus.outbox WHERE key = $1 ORDER BY id")
                .bind(TOLD)
                .fetch_all(self.pool())
                .await
                .unwrap();
        rows.iter().map(|(version, body)| (*version, ProfileChanged::decode(&body[..]).unwrap())).collect()
    }
}

#[tokio::test]
async fn what_is_named_is_corrected_and_told_once_with_the_next_version() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    // The zone alone, then the language alone, then whichever is set.
    let me = house.correct(&session, ("asia/tokyo", "de"), &["time_zone"]).await.unwrap();
    assert_eq!((me.time_zone.as_str(), me.locale.as_str()), ("Asia/Tokyo", "en"));
    let me = house.correct(&session, ("UTC", "de-AT"), &["locale"]).await.unwrap();
    assert_eq!((me.time_zone.as_str(), me.locale.as_str()), ("Asia/Tokyo", "de-AT"));
    let me = house.correct(&session, ("Europe/Vienna", ""), &[]).await.unwrap();
    assert_eq!((me.time_zone.as_str(), me.locale.as_str()), ("Europe/Vienna", "de-AT"));
    // The same again is no change.
    house.correct(&session, ("Europe/Vienna", "de-AT"), &["time_zone", "locale"]).await.unwrap();
    house.correct(&session, ("", ""), &[]).await.unwrap();
    let told = house.corrections().await;
    let said: Vec<_> = told.iter().map(|(v, it)| (*v, it.time_zone.as_str(), it.locale.as_str())).collect();
    assert_eq!(
        said,
        [(3, "Asia/Tokyo", "en"), (4, "Asia/Tokyo", "de-AT"), (5, "Europe/Vienna", "de-AT")],
        "registered is 1, verified 2"
    );
    assert_eq!(told[0].1.account_id, me.account_id);
}

#[tokio::test]
async fn what_is_no_zone_no_language_or_no_field_changes_nothing() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    for (values, paths, field) in [
        (("Mars/Olympus", ""), &[][..], "time_zone"),
        (("", "de"), &["time_zone"][..], "time_zone"),
        (("UTC", "<b>"), &["time_zone", "locale"][..], "locale"),
        (("UTC", "de"), &["email"][..], "update_mask"),
        (("UTC", "de"), &["time_zone", "kind"][..], "update_mask"),
    ] {
        let refused = house.correct(&session, values, paths).await.err().unwrap();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains(field) && !refused.message().contains("Mars"), "{refused}");
    }
    assert!(house.corrections().await.is_empty());
    let other = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let id = house.passport(&session.passport).await.unwrap().session_id.to_string();
    house.end(&other.passport, &id).await.unwrap();
    let over = house.correct(&session, ("UTC", ""), &[]).await.err().unwrap();
    assert_eq!(reason(&over), "SESSION_ENDED");
}

#[tokio::test]
async fn a_partner_learns_nothing_of_it() {
    let house = House::new().await;
    let (_, ben) = house.couple().await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    let (before, events) = (house.couple_of(&ben).await, house.events().await.len());
    house.correct(&session, ("Asia/Tokyo", "ja"), &[]).await.unwrap();
    assert!(house.couple_of(&ben).await == before);
    let bens = house.sign_in("ben@example.org", PASSWORD).await.unwrap();
    assert!(house.notices(&bens.passport).await.is_empty());
    let after = house.events().await;
    assert_eq!(after.len(), events + 1);
    assert_eq!(after[events].0, TOLD);
}

#[tokio::test]
async fn told_again_it_says_what_counts_now() {
    let house = House::new().await;
    house.join(ANNA, PASSWORD).await;
    house.register("unproven@example.org", PASSWORD).await.unwrap();
    house.work().await;
    let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
    house.correct(&session, ("Asia/Tokyo", ""), &[]).await.unwrap();
    house.publish().await;
    let (clock, ids) = (Clock::manual(house.now()), Ids::new(Clock::manual(house.now())));
    accounts::events::resnapshot(house.pool(), &house.accounts.outbox, &clock, &ids).await.unwrap();
    let told = house.corrections().await;
    assert_eq!(told.len(), 1, "of whoever is not proven there is nothing to correct");
    assert_eq!((told[0].0, told[0].1.time_zone.as_str()), (3, "Asia/Tokyo"));
}
