//! Software that something was opened to, or was once, in every way: each RPC about the things of whoever opened them.

use crate::belongings::{counselor, in_care, open_to_software};
use crate::call::{Api, Shown, json};
use crate::callers::Row;
use crate::person::Person;
use crate::software::Software;
use crate::things::{CANARIES, Things};
use crate::world::camel;
use candor_tests::One;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tonic::{Code, Status};

const OPENED: &str = "candor.journal.v1.OpenedService.";
const GRANTED: &str = "candor.accounts.v1.SoftwareConsentService.ListGrantedToSoftware";
const OPENS: &str = "candor.accounts.v1.ConsentService.OpenAccess";
/// Every kind of thing that can be opened, and the words for all of it.
const KINDS: [(&str, &str); 3] = [
    ("SCOPE_ENTRIES", "entries-to-software"),
    ("SCOPE_MOODS", "moods-to-software"),
    ("SCOPE_SELF_CHECKS", "self-checks-to-software"),
];

/// Software with a token, seen from whoever opened something to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// A counselor's, with a consent to everything that can be opened.
    Consented,
    /// The house's, with a consent to one entry.
    OfOneEntry,
    /// The same as `Consented`, with a token for searching moods alone.
    Narrower,
    /// The counselor's other software.
    Other,
    /// To which everything was open, and was taken back.
    TakenBack,
    /// A counselor's, under care that is over.
    CareOver,
    /// With a token whose time is over.
    Expired,
    /// Which was disabled.
    Disabled,
}

/// What a call about the owner's things gets.
#[derive(Debug, PartialEq, Eq)]
enum Gets {
    /// Something of theirs.
    Things,
    /// Only what is its own: nothing of theirs but what was opened.
    Own,
    /// This refusal, whoever it is about.
    Refused(Code),
}

impl Reader {
    const ALL: [Self; 8] = [
        Self::Consented,
        Self::OfOneEntry,
        Self::Narrower,
        Self::Other,
        Self::TakenBack,
        Self::CareOver,
        Self::Expired,
        Self::Disabled,
    ];

    fn gets(self, rpc: &str) -> Gets {
        // Content does not hear of what ended before its time: for as long as the token says, it is software there.
        if self == Self::Disabled && rpc.starts_with("candor.content.") {
            return Gets::Refused(Code::PermissionDenied);
        }
        if matches!(self, Self::Expired | Self::Disabled) {
            return Gets::Refused(Code::Unauthenticated);
        }
        let Some(call) = rpc.strip_prefix(OPENED) else {
            return if rpc == GRANTED { Gets::Own } else { Gets::Refused(Code::PermissionDenied) };
        };
        match self {
            Self::Consented => Gets::Things,
            Self::OfOneEntry if call == "GetOpenedEntry" => Gets::Things,
            Self::Narrower if call == "ListOpenedMoods" => Gets::Things,
            Self::Narrower => Gets::Refused(Code::PermissionDenied),
            _ => Gets::Refused(Code::NotFound),
        }
    }

    /// What stands in the list of what is open to it.
    fn granted(self) -> usize {
        match self {
            // The same software: what anna opened, and nothing of whose care is over.
            Self::Consented | Self::CareOver => KINDS.len(),
            Self::OfOneEntry | Self::Narrower => 1,
            _ => 0,
        }
    }
}

struct World {
    one: One,
    api: Api,
    anna: Things,
    /// In whose care olga was.
    olga: Things,
    tokens: Vec<(Reader, String)>,
}

async fn give_all(api: &Api, owner: &Person, software: &Software) -> Vec<Value> {
    let mut given = Vec::new();
    for kind in KINDS {
        given.push(open_to_software(api, owner, software, kind, &json!("")).await);
    }
    given
}

/// Somebody with an entry, a mood and a self-check.
pub(crate) async fn member(one: &One, api: &Api, name: &str) -> (Person, Things) {
    let person = Person::join(one, api, name).await;
    let entry = json!({"title": "Evening", "body": CANARIES[0], "timeZone": "Europe/Berlin"});
    let entry = person.ok(api, "candor.journal.v1.EntryService.WriteEntry", entry).await;
    let mood = json!({"mood": {"pleasantness": -3, "energy": 2, "bodySigns": ["BODY_SIGN_TEARS"]}});
    person.ok(api, "candor.journal.v1.MoodService.RecordMood", mood).await;
    let mut things = Things::default();
    things.set("$owner", &json!(person.account_id));
    things.set("$email", &json!(person.email));
    things.set("$entry", &entry["entry"]["entryId"]);
    things.set("$assessment", &person.check_oneself(api).await);
    (person, things)
}

impl World {
    async fn live() -> Self {
        let one = One::start().await;
        let api = Api::of(&one);
        let mut operator = Person::operator(&one, &api).await;
        let mut carla = counselor(&one, &api, &operator, "carla").await;
        let ((mut anna, annas), (mut olga, olgas)) =
            tokio::join!(member(&one, &api, "anna"), member(&one, &api, "olga"));
        in_care(&api, &anna, &carla).await;
        let care_id = in_care(&api, &olga, &carla).await;
        let mine = async |key| Software::register(&api, &carla, key, "user/*.rs").await;
        let (consented, other, taken_back) = (mine(1).await, mine(2).await, mine(3).await);
        let of_house = Software::register(&api, &operator, 4, "system/*.rs").await;
        let disabled = Software::register(&api, &operator, 5, "system/*.rs").await;
        give_all(&api, &anna, &consented).await;
        give_all(&api, &olga, &consented).await;
        give_all(&api, &anna, &disabled).await;
        let entry = json!(annas.get("$entry"));
        open_to_software(&api, &anna, &of_house, ("SCOPE_ENTRIES", "entry-to-software"), &entry).await;
        for consent_id in give_all(&api, &anna, &taken_back).await {
            let rpc = "candor.accounts.v1.SoftwareConsentService.RevokeSoftwareConsent";
            anna.ok(&api, rpc, json!({ "consentId": consent_id })).await;
        }
        olga.ok(&api, "candor.accounts.v1.CareService.EndCare", json!({ "careId": care_id })).await;
        let expired = consented.token(&one, &api, "user/*.rs").await;
        one.clock().advance(SignedDuration::from_secs(301));
        for person in [&mut operator, &mut carla, &mut anna, &mut olga] {
            person.renew(&api).await;
        }
        let mut tokens = vec![(Reader::Expired, expired)];
        for (reader, software, scope) in [
            (Reader::Consented, &consented, "user/*.rs"),
            (Reader::OfOneEntry, &of_house, "system/*.rs"),
            (Reader::Narrower, &consented, "user/Observation.s"),
            (Reader::Other, &other, "user/*.rs"),
            (Reader::TakenBack, &taken_back, "user/*.rs"),
            (Reader::CareOver, &consented, "user/*.rs"),
            (Reader::Disabled, &disabled, "system/*.rs"),
        ] {
            tokens.push((reader, software.token(&one, &api, scope).await));
        }
        let end = json!({ "clientId": disabled.client_id });
        operator.ok(&api, "candor.accounts.v1.OAuthClientService.DisableClient", end).await;
        Self { one, api, anna: annas, olga: olgas, tokens }
    }

    fn token(&self, reader: Reader) -> &str {
        self.tokens.iter().find(|(of, _)| *of == reader).map(|(_, token)| token.as_str()).unwrap()
    }

    /// Whose things a reader's calls are about.
    fn things(&self, reader: Reader) -> &Things {
        if reader == Reader::CareOver { &self.olga } else { &self.anna }
    }

    /// A call as software makes it: where it reaches another person's data, that is opened first.
    async fn attempt(&self, reader: Reader, rpc: &str, request: &Value) -> Result<Value, Status> {
        let mut shown = Shown::passport(self.token(reader));
        let capability;
        if let Some(delegation) = Api::delegation(rpc) {
            let mut open =
                json!({"ownerAccountId": request[camel(&delegation.owner_field)], "scope": delegation.scope});
            if !delegation.item_field.is_empty() {
                open["itemId"] = request[camel(&delegation.item_field)].clone();
            }
            capability = json(OPENS, &self.api.raw(OPENS, &open, shown).await?)["capability"].clone();
            shown.capability = capability.as_str();
        }
        Ok(json(rpc, &self.api.raw(rpc, request, shown).await?))
    }

    /// What is wrong with what a reader gets; nothing, if all is as it has to be.
    async fn check(&self, reader: Reader, row: &Row) -> Vec<String> {
        let things = self.things(reader);
        let request = things.request_of_anything(row.request);
        let nothing = things.made_up_of_nobody().request_of_anything(row.request);
        let got = self.attempt(reader, row.rpc, &request).await;
        let mut wrong = Vec::new();
        match (reader.gets(row.rpc), got) {
            (Gets::Things, Ok(answer)) => {
                let told = answer.to_string();
                if row.rpc.contains("Entr") && !told.contains(CANARIES[0]) {
                    wrong.push(format!("the entry is not in {told}"));
                }
                if self.attempt(reader, row.rpc, &nothing).await.is_ok() {
                    wrong.push("what does not exist is opened as well".to_owned());
                }
            }
            (Gets::Own, Ok(answer)) => {
                let count = answer["granted"].as_array().map_or(0, Vec::len);
                if count != reader.granted() {
                    wrong.push(format!("{count} instead of {} are listed", reader.granted()));
                }
                let of_the_owner = answer.to_string().contains(things.get("$owner"));
                if reader == Reader::CareOver && of_the_owner {
                    wrong.push("the list has what is over".to_owned());
                }
                if answer.to_string().contains(CANARIES[0]) {
                    wrong.push("the list tells what somebody wrote".to_owned());
                }
            }
            (Gets::Refused(code), Err(refused)) => {
                if refused.code() != code {
                    wrong.push(format!("{refused:?} instead of {code:?}"));
                }
                let same = self.attempt(reader, row.rpc, &nothing).await.err();
                let seen =
                    |status: &Status| (status.code(), status.message().to_owned(), status.details().to_vec());
                if same.as_ref().map(seen) != Some(seen(&refused)) {
                    wrong.push(format!("what does not exist gets another answer: {same:?}"));
                }
            }
            (expected, got) => wrong.push(format!("{got:?} instead of {expected:?}")),
        }
        wrong.into_iter().map(|what| format!("{} by {reader:?}: {what}", row.rpc)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn software_reads_what_was_opened_to_it_and_nothing_else() {
    let world = World::live().await;
    let mut broken = Vec::new();
    let mut opened = BTreeSet::new();
    for reader in Reader::ALL {
        for row in crate::table::ROWS.iter().filter(|row| !Api::is_public(row.rpc)) {
            // What it asks first is asked with each of the calls that read.
            if row.rpc != OPENS {
                broken.extend(world.check(reader, row).await);
            }
            if reader.gets(row.rpc) == Gets::Things {
                opened.insert(row.rpc);
            }
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    let of_consent: BTreeSet<_> =
        crate::table::ROWS.iter().map(|row| row.rpc).filter(|rpc| rpc.starts_with(OPENED)).collect();
    assert_eq!(opened, of_consent, "each call that reads with a consent was made with one");
    world.one.stop().await;
}
