//! The rows of the table that ask for a fresh proof, once more for callers who all proved just now who they are: what they
//! are refused is refused because it is not theirs.

use crate::callers::Outcome::{Opened, Own, Refused};
use crate::callers::Row;
use crate::table::{
    DENIED, DONE, GONE, NOT_NOW, TOO_LATE, UNKNOWN, UNSIGNED, any_member, anybody, members, operators, row,
};
use tonic::Code;

pub(crate) const ROWS: [Row; 35] = [
    // What guards an account: each reaches their own alone.
    row("candor.accounts.v1.SecurityService.ChooseNotices", r#"{"byMail": true}"#, anybody(DONE)),
    row("candor.accounts.v1.SecurityService.BeginTotp", "{}", anybody(Own)),
    row("candor.accounts.v1.SecurityService.ConfirmTotp", r#"{"code": "123456"}"#, anybody(DENIED)),
    row(
        "candor.accounts.v1.SecurityService.RenewRecoveryCodes",
        "{}",
        [UNSIGNED, UNSIGNED, UNKNOWN, Own, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ),
    row("candor.accounts.v1.PasskeyService.BeginPasskey", r#"{"name": "a key"}"#, anybody(Own)),
    row(
        "candor.accounts.v1.PasskeyService.AddPasskey",
        r#"{"challengeToken": "$token", "credential": "{}"}"#,
        anybody(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.PasskeyService.RenamePasskey",
        r#"{"passkeyId": "$passkey", "name": "a key"}"#,
        anybody(UNKNOWN),
    ),
    row("candor.accounts.v1.PasskeyService.RemovePasskey", r#"{"passkeyId": "$passkey"}"#, anybody(UNKNOWN)),
    row("candor.accounts.v1.IdentityService.RequestEmailChange", r#"{"email": "$email"}"#, anybody(DONE)),
    row(
        "candor.accounts.v1.IdentityService.ChangePassword",
        r#"{"newPassword": "a sentence of fifteen and more"}"#,
        anybody(Own),
    ),
    row(
        "candor.accounts.v1.CoupleService.LiftInvitationPause",
        r#"{"pauseId": "$pause"}"#,
        // The same whether there is such a pause or not; whose it is keeps it, which is looked at afterwards.
        any_member(DONE),
    ),
    // Software is whoever's who registered it; operators see a counselor's, whose keys are not theirs to change.
    row(
        "candor.accounts.v1.OAuthClientService.RegisterClient",
        r#"{"name": "Praxis", "purpose": "Reads", "contact": "Somebody", "scopes": ["system/*.rs"], "jwks": "$jwks"}"#,
        operators(Own),
    ),
    row(
        "candor.accounts.v1.OAuthClientService.RotateClientKeys",
        r#"{"clientId": "$client", "jwks": "$jwks"}"#,
        operators(Refused(Code::PermissionDenied)),
    ),
    // Who is a counselor is for operators.
    row(
        "candor.accounts.v1.CounselorService.VerifyCounselor",
        r#"{"counselorAccountId": "$applicant", "revision": 1}"#,
        operators(Opened),
    ),
    row(
        "candor.accounts.v1.CounselorService.RefuseCounselor",
        r#"{"counselorAccountId": "$applicant", "revision": 1, "reason": "No."}"#,
        operators(TOO_LATE),
    ),
    row(
        "candor.accounts.v1.CounselorService.SuspendCounselor",
        r#"{"counselorAccountId": "$applicant", "reason": "No."}"#,
        operators(Opened),
    ),
    // An applicant takes nobody on. Somebody who is not linked has nobody to agree.
    row(
        "candor.accounts.v1.CareService.RequestCare",
        r#"{"counselorAccountId": "$applicant", "ownName": "Somebody", "jurisdiction": "DE", "attested": true}"#,
        any_member(UNKNOWN),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.ProposeCoupleCare",
        r#"{"counselorAccountId": "$applicant", "ownName": "Somebody", "jurisdiction": "DE", "attested": true,
            "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        members(UNKNOWN, NOT_NOW, UNKNOWN, NOT_NOW, UNKNOWN),
    ),
    // Of the care of two nobody but the two hears: it is proposed to the one partner, and active with the other.
    row(
        "candor.accounts.v1.CoupleCareService.AgreeToCoupleCare",
        r#"{"careId": "$couple_care", "ownName": "Somebody", "jurisdiction": "DE", "attested": true}"#,
        members(UNKNOWN, UNKNOWN, Opened, UNKNOWN, Opened),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.ProposeConfidentiality",
        r#"{"careId": "$couple_care", "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        members(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, Opened),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.AgreeToConfidentiality",
        r#"{"careId": "$couple_care", "version": 1, "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        members(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, GONE),
    ),
    // The owner's counselor, and the counselor's software, are nobody's who is not in their care.
    row(
        "candor.accounts.v1.ConsentService.GrantConsent",
        r#"{"counselorAccountId": "$counselor", "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_CARE",
            "textId": "entries-to-counselor", "textVersion": 1}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.SoftwareConsentService.GrantSoftwareConsent",
        r#"{"clientId": "$client", "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_STATED",
            "textId": "entries-to-software", "textVersion": 1}"#,
        any_member(UNKNOWN),
    ),
    // What operators decide was decided, and a ledger takes two of them.
    row(
        "candor.accounts.v1.ModerationService.DismissReport",
        r#"{"reportId": "$report"}"#,
        operators(TOO_LATE),
    ),
    row(
        "candor.accounts.v1.ModerationService.SuspendAccount",
        r#"{"reportId": "$report", "reason": "SUSPENSION_REASON_THREAT"}"#,
        operators(TOO_LATE),
    ),
    row(
        "candor.accounts.v1.ModerationService.DecideAppeal",
        r#"{"suspensionId": "$suspension"}"#,
        operators(TOO_LATE),
    ),
    row(
        "candor.accounts.v1.ModerationService.LiftSuspension",
        r#"{"suspensionId": "$suspension"}"#,
        operators(Opened),
    ),
    row(
        "candor.accounts.v1.LedgerLookService.AskLedgerLook",
        r#"{"reportId": "$report", "reason": "LEDGER_LOOK_REASON_MISUSE", "note": "It was said."}"#,
        operators(Own),
    ),
    row(
        "candor.accounts.v1.LedgerLookService.AnswerLedgerLook",
        r#"{"requestId": "$ledger_look", "agreed": true}"#,
        operators(TOO_LATE),
    ),
    row(
        "candor.accounts.v1.LedgerLookService.ReadLedger",
        r#"{"requestId": "$ledger_look"}"#,
        operators(TOO_LATE),
    ),
    // Whoever has ties is not to become a counselor; whoever left has none.
    row(
        "candor.accounts.v1.CounselorService.SubmitCounselorApplication",
        r#"{"name": "Somebody", "languages": ["en"], "specialties": ["COUNSELOR_SPECIALTY_GRIEF"],
            "approach": "Slowly.", "practiceOnly": true,
            "licences": [{"title": "A", "jurisdiction": "DE", "number": "1", "lastDay": "2099-12-31"}]}"#,
        members(NOT_NOW, Own, NOT_NOW, NOT_NOW, NOT_NOW),
    ),
    // Taking along and leaving, each their own. Of all here staff alone has an app to take away, and cannot leave before their
    // role is taken.
    row("candor.accounts.v1.PrivacyService.RequestExport", "{}", anybody(Own)),
    row("candor.accounts.v1.PrivacyService.TakeExport", "{}", anybody(NOT_NOW)),
    row(
        "candor.accounts.v1.SecurityService.RemoveTotp",
        "{}",
        [UNSIGNED, UNSIGNED, UNKNOWN, Own, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ),
    row(
        "candor.accounts.v1.PrivacyService.RequestErasure",
        "{}",
        [UNSIGNED, UNSIGNED, Own, NOT_NOW, DENIED, Own, Own, Own, Own],
    ),
];
