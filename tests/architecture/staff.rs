//! What those who run the place or work for it do is in the audit, or this list says why not.

use crate::sources::{files, refuse};
use candor_proto::DESCRIPTOR_SET;
use prost_reflect::DescriptorPool;
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a call of theirs.
enum Kept {
    /// A record of this action.
    As(&'static str),
    /// Nothing, because of this.
    No(&'static str),
}

use Kept::{As, No};

const OWN: &str = "about their own account, as everybody's";

/// The RPCs that admit an operator, an editor or somebody who supports to more than what everybody who is signed in has, and the
/// action that the audit keeps of each. Adding one is a decision: it shows personal things or changes something, and is
/// recorded; or it says here why not.
const STAFFS: [(&str, Kept); 32] = [
    ("candor.accounts.v1.CounselorService.GetCounselorApplication", As("counselor_looked_at")),
    ("candor.accounts.v1.CounselorService.ListCounselorApplications", As("counselors_listed")),
    ("candor.accounts.v1.CounselorService.RefuseCounselor", As("counselor_refused")),
    ("candor.accounts.v1.CounselorService.SuspendCounselor", As("counselor_suspended")),
    ("candor.accounts.v1.CounselorService.VerifyCounselor", As("counselor_verified")),
    ("candor.accounts.v1.LedgerLookService.AnswerLedgerLook", As("ledger_agreed_to")),
    ("candor.accounts.v1.LedgerLookService.AskLedgerLook", As("ledger_asked_for")),
    ("candor.accounts.v1.LedgerLookService.GetLedgerLook", As("ledger_request_looked_at")),
    ("candor.accounts.v1.LedgerLookService.ListLedgerLooks", As("ledger_requests_listed")),
    ("candor.accounts.v1.LedgerLookService.ReadLedger", As("ledger_read")),
    ("candor.accounts.v1.LedgerLookService.WithdrawLedgerLook", As("ledger_taken_back")),
    ("candor.accounts.v1.ModerationService.DecideAppeal", As("appeal_decided")),
    ("candor.accounts.v1.ModerationService.DismissReport", As("report_dismissed")),
    ("candor.accounts.v1.ModerationService.GetReport", As("report_looked_at")),
    ("candor.accounts.v1.ModerationService.GetSuspensionCase", As("suspension_looked_at")),
    ("candor.accounts.v1.ModerationService.LiftSuspension", As("suspension_lifted")),
    ("candor.accounts.v1.ModerationService.ListReports", As("reports_listed")),
    ("candor.accounts.v1.ModerationService.ListSuspensions", As("suspensions_listed")),
    ("candor.accounts.v1.ModerationService.SuspendAccount", As("account_suspended")),
    ("candor.accounts.v1.OAuthClientService.DisableClient", As("client_disabled")),
    ("candor.accounts.v1.OAuthClientService.GetClient", As("client_looked_at")),
    ("candor.accounts.v1.OAuthClientService.ListClients", As("clients_listed")),
    ("candor.accounts.v1.OAuthClientService.RegisterClient", As("client_registered")),
    ("candor.accounts.v1.OAuthClientService.RotateClientKeys", As("client_keys_rotated")),
    ("candor.accounts.v1.PrivacyService.CancelErasure", No(OWN)),
    ("candor.accounts.v1.PrivacyService.CancelExport", No(OWN)),
    ("candor.accounts.v1.PrivacyService.GetErasure", No(OWN)),
    ("candor.accounts.v1.PrivacyService.GetExport", No(OWN)),
    ("candor.accounts.v1.PrivacyService.RequestErasure", No(OWN)),
    ("candor.accounts.v1.PrivacyService.RequestExport", No(OWN)),
    ("candor.accounts.v1.PrivacyService.TakeExport", No(OWN)),
    ("candor.accounts.v1.SupportService.LookUpSupportCode", As("support_looked")),
];

/// Every call's handler, by the call's name, as source.
fn handlers() -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    for file in files("services", ".rs").into_iter().filter(|file| file.path.contains("/src/rpc")) {
        let service = file.path.split('/').nth(1).unwrap_or_default().to_owned();
        let code = file.shipped();
        for part in code.split("\nimpl ").skip(1) {
            let Some((name, body)) = part.split_once(" for ").filter(|(name, _)| name.ends_with("Service"))
            else {
                continue;
            };
            let body = body.split("\n}").next().unwrap_or_default();
            for handler in body.split("\n    async fn ").skip(1) {
                let rpc = camel(handler.split('(').next().unwrap_or_default());
                let rpc = format!("candor.{service}.v1.{name}.{rpc}");
                found.insert(rpc, (handler.to_owned(), code.clone()));
            }
        }
    }
    found
}

fn camel(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

/// Whether a handler admits staff by name: the kinds it names, in a constant of its file.
fn admits_staff(handler: &str, file: &str) -> bool {
    let named = handler.split("admit_kinds(request, &").nth(1).and_then(|rest| rest.split(')').next());
    let Some(named) = named else { return false };
    let kinds = file.split(&format!("const {named}: ")).nth(1).and_then(|rest| rest.split(';').nth(1));
    let kinds = kinds.unwrap_or_else(|| panic!("the kinds {named} stand in the file that admits them"));
    ["Operator", "Editor", "Support"].iter().any(|kind| kinds.contains(&format!("Kind::{kind}")))
}

#[test]
fn every_call_of_staff_is_in_the_audit_or_it_is_said_why_not() {
    let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
    let services = pool.services().filter(|service| service.full_name().starts_with("candor."));
    let every: BTreeSet<String> = services
        .flat_map(|service| service.methods().map(|m| m.full_name().to_owned()).collect::<Vec<_>>())
        .collect();
    let handlers = handlers();
    let unread: Vec<_> = every
        .iter()
        .filter(|rpc| handlers.get(*rpc).is_none_or(|(handler, _)| !handler.contains("admit_")))
        .cloned()
        .collect();
    refuse(&unread, "its handler stands in src/rpc, in the impl of its service, and begins with admit_*");
    let staffs = every.iter().filter(|rpc| admits_staff(&handlers[*rpc].0, &handlers[*rpc].1));
    let staffs: BTreeSet<&str> = staffs.map(String::as_str).collect();
    let decided: BTreeSet<&str> = STAFFS.iter().map(|(rpc, _)| *rpc).collect();
    let undecided: Vec<_> = staffs.difference(&decided).map(|rpc| (*rpc).to_owned()).collect();
    refuse(
        &undecided,
        "say in tests/architecture/staff.rs what the audit keeps of it, and have the use case record it",
    );
    let gone: Vec<_> = decided.difference(&staffs).map(|rpc| (*rpc).to_owned()).collect();
    refuse(&gone, "no staff calls it any more: take it out of tests/architecture/staff.rs");
}

/// The actions that the audit knows.
fn actions() -> BTreeSet<String> {
    let act = files("services/accounts/src/domain/audit", "act.rs").remove(0).text;
    let names = act.split("impl Action {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    names.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[test]
fn the_actions_of_staff_are_actions_of_the_audit() {
    let known = actions();
    assert!(known.len() > 30, "the reader of the actions is broken: {known:?}");
    let missing: Vec<_> = STAFFS
        .iter()
        .filter_map(|(rpc, kept)| match kept {
            As(action) => (!known.contains(*action)).then(|| format!("{rpc}: {action}")),
            No(why) => why.is_empty().then(|| format!("{rpc}: why?")),
        })
        .collect();
    refuse(&missing, "name an action of services/accounts/src/domain/audit/act.rs, or say why there is none");
}

#[test]
fn every_action_of_the_audit_is_asked_for_by_a_test() {
    let tests: String = ["services/accounts/tests", "services/candor/tests"]
        .iter()
        .flat_map(|folder| files(folder, ".rs"))
        .map(|file| file.text)
        .collect();
    let is_named =
        |action: &String| ['"', '\''].iter().any(|quote| tests.contains(&format!("{quote}{action}{quote}")));
    let unasked: Vec<_> = actions().into_iter().filter(|action| !is_named(action)).collect();
    refuse(
        &unasked,
        "do it in a service test of accounts, or with the command, and ask the audit for its record",
    );
}
