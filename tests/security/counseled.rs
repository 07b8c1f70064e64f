//! Counselors in every way in which something is, was or might be opened to them: each RPC about the things of a member, as
//! the app calls it, without a capability, and with one for something else. What was opened to them comes back, and nothing
//! else does.

use crate::belongings::{ask_for_care, counselor, in_care, open_to_counselor};
use crate::call::{Api, Shown, json};
use crate::callers::{Caller, Outcome, Row};
use crate::consented::member;
use crate::got::Got;
use crate::person::{PATIENCE, Person};
use crate::things::{CANARIES, Things};
use crate::world::camel;
use candor_tests::{One, eventually};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tonic::Code;

const OPENED: &str = "candor.journal.v1.OpenedService.";
const GRANTED: &str = "candor.accounts.v1.ConsentService.ListGrantedToMe";
const OPENS: &str = "candor.accounts.v1.ConsentService.OpenAccess";
/// Every kind of thing that can be opened, and the words for all of it.
const KINDS: [(&str, &str); 3] = [
    ("SCOPE_ENTRIES", "entries-to-counselor"),
    ("SCOPE_MOODS", "moods-to-counselor"),
    ("SCOPE_SELF_CHECKS", "self-checks-to-counselor"),
];
/// In which a counselor who has or had to do with somebody has a part. What takes it away stands last.
const OF_THEIR_CARE: [&str; 6] = [
    "candor.accounts.v1.CareService.ListPeopleInCare",
    "candor.accounts.v1.CareService.AcceptCare",
    "candor.accounts.v1.TrustService.ReportPerson",
    "candor.accounts.v1.CareService.DeclineCare",
    "candor.accounts.v1.CareService.EndCare",
    "candor.accounts.v1.TrustService.BlockPerson",
];

/// A counselor, seen from the member whose things the calls are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// In whose care they are, with a consent to everything that can be opened.
    Consented,
    /// The same with a consent to one entry.
    OfOneEntry,
    /// The same with a consent to moods alone.
    Narrower,
    /// To whom everything was open for a time that is over.
    Expired,
    /// To whom everything was open, and was taken back.
    TakenBack,
    /// To whom everything was open, in care that is over.
    CareOver,
    /// To whom everything is open, and who is suspended and signed in again since.
    Suspended,
    /// Who was only asked for care.
    OnlyAsked,
    /// In whose care somebody else is, with a consent to everything of theirs.
    OfSomebodyElse,
}

/// What a call about the owner's things gets.
#[derive(Debug, PartialEq, Eq)]
enum Gets {
    /// Something of theirs.
    Things,
    /// What was opened to the reader, of this many consents: no word of what it is about.
    Granted(usize),
    /// Something of the care of the two: no word of what is not opened.
    Care,
    /// The same as about nobody's things, with this code where it is known.
    Nothing(Option<Code>),
}

impl Reader {
    /// In the order of their turns: at the end of a turn its care is over.
    const ALL: [Self; 9] = [
        Self::OfSomebodyElse,
        Self::Consented,
        Self::OfOneEntry,
        Self::Narrower,
        Self::Expired,
        Self::TakenBack,
        Self::CareOver,
        Self::Suspended,
        Self::OnlyAsked,
    ];
    /// Those who take a counselor of their own.
    const PEOPLE: [(Self, &str); 8] = [
        (Self::Consented, "carla"),
        (Self::OfOneEntry, "one"),
        (Self::Narrower, "narrow"),
        (Self::Expired, "expired"),
        (Self::TakenBack, "back"),
        (Self::CareOver, "over"),
        (Self::Suspended, "suspended"),
        (Self::OnlyAsked, "asked"),
    ];

    /// Whose counselor it is: one member alone asks for care only so often.
    fn is_of_anna(self) -> bool {
        matches!(self, Self::Consented | Self::OfOneEntry | Self::Narrower | Self::Expired)
    }

    fn gets(self, rpc: &str) -> Gets {
        if let Some(call) = rpc.strip_prefix(OPENED) {
            return match self {
                Self::Consented => Gets::Things,
                Self::OfOneEntry if call == "GetOpenedEntry" => Gets::Things,
                Self::Narrower if call == "ListOpenedMoods" => Gets::Things,
                _ => Gets::Nothing(Some(Code::NotFound)),
            };
        }
        match self {
            Self::Suspended if rpc == GRANTED => Gets::Nothing(Some(Code::PermissionDenied)),
            _ if rpc == GRANTED => Gets::Granted(self.granted()),
            Self::OfSomebodyElse => Gets::Nothing(None),
            _ if OF_THEIR_CARE.contains(&rpc) => Gets::Care,
            _ => Gets::Nothing(None),
        }
    }

    fn granted(self) -> usize {
        match self {
            // One counselor: what anna opened, whoever the calls are about.
            Self::Consented | Self::OfSomebodyElse => KINDS.len(),
            Self::OfOneEntry | Self::Narrower => 1,
            _ => 0,
        }
    }

    /// The words of the owner's that an answer to them holds.
    fn words(self, rpc: &str) -> &'static [&'static str] {
        match rpc.strip_prefix(OPENED) {
            Some("ListOpenedEntries") => &CANARIES[..2],
            Some("GetOpenedEntry") => &CANARIES[..1],
            _ => &[],
        }
    }
}

struct World {
    one: One,
    api: Api,
    anna: Person,
    /// Each with the names of what is between them and the member.
    readers: Vec<(Reader, Person, Things)>,
}

/// Somebody with two entries, a mood and a self-check.
async fn owner(one: &One, api: &Api, name: &str) -> (Person, Things) {
    let (person, mut things) = member(one, api, name).await;
    let entry = json!({"title": "Night", "body": CANARIES[1], "timeZone": "Europe/Berlin"});
    let entry = person.ok(api, "candor.journal.v1.EntryService.WriteEntry", entry).await;
    things.set("$closed_entry", &entry["entry"]["entryId"]);
    things.set("$session", &json!(person.session_id));
    (person, things)
}

/// What a member opens to a counselor in whose care they are; the names of it.
async fn open(one: &One, api: &Api, reader: Reader, owner: &(Person, Things), counselor: &Person) -> Things {
    let (owner, mut things) = (&owner.0, owner.1.clone());
    if reader == Reader::OnlyAsked {
        things.set("$care", &ask_for_care(api, owner, counselor).await);
        return things;
    }
    things.set("$care", &in_care(api, owner, counselor).await);
    let all = json!("");
    match reader {
        Reader::OfOneEntry => {
            let (words, entry) = (("SCOPE_ENTRIES", "entry-to-counselor"), json!(things.get("$entry")));
            things.set("$consent", &open_to_counselor(api, owner, counselor, words, &entry).await);
        }
        Reader::Narrower => {
            things.set("$consent", &open_to_counselor(api, owner, counselor, KINDS[1], &all).await);
        }
        Reader::Expired => {
            let minute = (one.clock().now() + SignedDuration::from_mins(1)).to_string();
            for (scope, text) in KINDS {
                let consent = json!({
                    "counselorAccountId": counselor.account_id, "scope": scope, "purpose": "ACCESS_PURPOSE_CARE",
                    "textId": text, "textVersion": 1, "expireTime": minute,
                });
                let given = owner.ok(api, "candor.accounts.v1.ConsentService.GrantConsent", consent).await;
                things.set("$consent", &given["consent"]["consentId"]);
            }
        }
        _ => {
            for kind in KINDS {
                things.set("$consent", &open_to_counselor(api, owner, counselor, kind, &all).await);
            }
        }
    }
    things
}

/// What was open is closed again, in each of three ways. A capability of before opens nothing from then on, and a passport of
/// before opens nothing more.
async fn close(api: &Api, operator: &Person, olga: &Person, readers: &[(Reader, Person, Things)]) {
    for (reader, counselor, things) in readers {
        if !matches!(reader, Reader::TakenBack | Reader::CareOver | Reader::Suspended) {
            continue;
        }
        let capability = counselor.open(api, &olga.account_id, 5).await;
        let shown = Shown { passport: Some(&counselor.passport), capability: Some(&capability) };
        let list = json!({"ownerAccountId": olga.account_id});
        let read = async || api.raw("candor.journal.v1.OpenedService.ListOpenedEntries", &list, shown).await;
        read().await.unwrap();
        match reader {
            Reader::TakenBack => take_back(api, olga, counselor).await,
            Reader::CareOver => {
                let care = json!({"careId": things.get("$care")});
                olga.ok(api, "candor.accounts.v1.CareService.EndCare", care).await;
            }
            _ => {
                let whom = json!({"counselorAccountId": counselor.account_id, "reason": "No."});
                operator.ok(api, "candor.accounts.v1.CounselorService.SuspendCounselor", whom).await;
            }
        }
        let again = json!({"ownerAccountId": olga.account_id, "scope": 5});
        let refused = api.raw(OPENS, &again, Shown::passport(&counselor.passport)).await.unwrap_err();
        let over = if *reader == Reader::Suspended { Code::Unauthenticated } else { Code::NotFound };
        assert_eq!(refused.code(), over, "{reader:?}");
        eventually(&format!("{reader:?} reads nothing"), PATIENCE, async || read().await.is_err()).await;
    }
}

/// Takes back everything that was opened to a counselor.
async fn take_back(api: &Api, owner: &Person, counselor: &Person) {
    let given = owner.ok(api, "candor.accounts.v1.ConsentService.ListConsents", json!({})).await;
    let given = given["consents"].as_array().unwrap().iter();
    for one in given.filter(|one| one["counselorAccountId"] == counselor.account_id.as_str()) {
        let consent = json!({"consentId": one["consentId"]});
        owner.ok(api, "candor.accounts.v1.ConsentService.RevokeConsent", consent).await;
    }
}

impl World {
    async fn live() -> Self {
        let one = One::start().await;
        let api = Api::of(&one);
        let mut operator = Person::operator(&one, &api).await;
        let (mut anna, mut olga) = tokio::join!(owner(&one, &api, "anna"), owner(&one, &api, "olga"));
        let mut readers = Vec::new();
        for (reader, name) in Reader::PEOPLE {
            let counselor = counselor(&one, &api, &operator, name).await;
            let owner = if reader.is_of_anna() { &anna } else { &olga };
            let things = open(&one, &api, reader, owner, &counselor).await;
            readers.push((reader, counselor, things));
        }
        close(&api, &operator, &olga.0, &readers).await;
        // The times of what was opened for a minute are over, and nobody proved lately who they are.
        one.clock().advance(SignedDuration::from_secs(301));
        for person in [&mut operator, &mut anna.0, &mut olga.0] {
            person.renew(&api).await;
        }
        for (reader, counselor, _) in &mut readers {
            match reader {
                Reader::Suspended => counselor.sign_in_again(&one, &api).await,
                _ => counselor.renew(&api).await,
            }
        }
        Self { one, api, anna: anna.0, readers }
    }

    /// Who reads, and the things that the calls are about.
    fn reader(&self, reader: Reader) -> (&Person, &Things) {
        let of = |wanted| self.readers.iter().find(|(each, ..)| *each == wanted).unwrap();
        match reader {
            // About olga, who is in the care of others.
            Reader::OfSomebodyElse => (&of(Reader::Consented).1, &of(Reader::OnlyAsked).2),
            _ => (&of(reader).1, &of(reader).2),
        }
    }

    /// A call with the capability that it takes, where there is one.
    async fn attempt(&self, by: &Person, rpc: &str, request: &Value) -> Got {
        let mut shown = Shown::passport(&by.passport);
        let Some(delegation) = Api::delegation(rpc) else {
            return Got::of(self.api.raw(rpc, request, shown).await);
        };
        let mut open =
            json!({"ownerAccountId": request[camel(&delegation.owner_field)], "scope": delegation.scope});
        if !delegation.item_field.is_empty() {
            open["itemId"] = request[camel(&delegation.item_field)].clone();
        }
        let opened = match self.api.raw(OPENS, &open, shown).await {
            Ok(opened) => json(OPENS, &opened),
            Err(status) => return Got::of(Err(status)),
        };
        shown.capability = opened["capability"].as_str();
        Got::of(self.api.raw(rpc, request, shown).await)
    }

    /// What is wrong with what a reader gets; nothing, if all is as it has to be.
    async fn check(&self, reader: Reader, row: &Row) -> Vec<String> {
        let (by, things) = self.reader(reader);
        let request = things.request_of_anything(row.request);
        let nothing = things.made_up_of_nobody().request_of_anything(row.request);
        let got = self.attempt(by, row.rpc, &request).await;
        let answer = got.text(row.rpc);
        let mut wrong = Vec::new();
        let gets = reader.gets(row.rpc);
        let words = if gets == Gets::Things { reader.words(row.rpc) } else { &[] };
        for word in CANARIES {
            if answer.to_string().contains(word) != words.contains(&word) {
                wrong.push(format!("`{word}` is or is not in {answer}"));
            }
        }
        match gets {
            Gets::Things => {
                if got.code() != Code::Ok || self.attempt(by, row.rpc, &nothing).await.code() == Code::Ok {
                    wrong.push(format!("what was opened, or what does not exist, gets {answer}"));
                }
            }
            Gets::Granted(count) => {
                let listed = answer["granted"].as_array().map_or(0, Vec::len);
                if got.code() != Code::Ok || listed != count {
                    wrong.push(format!("{listed} instead of {count} are listed"));
                }
            }
            Gets::Care => {}
            Gets::Nothing(code) => {
                wrong.extend(
                    things.betrayed(&request, &answer).into_iter().map(|told| format!("it tells `{told}`")),
                );
                if code.is_some_and(|code| code != got.code()) {
                    wrong.push(format!("{:?} instead of {code:?}", got.code()));
                }
                // What is the same for every stranger is their own.
                let own = row.outcome(Caller::Stranger) == Outcome::Own;
                if !own && request != nothing && self.attempt(by, row.rpc, &nothing).await != got {
                    wrong.push(format!("what does not exist gets another answer than {answer}"));
                }
            }
        }
        if Api::delegation(row.rpc).is_some() {
            wrong.extend(self.check_capabilities(by, row.rpc, (&request, &nothing)).await);
        }
        wrong.into_iter().map(|what| format!("{} by {reader:?}: {what}", row.rpc)).collect()
    }

    /// The call without a capability, and with one for something else that is open to the reader: it gets nothing.
    async fn check_capabilities(&self, by: &Person, rpc: &str, about: (&Value, &Value)) -> Vec<String> {
        let call = async |request: &Value, capability: Option<&str>| {
            Got::of(self.api.raw(rpc, request, Shown { passport: Some(&by.passport), capability }).await)
        };
        let scope = Api::delegation(rpc).unwrap().scope;
        // Moods, or entries in the place of moods; where neither is open, there is nothing to show.
        let other = if scope == 6 { 5 } else { 6 };
        let open = json!({"ownerAccountId": self.anna.account_id, "scope": other});
        let opened = self.api.raw(OPENS, &open, Shown::passport(&by.passport)).await;
        let other = opened.ok().map(|opened| json(OPENS, &opened)["capability"].clone());
        let mut wrong = Vec::new();
        let shown = [(None, "none"), (other.as_ref().and_then(Value::as_str), "one for something else")];
        for (capability, what) in shown {
            let got = call(about.0, capability).await;
            if got.code() != Code::PermissionDenied || call(about.1, capability).await != got {
                wrong.push(format!("with {what} it gets {}", got.text(rpc)));
            }
        }
        wrong
    }

    /// Somebody else's counselor named the care that a counselor was asked for, to accept, decline and end it: it waits as before.
    async fn nobody_else_changed_what_was_asked(&self) {
        let (by, things) = self.reader(Reader::OnlyAsked);
        let people = by.ok(&self.api, "candor.accounts.v1.CareService.ListPeopleInCare", json!({})).await;
        let asked = &people["people"][0];
        assert_eq!(
            (&asked["careId"], &asked["state"]),
            (&json!(things.get("$care")), &json!("CARE_STATE_ASKED"))
        );
    }

    /// With a consent to one entry another one is closed, also to the capability for the first.
    async fn check_the_other_entry(&self) {
        let (by, things) = self.reader(Reader::OfOneEntry);
        let rpc = "candor.journal.v1.OpenedService.GetOpenedEntry";
        let of = |entry: &str| json!({"ownerAccountId": things.get("$owner"), "entryId": entry});
        let (closed, nothing) = (of(things.get("$closed_entry")), of("0190163d-8694-7000-8000-0000000000ff"));
        let got = self.attempt(by, rpc, &closed).await;
        assert_eq!((got.code(), &got), (Code::NotFound, &self.attempt(by, rpc, &nothing).await));
        let open =
            json!({"ownerAccountId": things.get("$owner"), "scope": 5, "itemId": things.get("$entry")});
        let opened = by.ok(&self.api, OPENS, open).await;
        let shown = Shown { passport: Some(&by.passport), capability: opened["capability"].as_str() };
        let call = async |request: &Value| Got::of(self.api.raw(rpc, request, shown).await);
        assert!(call(&of(things.get("$entry"))).await.text(rpc).to_string().contains(CANARIES[0]));
        let got = call(&closed).await;
        assert_eq!((got.code(), &got), (Code::PermissionDenied, &call(&nothing).await));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counselors_read_what_was_opened_to_them_and_nothing_else() {
    let world = World::live().await;
    world.check_the_other_entry().await;
    let mut broken = Vec::new();
    let mut opened = BTreeSet::new();
    let last = |row: &&Row| OF_THEIR_CARE.iter().position(|rpc| *rpc == row.rpc);
    let mut rows: Vec<&Row> = crate::table::ROWS.iter().filter(|row| !Api::is_public(row.rpc)).collect();
    rows.sort_by_key(last);
    for reader in Reader::ALL {
        for row in &rows {
            broken.extend(world.check(reader, row).await);
            if reader.gets(row.rpc) == Gets::Things {
                opened.insert(row.rpc);
            }
        }
        if reader == Reader::OfSomebodyElse {
            world.nobody_else_changed_what_was_asked().await;
        }
    }
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
    let of_consent: BTreeSet<_> =
        rows.iter().map(|row| row.rpc).filter(|rpc| rpc.starts_with(OPENED)).collect();
    assert_eq!(opened, of_consent, "each call that reads with a consent was made with one");
    world.one.stop().await;
}
