//! A Candor with everybody in it, and one call of one caller.

use crate::belongings::{Helpers, apply_as_counselor, ask_for_ledger};
use crate::call::{Api, Shown, json};
use crate::callers::{Caller, Outcome, Row};
use crate::got::Got;
use crate::pairs::{Pair, SCOPES, Standing, link};
use crate::person::{PATIENCE, Person};
use crate::software::Software;
use crate::things::CANARIES;
use candor_tests::five::SERVICES;
use candor_tests::{One, eventually};
use jiff::SignedDuration;
use prost::bytes::Bytes;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use tonic::Code;

/// What the owner sees of what is theirs alone: whoever calls what, it stays as it is.
const OWNERS_ALONE: [&str; 14] = [
    "candor.accounts.v1.IdentityService.GetMe",
    "candor.accounts.v1.SessionService.ListSessions",
    "candor.accounts.v1.SessionService.ListDevices",
    "candor.accounts.v1.SecurityService.GetSecurity",
    "candor.accounts.v1.PasskeyService.ListPasskeys",
    "candor.accounts.v1.PrivacyService.GetExport",
    "candor.accounts.v1.PrivacyService.GetErasure",
    "candor.accounts.v1.TermsService.ListAcceptedTerms",
    "candor.accounts.v1.CareService.ListCare",
    "candor.accounts.v1.ConsentService.ListConsents",
    "candor.accounts.v1.SoftwareConsentService.ListSoftwareConsents",
    "candor.journal.v1.EntryService.ListEntries",
    "candor.journal.v1.MoodService.ListMoods",
    "candor.journal.v1.AssessmentService.ListAssessments",
];
/// What the owner sees besides, in which whoever is linked with them has a part.
const OWNERS_VIEW: [&str; 11] = [
    "candor.accounts.v1.CoupleService.GetCouple",
    "candor.accounts.v1.CoupleService.ListInvitationPauses",
    "candor.accounts.v1.CoupleCareService.ListCoupleCare",
    "candor.accounts.v1.CircleService.GetCircle",
    "candor.accounts.v1.LedgerService.ListReceipts",
    "candor.journal.v1.ShareService.ListShares",
    "candor.journal.v1.ShareService.ListOwnAnswers",
    "candor.journal.v1.CheckInService.ListCheckIns",
    "candor.reminders.v1.ScheduleService.ListSchedules",
    "candor.reminders.v1.InboxService.ListInboxItems",
    "candor.content.v1.PathService.GetPath",
];

/// Everybody.
pub(crate) struct World {
    one: One,
    api: Api,
    shared: Pair,
    unshared: Pair,
    former: Pair,
    trusted: Pair,
    stranger: Person,
    /// The stranger's capabilities for the data of their own partner, by scope.
    borrowed: Vec<(i32, String)>,
    suspended: Person,
    support: Person,
    editor: Person,
    operator: Person,
    /// The token of a client that the operator registered.
    client: String,
    /// The RPCs that asked a caller to prove again who they are.
    asked_for_proof: Mutex<BTreeSet<&'static str>>,
}

impl World {
    /// Starts it, and lets everybody live for a week.
    pub(crate) async fn live() -> Self {
        let one = One::start().await;
        let api = Api::of(&one);
        let pair = |names, standing| Pair::join(&one, &api, names, standing);
        let (mut shared, mut unshared, mut former, mut stranger, friend, trusted, applicant, sven, nora) = tokio::join!(
            pair(["anna", "ben"], Standing::Shared),
            pair(["ada", "bob"], Standing::Unshared),
            pair(["eva", "emil"], Standing::Former),
            Person::join(&one, &api, "otto"),
            Person::join(&one, &api, "olga"),
            Person::join(&one, &api, "tina"),
            Person::join(&one, &api, "cora"),
            Person::join(&one, &api, "sven"),
            Person::join(&one, &api, "nora"),
        );
        let mut operator = Person::operator(&one, &api).await;
        let mut support = Person::staff(&one, &api, "support").await;
        let mut editor = Person::staff(&one, &api, "editor").await;
        let software = Software::register(&api, &operator, 1, "system/*.rs").await;
        let helpers = Helpers::join(&one, &api, &operator, [2, 3]).await;
        link(&api, &stranger, &friend).await;
        apply_as_counselor(&api, &applicant).await;
        let (mut suspended, report, suspension) = suspend(&api, &operator, sven, &nora).await;
        for pair in [&mut shared, &mut unshared, &mut former] {
            pair.things.set("$applicant", &json!(applicant.account_id));
            pair.things.set("$report", &report);
            pair.things.set("$suspension", &suspension);
        }
        shared.befriend(&api, &trusted).await;
        tokio::join!(unshared.befriend(&api, &friend), former.befriend(&api, &friend));
        for (seed, pair) in (1..).zip([&mut shared, &mut unshared, &mut former]) {
            pair.settle_down(&one, &api, &helpers, seed).await;
        }
        tokio::join!(shared.live_a_week(&api), unshared.live_a_week(&api), former.live_a_week(&api));
        one.clock().advance_days(8);
        for pair in [&mut shared, &mut unshared, &mut former] {
            pair.ask_for_export(&one, &api).await;
        }
        operator.renew(&api).await;
        operator.prove(&one, &api).await;
        let things = [&mut shared.things, &mut unshared.things, &mut former.things];
        ask_for_ledger(&api, &operator, &report, things).await;
        // From here on nobody proved lately who they are.
        one.clock().advance(SignedDuration::from_mins(6));
        tokio::join!(stranger.renew(&api), operator.renew(&api), suspended.renew(&api));
        tokio::join!(support.renew(&api), editor.renew(&api));
        tokio::join!(shared.share(&api), unshared.share(&api), former.share(&api));
        former.part(&api).await;
        let trusted = shared.share_with(&api, trusted).await;
        let mut borrowed = Vec::new();
        for scope in SCOPES {
            borrowed.push((scope, stranger.open(&api, &friend.account_id, scope).await));
        }
        let client = software.token(&one, &api, "system/*.rs").await;
        let world = Self {
            one,
            api,
            shared,
            unshared,
            former,
            trusted,
            stranger,
            borrowed,
            suspended,
            support,
            editor,
            operator,
            client,
            asked_for_proof: Mutex::default(),
        };
        world.settle().await;
        world
    }

    /// Waits until every event has been handled, and whatever is due by now has arrived.
    async fn settle(&self) {
        let mut databases = BTreeMap::new();
        for service in SERVICES {
            databases.insert(service, PgPool::connect(&self.one.database_url(service)).await.unwrap());
        }
        let now = self.one.clock().now().to_string();
        let due = format!("schedules WHERE state = 'pending' AND due_at <= '{now}'");
        let is_empty = async |service: &str, what: &str| {
            let query = AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
            sqlx::query_scalar::<_, i64>(query).fetch_one(&databases[service]).await.unwrap() == 0
        };
        let told = async || {
            for service in SERVICES {
                if !is_empty(service, "bus.outbox").await {
                    return false;
                }
            }
            true
        };
        eventually("everything has got around", PATIENCE, async || {
            told().await && is_empty("reminders", &due).await && told().await
        })
        .await;
    }

    /// Lets so much time pass that two more attempts have their turn, and no passport ends. Capabilities do.
    pub(crate) fn let_turns_come(&self) {
        self.one.clock().advance(SignedDuration::from_secs(20));
    }

    /// Lets all people who call prove anew who they are. Nobody, a forger and software have nothing to prove.
    pub(crate) async fn prove(&mut self) {
        let Self { one, api, shared, unshared, former, trusted, .. } = self;
        let linked = [shared, unshared, former, trusted].map(|pair| &mut pair.other);
        let Self { stranger, suspended, support, editor, operator, .. } = self;
        for person in linked.into_iter().chain([stranger, suspended, support, editor, operator]) {
            person.prove(one, api).await;
        }
    }

    /// The RPCs that asked somebody to prove again who they are.
    pub(crate) fn asked_for_proof(&self) -> BTreeSet<&'static str> {
        self.asked_for_proof.lock().unwrap().clone()
    }

    pub(crate) async fn stop(self) {
        self.one.stop().await;
    }

    /// Whose things a caller's calls are about.
    fn pair(&self, caller: Caller) -> &Pair {
        match caller {
            Caller::Former => &self.former,
            // Those who work here too, so that what is paced by whose things it is lasts for all callers.
            Caller::Unshared | Caller::Support | Caller::Editor | Caller::Operator => &self.unshared,
            Caller::Trusted => &self.trusted,
            _ => &self.shared,
        }
    }

    fn passport(&self, caller: Caller) -> Option<String> {
        Some(match caller {
            Caller::Nobody => return None,
            Caller::Forger => forged(&self.shared.owner.passport),
            Caller::Stranger => self.stranger.passport.clone(),
            Caller::Suspended => self.suspended.passport.clone(),
            Caller::Support => self.support.passport.clone(),
            Caller::Editor => self.editor.passport.clone(),
            Caller::Operator => self.operator.passport.clone(),
            Caller::Client => self.client.clone(),
            Caller::Former | Caller::Unshared | Caller::Trusted | Caller::Shared => {
                self.pair(caller).other.passport.clone()
            }
        })
    }

    /// What a caller must not change of what the owner of their things sees, by the call that shows it.
    pub(crate) async fn owners_view(&self, caller: Caller) -> BTreeMap<&'static str, Value> {
        let owner = &self.pair(caller).owner;
        let mut view = BTreeMap::new();
        let of_both = OWNERS_VIEW.into_iter().filter(|_| caller.may_change_nothing());
        for rpc in OWNERS_ALONE.into_iter().chain(of_both) {
            view.insert(rpc, owner.ok(&self.api, rpc, json!({})).await);
        }
        view
    }

    /// What of that a caller changed all the same.
    pub(crate) async fn changed_since(
        &self,
        caller: Caller,
        before: &BTreeMap<&'static str, Value>,
    ) -> Vec<String> {
        let after = self.owners_view(caller).await;
        let changed = before.iter().filter(|(rpc, seen)| after[**rpc] != **seen);
        changed.map(|(rpc, _)| format!("{caller:?} changed what the owner sees with {rpc}")).collect()
    }

    /// What is wrong with what a caller gets; nothing, if all is as the row says.
    pub(crate) async fn check(&self, caller: Caller, row: &Row) -> Vec<String> {
        let things = &self.pair(caller).things;
        let request = things.request(row.request);
        let of_the_owner = things.made_up_of_the_owner(caller).request(row.request);
        let mut made_up = vec![of_the_owner.clone()];
        if !caller.is_linked() {
            made_up.push(things.made_up(caller).request(row.request));
        }
        made_up.retain(|other| *other != request);
        let outcome = row.outcome(caller);
        let got = self.attempt(caller, row.rpc, &request).await;
        if got.asks_for_proof() {
            self.asked_for_proof.lock().unwrap().insert(row.rpc);
        }
        let mut wrong = self.betrayed(caller, row, &request, &got);
        let code = match outcome {
            Outcome::Alike(code) | Outcome::Refused(code) => code,
            Outcome::Own | Outcome::Opened => Code::Ok,
        };
        if got.code() != code {
            wrong.push(format!("{:?} instead of {code:?}: {}", got.code(), got.text(row.rpc)));
        }
        for other in &made_up {
            let nothing = self.attempt(caller, row.rpc, other).await;
            match outcome {
                Outcome::Alike(_) if nothing != got => {
                    let nothing = nothing.text(row.rpc);
                    wrong.push(format!("what does not exist gets another answer: {nothing:?}"));
                }
                Outcome::Opened if nothing == got => {
                    wrong.push("what does not exist gets the same answer, so nothing was opened".to_owned());
                }
                _ => {}
            }
        }
        if Api::delegation(row.rpc).is_some() {
            wrong.extend(self.check_capabilities(caller, row, &request, &of_the_owner).await);
        }
        wrong.into_iter().map(|what| format!("{} by {caller:?}: {what}", row.rpc)).collect()
    }

    /// Words of the owner's in the answer that are not for the caller.
    fn betrayed(&self, caller: Caller, row: &Row, request: &Value, got: &Got) -> Vec<String> {
        let answer = got.text(row.rpc);
        let mut told = self.pair(caller).things.betrayed(request, &answer);
        if row.outcome(caller) == Outcome::Opened {
            told.retain(|text| text == CANARIES[1]); // which was opened to nobody
        }
        told.into_iter().map(|text| format!("the answer tells `{text}`")).collect()
    }

    /// A call as a client makes it: where it reaches another person's data, that is opened first.
    async fn attempt(&self, caller: Caller, rpc: &str, request: &Value) -> Got {
        let passport = self.passport(caller);
        let mut shown = Shown { passport: passport.as_deref(), capability: None };
        let Some(delegation) = Api::delegation(rpc) else {
            return Got::of(self.api.raw(rpc, request, shown).await);
        };
        let mut open =
            json!({"ownerAccountId": request[camel(&delegation.owner_field)], "scope": delegation.scope});
        if !delegation.item_field.is_empty() {
            open["itemId"] = request[camel(&delegation.item_field)].clone();
        }
        let opening = "candor.accounts.v1.ConsentService.OpenAccess";
        let opened = match self.api.raw(opening, &open, shown).await {
            Ok(opened) => json(opening, &opened),
            Err(status) => return Got::of(Err(status)),
        };
        shown.capability = opened["capability"].as_str();
        Got::of(self.api.raw(rpc, request, shown).await)
    }

    /// A call about another person's data with no capability, with somebody else's, or with one from before.
    async fn check_capabilities(
        &self,
        caller: Caller,
        row: &Row,
        request: &Value,
        made_up: &Value,
    ) -> Vec<String> {
        let Some(passport) = self.passport(caller) else { return Vec::new() };
        let delegation = Api::delegation(row.rpc).unwrap();
        let call = async |request: &Value, capability: Option<&str>| {
            Got::of(self.api.raw(row.rpc, request, Shown { passport: Some(&passport), capability }).await)
        };
        let mut wrong = Vec::new();
        let mut capabilities = vec![(None, "no capability")];
        // One of the stranger's own, for the data of their own partner; in another's hands it is a stolen one.
        let borrowed = self.borrowed.iter().find(|(scope, _)| *scope == delegation.scope);
        let borrowed = borrowed.map(|(_, capability)| capability.as_str());
        capabilities.push((borrowed, "a capability for somebody else's data"));
        let refused = if caller == Caller::Forger { Code::Unauthenticated } else { Code::PermissionDenied };
        for (capability, what) in capabilities {
            let got = call(request, capability).await;
            if got.code() != refused || call(made_up, capability).await != got {
                wrong.push(format!("with {what} it gets {:?}: {}", got.code(), got.text(row.rpc)));
            }
        }
        // What was opened before the two parted opens nothing now.
        let held = self.pair(caller).held.iter().find(|(scope, _)| *scope == delegation.scope);
        if let Some((_, held)) = held {
            let got = call(request, Some(held)).await;
            let empty = got == Got::Done(Bytes::new());
            let hidden = got.code() == Code::NotFound && call(made_up, Some(held)).await == got;
            if !empty && !hidden {
                wrong.push(format!(
                    "with a capability from before it gets {:?}: {}",
                    got.code(),
                    got.text(row.rpc)
                ));
            }
        }
        wrong
    }
}

/// Two are linked; one reports the other, who is suspended and signs in again. The report and the suspension.
async fn suspend(api: &Api, operator: &Person, whom: Person, by: &Person) -> (Person, Value, Value) {
    link(api, by, &whom).await;
    let told = json!({
        "accountId": whom.account_id, "reason": "REPORT_REASON_THREAT", "note": "It was said.",
        "evidence": [{"kind": "EVIDENCE_KIND_TYPED", "words": "Words."}],
    });
    let report = by.ok(api, "candor.accounts.v1.TrustService.ReportPerson", told).await["reportId"].clone();
    let sentence = json!({"reportId": report, "reason": "SUSPENSION_REASON_THREAT"});
    let suspended = operator.ok(api, "candor.accounts.v1.ModerationService.SuspendAccount", sentence).await;
    let whom = Person::sign_in(api, whom.email, String::new()).await;
    (whom, report, suspended["suspensionId"].clone())
}

/// The same claims under a signature that nobody made.
fn forged(passport: &str) -> String {
    let (claims, signature) = passport.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    assert_ne!(turned, signature);
    format!("{claims}.{turned}")
}

/// A field's name as JSON has it.
pub(crate) fn camel(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}
