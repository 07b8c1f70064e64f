//! What somebody has apart from a partner: a counselor, software, consents to both, a passkey, an export, a pause. And what
//! others have that takes a name in a request.

use crate::call::Api;
use crate::pairs::{Pair, Standing};
use crate::person::Person;
use crate::software::Software;
use crate::things::Things;
use candor_tests::One;
use serde_json::{Value, json};

/// A counselor with software of theirs, and somebody whose invitations nobody wants.
pub(crate) struct Helpers {
    pub(crate) counselor: Person,
    /// To which owners open something.
    pub(crate) software: Software,
    /// To which nobody opens anything.
    pub(crate) idle: Software,
    /// The code of an invitation that owners block.
    pub(crate) unwanted: String,
}

impl Helpers {
    /// Makes all of them; the keys of the software are of the test's choosing.
    pub(crate) async fn join(one: &One, api: &Api, operator: &Person, keys: [u8; 2]) -> Self {
        let counselor = counselor(one, api, operator, "carla").await;
        let software = Software::register(api, &counselor, keys[0], "user/*.rs").await;
        let idle = Software::register(api, &counselor, keys[1], "user/*.rs").await;
        let paul = Person::join(one, api, "paul").await;
        let invited =
            paul.ok(api, "candor.accounts.v1.CoupleService.InvitePartner", json!({"ownName": "Paul"})).await;
        let unwanted = invited["code"].as_str().unwrap().to_owned();
        Self { counselor, software, idle, unwanted }
    }
}

/// Hands in what a counselor says of themself.
pub(crate) async fn apply_as_counselor(api: &Api, person: &Person) {
    let licence = json!({"title": "A", "jurisdiction": "DE", "number": "4711", "lastDay": "2099-12-31"});
    let said = json!({
        "name": "Cora", "languages": ["en"], "specialties": ["COUNSELOR_SPECIALTY_GRIEF"], "approach": "Slowly.",
        "licences": [licence], "practiceOnly": true,
    });
    person.ok(api, "candor.accounts.v1.CounselorService.SubmitCounselorApplication", said).await;
}

/// A counselor with a second factor and room for people, whom an operator verified.
pub(crate) async fn counselor(one: &One, api: &Api, operator: &Person, name: &str) -> Person {
    let person = Person::join(one, api, name).await;
    apply_as_counselor(api, &person).await;
    let verified = json!({"counselorAccountId": person.account_id, "revision": 1});
    operator.ok(api, "candor.accounts.v1.CounselorService.VerifyCounselor", verified).await;
    let mut person = Person::sign_in(api, person.email, String::new()).await;
    person.add_app(one, api).await;
    let room = json!({"acceptsClients": true});
    person.ok(api, "candor.accounts.v1.CounselorService.SetCounselorAvailability", room).await;
    person
}

/// What somebody asks a counselor for.
fn wish(counselor: &Person) -> Value {
    json!({
        "counselorAccountId": counselor.account_id, "ownName": "Somebody", "jurisdiction": "DE", "attested": true,
    })
}

/// Asks a counselor for care, who has not answered; the care's id.
pub(crate) async fn ask_for_care(api: &Api, member: &Person, counselor: &Person) -> Value {
    let rpc = "candor.accounts.v1.CareService.RequestCare";
    member.ok(api, rpc, wish(counselor)).await["careId"].clone()
}

/// Puts somebody into a counselor's care; the care's id.
pub(crate) async fn in_care(api: &Api, member: &Person, counselor: &Person) -> Value {
    let care_id = ask_for_care(api, member, counselor).await;
    let yes = json!({"careId": care_id, "attested": true});
    counselor.ok(api, "candor.accounts.v1.CareService.AcceptCare", yes).await;
    care_id
}

/// Opens all of a kind or one item to a counselor, for the work of the two; the consent's id.
pub(crate) async fn open_to_counselor(
    api: &Api,
    owner: &Person,
    counselor: &Person,
    (scope, text): (&str, &str),
    item_id: &Value,
) -> Value {
    let consent = json!({
        "counselorAccountId": counselor.account_id, "scope": scope, "itemId": item_id,
        "purpose": "ACCESS_PURPOSE_CARE", "textId": text, "textVersion": 1,
    });
    let given = owner.ok(api, "candor.accounts.v1.ConsentService.GrantConsent", consent).await;
    given["consent"]["consentId"].clone()
}

/// Opens all of a kind or one item to software, for what it says of itself; the consent's id.
pub(crate) async fn open_to_software(
    api: &Api,
    owner: &Person,
    software: &Software,
    (scope, text): (&str, &str),
    item_id: &Value,
) -> Value {
    let consent = json!({
        "clientId": software.client_id, "scope": scope, "itemId": item_id, "purpose": "ACCESS_PURPOSE_STATED",
        "textId": text, "textVersion": 1,
    });
    let given =
        owner.ok(api, "candor.accounts.v1.SoftwareConsentService.GrantSoftwareConsent", consent).await;
    given["consent"]["consentId"].clone()
}

impl Pair {
    /// The owner gets one of each, with names in requests. The care of the two together is active, or, where nothing is
    /// shared, only proposed by the owner.
    pub(crate) async fn settle_down(&mut self, one: &One, api: &Api, helpers: &Helpers, seed: u8) {
        let Self { standing, owner, other, things, .. } = self;
        let Helpers { counselor, software, idle, unwanted } = helpers;
        things.set("$device", &device_of(api, owner).await);
        things.set("$passkey", &owner.add_passkey(one, api, seed).await);
        things.set("$counselor", &json!(counselor.account_id));
        things.set("$client", &json!(software.client_id));
        things.set("$idle_client", &json!(idle.client_id));
        things.set("$jwks", &json!(software.other_keys()));
        things.set("$care", &in_care(api, owner, counselor).await);
        let entries = ("SCOPE_ENTRIES", "entries-to-counselor");
        things.set("$consent", &open_to_counselor(api, owner, counselor, entries, &json!("")).await);
        let moods = ("SCOPE_MOODS", "moods-to-software");
        things.set("$software_consent", &open_to_software(api, owner, software, moods, &json!("")).await);
        owner.ok(api, "candor.accounts.v1.CoupleService.BlockInviter", json!({"code": unwanted})).await;
        let pauses = "candor.accounts.v1.CoupleService.ListInvitationPauses";
        things.set("$pause", &owner.ok(api, pauses, json!({})).await["pauses"][0]["pauseId"]);
        let agreed = *standing != Standing::Unshared;
        things.set("$couple_care", &care_of_both(api, owner, other, counselor, agreed).await);
    }

    /// The owner asks for everything of theirs, which waits.
    pub(crate) async fn ask_for_export(&mut self, one: &One, api: &Api) {
        self.owner.renew(api).await;
        self.owner.prove(one, api).await;
        self.owner.ok(api, "candor.accounts.v1.PrivacyService.RequestExport", json!({})).await;
    }
}

/// The device that somebody signed in from.
async fn device_of(api: &Api, person: &Person) -> Value {
    let known = person.ok(api, "candor.accounts.v1.SessionService.ListDevices", json!({})).await;
    known["devices"][0]["deviceId"].clone()
}

/// Care of two together: proposed by one, and, if it is to be, agreed to by the other and accepted.
async fn care_of_both(api: &Api, owner: &Person, other: &Person, counselor: &Person, agreed: bool) -> Value {
    let mut proposal = wish(counselor);
    proposal["policy"] = json!("CONFIDENTIALITY_POLICY_SEPARATE");
    let proposed = owner.ok(api, "candor.accounts.v1.CoupleCareService.ProposeCoupleCare", proposal).await;
    let care_id = proposed["careId"].clone();
    if agreed {
        let yes = json!({"careId": care_id, "ownName": "The other", "jurisdiction": "DE", "attested": true});
        other.ok(api, "candor.accounts.v1.CoupleCareService.AgreeToCoupleCare", yes).await;
        let yes = json!({"careId": care_id, "attested": true});
        counselor.ok(api, "candor.accounts.v1.CoupleCareService.AcceptCoupleCare", yes).await;
    }
    care_id
}

/// Somebody who runs the platform asks to see a ledger for a report; the request waits for another of them.
pub(crate) async fn ask_for_ledger(api: &Api, operator: &Person, report: &Value, things: [&mut Things; 3]) {
    let ask = json!({"reportId": report, "reason": "LEDGER_LOOK_REASON_MISUSE", "note": "It was said."});
    let asked = operator.ok(api, "candor.accounts.v1.LedgerLookService.AskLedgerLook", ask).await;
    for things in things {
        things.set("$ledger_look", &asked["requestId"]);
    }
}
