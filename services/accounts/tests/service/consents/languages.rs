//! In which language somebody reads the words that they agree to, and that it is kept.

use super::all_of;
use crate::kit::House;
use crate::people::Person;
use crate::software;
use candor_proto::accounts::v1::{
    GetConsentTextRequest, GetConsentTextResponse, GrantConsentRequest, GrantSoftwareConsentRequest,
    UpdateProfileRequest, consent_service_server::ConsentService as _,
    identity_service_server::IdentityService as _,
};
use candor_proto::options::v1::Scope;
use tonic::{Code, Status};

const ENTRIES: &str = "entries-to-counselor";

impl House {
    async fn speaks(&self, person: &Person, locale: &str) {
        let message = UpdateProfileRequest {
            locale: locale.into(),
            update_mask: Some(prost_types::FieldMask { paths: vec!["locale".into()] }),
            ..UpdateProfileRequest::default()
        };
        self.rpc.update_profile(self.by(person, message)).await.unwrap();
    }

    async fn words_in(
        &self,
        by: &Person,
        text_id: &str,
        locale: &str,
    ) -> Result<GetConsentTextResponse, Status> {
        let message = GetConsentTextRequest { text_id: text_id.into(), version: 0, locale: locale.into() };
        Ok(self.rpc.get_consent_text(self.by(by, message)).await?.into_inner())
    }

    /// What the audit kept of the language of a consent.
    async fn audited_locale(&self, consent_id: &str) -> String {
        let query = sqlx::query_scalar(
            "SELECT details::jsonb ->> 'text_locale' FROM audit_record
             WHERE subject_id = $1 AND action = 'consent_granted'",
        );
        query.bind(consent_id.parse::<uuid::Uuid>().unwrap()).fetch_one(self.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn whoever_says_nothing_reads_and_agrees_in_the_language_of_their_account() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    let mut agreed = Vec::new();
    for (own, locale, says) in [
        ("de-AT", "de", "mein ganzes Tagebuch"),
        ("es-MX", "es", "todo mi diario"),
        ("fr", "en", "my whole journal"),
    ] {
        house.speaks(&anna, own).await;
        let words = house.words_in(&anna, ENTRIES, "").await.unwrap();
        assert_eq!((words.locale.as_str(), words.version, words.current), (locale, 1, true), "{own}");
        assert!(words.text.contains(says), "{own}: {}", words.text);
        assert_eq!(words.locales, ["en", "de", "es"]);
        let given = house.grant(&anna, all_of(Scope::Entries, &carla)).await.unwrap();
        assert_eq!((given.text_locale.as_str(), given.text_version), (locale, 1), "{own}");
        assert_eq!(house.audited_locale(&given.consent_id).await, locale);
        agreed.push(locale);
    }
    // What was agreed to once is said as it was, whatever language somebody has by now.
    let mut kept: Vec<_> = house.consents_of(&anna).await.into_iter().map(|one| one.text_locale).collect();
    kept.sort();
    agreed.sort_unstable();
    assert_eq!(kept, agreed);
}

#[tokio::test]
async fn whoever_says_a_language_reads_and_agrees_in_that_one() {
    let house = House::new().await;
    let carla = house.verified(&house.operator().await, "carla").await;
    let anna = house.member("anna").await;
    house.in_care(&anna, &carla).await;
    for (said, locale) in [("es", "es"), ("DE-CH", "de"), ("pt-BR", "en")] {
        assert_eq!(house.words_in(&anna, ENTRIES, said).await.unwrap().locale, locale);
        let wish = GrantConsentRequest { text_locale: said.into(), ..all_of(Scope::Entries, &carla) };
        assert_eq!(house.grant(&anna, wish).await.unwrap().text_locale, locale);
    }
    let wish = GrantConsentRequest { text_locale: "no language".into(), ..all_of(Scope::Moods, &carla) };
    assert_eq!(house.grant(&anna, wish).await.err().unwrap().code(), Code::InvalidArgument);
    let refused = house.words_in(&anna, ENTRIES, "<b>").await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn consents_to_software_keep_their_language_as_well() {
    let house = House::new().await;
    let (praxis, _) = house.house_software(&house.operator().await).await;
    let anna = house.member("anna").await;
    house.speaks(&anna, "de").await;
    assert!(house.words_in(&anna, "entries-to-software", "").await.unwrap().text.contains("dieser Software"));
    let wish = software::all_of(Scope::Entries, &praxis);
    assert_eq!(house.give(&anna, wish.clone()).await.unwrap().text_locale, "de");
    let wish = GrantSoftwareConsentRequest { text_locale: "es-AR".into(), ..wish };
    let given = house.give(&anna, wish).await.unwrap();
    assert_eq!(given.text_locale, "es");
    assert_eq!(house.audited_locale(&given.consent_id).await, "es");
}
