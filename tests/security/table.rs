//! The table. Each RPC is called about the things of somebody else, or, where it takes none, as it is; the nine
//! columns are the callers of `Caller::COLUMNS`: nobody, a forger, a stranger, an operator,
//! software with a token, a former partner, a partner without anything shared, a trusted person, a partner with
//! something shared.
//!
//! The rows are called from top to bottom by one caller after the other, so what takes something away stands last. Ids in
//! requests are those of real things of the owner's, of the kind that the RPC takes. Nobody proved lately who they are: what
//! asks for that is called again in `proven.rs`, where everybody did.

use crate::callers::Outcome::{self, Alike, Opened, Own, Refused};
use crate::callers::{Outcomes, Row};
use tonic::Code;

pub(crate) const DONE: Outcome = Alike(Code::Ok);
pub(crate) const UNKNOWN: Outcome = Alike(Code::NotFound);
pub(crate) const DENIED: Outcome = Alike(Code::PermissionDenied);
pub(crate) const UNSIGNED: Outcome = Alike(Code::Unauthenticated);
pub(crate) const NOT_NOW: Outcome = Alike(Code::FailedPrecondition);
/// What is theirs as well, when its time is over.
pub(crate) const TOO_LATE: Outcome = Refused(Code::FailedPrecondition);
/// What is theirs as well, and is something else by now.
pub(crate) const GONE: Outcome = Refused(Code::Aborted);

/// The same for everyone.
const fn anyone(outcome: Outcome) -> Outcomes {
    [outcome; 9]
}

/// For members alone.
pub(crate) const fn members(
    stranger: Outcome,
    former: Outcome,
    unshared: Outcome,
    trusted: Outcome,
    shared: Outcome,
) -> Outcomes {
    [UNSIGNED, UNSIGNED, stranger, DENIED, DENIED, former, unshared, trusted, shared]
}

/// Each member gets their own.
const OWN: Outcomes = members(Own, Own, Own, Own, Own);
/// Everybody who is signed in gets their own. Software never is.
const OWN_OF_ANYBODY: Outcomes = [UNSIGNED, UNSIGNED, Own, Own, DENIED, Own, Own, Own, Own];
/// Asks everybody who is signed in to prove again who they are.
const UNPROVEN: Outcomes = [UNSIGNED, UNSIGNED, NOT_NOW, NOT_NOW, DENIED, NOT_NOW, NOT_NOW, NOT_NOW, NOT_NOW];
/// There is nothing of the kind for anybody who is signed in.
const NOBODYS: Outcomes = [UNSIGNED, UNSIGNED, UNKNOWN, UNKNOWN, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN];
/// Nobody but the owner knows that it exists.
const OWNERS_ALONE: Outcomes = members(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
/// What a consent opens: nobody here was given one.
const BY_CONSENT: Outcomes =
    [UNSIGNED, UNSIGNED, UNKNOWN, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN];
/// For software alone, which gets its own.
const SOFTWARES: Outcomes = [UNSIGNED, UNSIGNED, DENIED, DENIED, Own, DENIED, DENIED, DENIED, DENIED];
/// Open to the partner it was opened to, and to the trusted person it was opened to.
const READERS: Outcomes = members(UNKNOWN, UNKNOWN, UNKNOWN, Opened, Opened);
/// Open to the partner it was opened to.
const ONE_PARTNERS: Outcomes = members(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, Opened);
/// Open to whoever is linked with the owner.
const PARTNERS: Outcomes = members(UNKNOWN, UNKNOWN, Opened, UNKNOWN, Opened);
/// The same for every member.
pub(crate) const fn any_member(outcome: Outcome) -> Outcomes {
    members(outcome, outcome, outcome, outcome, outcome)
}

/// The same for everybody who is signed in. Software never is.
pub(crate) const fn anybody(outcome: Outcome) -> Outcomes {
    [UNSIGNED, UNSIGNED, outcome, outcome, DENIED, outcome, outcome, outcome, outcome]
}

/// The same for everybody with a token.
const fn any_person(outcome: Outcome) -> Outcomes {
    [UNSIGNED, UNSIGNED, outcome, outcome, outcome, outcome, outcome, outcome, outcome]
}

/// For those who run the platform, and counselors.
pub(crate) const fn operators(outcome: Outcome) -> Outcomes {
    [UNSIGNED, UNSIGNED, DENIED, outcome, DENIED, DENIED, DENIED, DENIED, DENIED]
}

pub(crate) const fn row(rpc: &'static str, request: &'static str, outcomes: Outcomes) -> Row {
    Row { rpc, request, outcomes }
}

pub(crate) const ROWS: [Row; 189] = [
    // Public, and blind: what is asked about somebody is answered as if they were not here.
    row(
        "candor.accounts.v1.IdentityService.Register",
        r#"{"email": "$email", "password": "a sentence of fifteen and more", "timeZone": "UTC", "adult": true, "termsVersion": 1, "privacyVersion": 1}"#,
        anyone(DONE),
    ),
    row("candor.accounts.v1.IdentityService.ResendVerification", r#"{"email": "$email"}"#, anyone(DONE)),
    row("candor.accounts.v1.IdentityService.RequestPasswordReset", r#"{"email": "$email"}"#, anyone(DONE)),
    row(
        "candor.accounts.v1.IdentityService.ResetPassword",
        r#"{"token": "$token", "newPassword": "a sentence of fifteen and more"}"#,
        anyone(UNKNOWN),
    ),
    row("candor.accounts.v1.IdentityService.UndoEmailChange", r#"{"token": "$token"}"#, anyone(UNKNOWN)),
    row(
        "candor.accounts.v1.IdentityService.VerifyEmail",
        r#"{"token": "$token", "password": "a sentence of fifteen and more"}"#,
        anyone(UNKNOWN),
    ),
    row(
        "candor.accounts.v1.SessionService.SignIn",
        r#"{"email": "$email", "password": "a sentence of fifteen and more"}"#,
        anyone(UNSIGNED),
    ),
    row(
        "candor.accounts.v1.SessionService.CompleteSignIn",
        r#"{"pendingToken": "$token", "code": "123456"}"#,
        anyone(UNSIGNED),
    ),
    row(
        "candor.accounts.v1.PasskeyService.BeginPasskeySignIn",
        r#"{"pendingToken": "$token"}"#,
        anyone(UNSIGNED),
    ),
    row(
        "candor.accounts.v1.PasskeyService.SignInWithPasskey",
        r#"{"challengeToken": "$token", "credential": "{}"}"#,
        anyone(UNSIGNED),
    ),
    row(
        "candor.accounts.v1.SessionService.MintPassport",
        r#"{"sessionSecret": "$session"}"#,
        anyone(UNSIGNED),
    ),
    row(
        "candor.accounts.v1.SessionService.RotateSecret",
        r#"{"sessionSecret": "$session"}"#,
        anyone(UNSIGNED),
    ),
    row("candor.accounts.v1.SessionService.ListSigningKeys", "{}", anyone(DONE)),
    row("candor.accounts.v1.TermsService.GetTerms", "{}", anyone(DONE)),
    row("candor.accounts.v1.CoupleService.PreviewInvitation", r#"{"code": "$code"}"#, anyone(UNKNOWN)),
    row(
        "candor.accounts.v1.CoupleService.ReportInvitation",
        r#"{"code": "$code", "reason": "REPORT_REASON_PRESSURE", "note": "It was pressed on me."}"#,
        anyone(DONE),
    ),
    row("candor.accounts.v1.PrivacyService.GetErasureCertificate", r#"{"code": "$code"}"#, anyone(UNKNOWN)),
    // The library, for everyone.
    row("candor.content.v1.LibraryService.ListArticles", "{}", anyone(DONE)),
    row("candor.content.v1.LibraryService.GetArticle", r#"{"articleId": "$entry"}"#, anyone(UNKNOWN)),
    row("candor.content.v1.InstrumentService.ListInstruments", "{}", anyone(DONE)),
    row(
        "candor.content.v1.InstrumentService.GetInstrument",
        r#"{"instrumentId": "$assessment"}"#,
        anyone(UNKNOWN),
    ),
    row(
        "candor.content.v1.PromptService.ListCheckInPrompts",
        r#"{"checkInId": "$check_in"}"#,
        anyone(Opened),
    ),
    // One's own account.
    row("candor.accounts.v1.IdentityService.GetMe", "{}", OWN_OF_ANYBODY),
    row("candor.accounts.v1.SessionService.ListSessions", "{}", OWN_OF_ANYBODY),
    row(
        "candor.accounts.v1.SessionService.EndSession",
        r#"{"sessionId": "$session"}"#,
        [UNSIGNED, UNSIGNED, UNKNOWN, UNKNOWN, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ),
    row(
        "candor.accounts.v1.SessionService.StepUp",
        r#"{"password": "a sentence of fifteen and more"}"#,
        [UNSIGNED, UNSIGNED, DENIED, DENIED, DENIED, DENIED, DENIED, DENIED, DENIED],
    ),
    row("candor.accounts.v1.SessionService.EndSessions", "{}", OWN_OF_ANYBODY),
    row("candor.accounts.v1.SessionService.ListDevices", "{}", OWN_OF_ANYBODY),
    row(
        "candor.accounts.v1.SessionService.ForgetDevice",
        r#"{"deviceId": "$device"}"#,
        [UNSIGNED, UNSIGNED, UNKNOWN, UNKNOWN, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ),
    row("candor.accounts.v1.SecurityService.GetSecurity", "{}", OWN_OF_ANYBODY),
    // Having everything destroyed: each reaches their own alone, and asking takes a fresh proof. Staff cannot ask at all.
    row("candor.accounts.v1.PrivacyService.RequestErasure", "{}", UNPROVEN),
    row("candor.accounts.v1.PrivacyService.GetErasure", "{}", anybody(DONE)),
    // Taking it along the same.
    row("candor.accounts.v1.PrivacyService.RequestExport", "{}", UNPROVEN),
    row("candor.accounts.v1.PrivacyService.TakeExport", "{}", UNPROVEN),
    row("candor.accounts.v1.PrivacyService.GetExport", "{}", anybody(DONE)),
    row("candor.accounts.v1.PrivacyService.CancelExport", "{}", anybody(DONE)),
    row("candor.accounts.v1.PrivacyService.ListTies", "{}", any_member(DONE)),
    row("candor.accounts.v1.PrivacyService.CancelErasure", "{}", anybody(DONE)),
    row("candor.accounts.v1.SecurityService.ListSecurityNotices", "{}", OWN_OF_ANYBODY),
    // Nobody here proved lately who they are.
    row("candor.accounts.v1.SecurityService.ChooseNotices", r#"{"byMail": true}"#, UNPROVEN),
    row("candor.accounts.v1.SecurityService.BeginTotp", "{}", UNPROVEN),
    row("candor.accounts.v1.SecurityService.ConfirmTotp", r#"{"code": "123456"}"#, UNPROVEN),
    row("candor.accounts.v1.SecurityService.RemoveTotp", "{}", UNPROVEN),
    row("candor.accounts.v1.SecurityService.RenewRecoveryCodes", "{}", UNPROVEN),
    row("candor.accounts.v1.PasskeyService.ListPasskeys", "{}", OWN_OF_ANYBODY),
    row(
        "candor.accounts.v1.PasskeyService.BeginPasskeyStepUp",
        "{}",
        [UNSIGNED, UNSIGNED, UNKNOWN, UNKNOWN, DENIED, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN],
    ),
    row(
        "candor.accounts.v1.PasskeyService.StepUpWithPasskey",
        r#"{"challengeToken": "$token", "credential": "{}"}"#,
        UNPROVEN,
    ),
    row("candor.accounts.v1.PasskeyService.BeginPasskey", r#"{"name": "a key"}"#, UNPROVEN),
    row(
        "candor.accounts.v1.PasskeyService.AddPasskey",
        r#"{"challengeToken": "$token", "credential": "{}"}"#,
        UNPROVEN,
    ),
    row(
        "candor.accounts.v1.PasskeyService.RenamePasskey",
        r#"{"passkeyId": "$passkey", "name": "a key"}"#,
        UNPROVEN,
    ),
    row("candor.accounts.v1.PasskeyService.RemovePasskey", r#"{"passkeyId": "$passkey"}"#, UNPROVEN),
    row(
        "candor.accounts.v1.IdentityService.ChangePassword",
        r#"{"newPassword": "a sentence of fifteen and more"}"#,
        UNPROVEN,
    ),
    row("candor.accounts.v1.IdentityService.RequestEmailChange", r#"{"email": "$email"}"#, UNPROVEN),
    row(
        "candor.accounts.v1.IdentityService.UpdateProfile",
        r#"{"timeZone": "Europe/Vienna"}"#,
        OWN_OF_ANYBODY,
    ),
    row("candor.accounts.v1.IdentityService.ConfirmEmailChange", r#"{"token": "$token"}"#, NOBODYS),
    row("candor.accounts.v1.IdentityService.CancelEmailChange", "{}", NOBODYS),
    row("candor.accounts.v1.TermsService.ListAcceptedTerms", "{}", OWN_OF_ANYBODY),
    row("candor.accounts.v1.TermsService.WithdrawTerms", r#"{"kind": "TERMS_KIND_PRIVACY"}"#, OWN_OF_ANYBODY),
    // At once again, so that everything else stays open.
    row(
        "candor.accounts.v1.TermsService.AcceptTerms",
        r#"{"kind": "TERMS_KIND_PRIVACY", "version": 1}"#,
        OWN_OF_ANYBODY,
    ),
    row("candor.accounts.v1.LedgerService.ListReceipts", "{}", OWN),
    row("candor.accounts.v1.CoupleService.GetCouple", "{}", members(Own, Own, Opened, Own, Opened)),
    row("candor.accounts.v1.CoupleService.ListInvitationPauses", "{}", OWN),
    row("candor.accounts.v1.CoupleService.CancelUnlink", "{}", any_member(DONE)),
    row(
        "candor.accounts.v1.CoupleService.LiftInvitationPause",
        r#"{"pauseId": "$pause"}"#,
        any_member(NOT_NOW),
    ),
    row("candor.accounts.v1.CircleService.GetCircle", "{}", members(Own, Own, Own, Opened, Own)),
    row(
        "candor.accounts.v1.ConsentService.OpenAccess",
        r#"{"ownerAccountId": "$owner", "scope": "SCOPE_SHARED_ITEMS"}"#,
        members(UNKNOWN, UNKNOWN, Opened, Opened, Opened),
    ),
    // Software with tokens of its own. What opens something wants a fresh proof of who the operator is.
    row(
        "candor.accounts.v1.OAuthClientService.IssueClientToken",
        r#"{"clientAssertion": "$token", "scope": "system/*.rs"}"#,
        anyone(UNSIGNED),
    ),
    row(
        "candor.accounts.v1.OAuthClientService.RevokeClientToken",
        r#"{"clientAssertion": "$token", "token": "$token"}"#,
        anyone(UNSIGNED),
    ),
    row("candor.accounts.v1.OAuthClientService.ListClients", "{}", operators(Own)),
    row("candor.accounts.v1.OAuthClientService.ListOwnClients", "{}", OWN),
    row("candor.accounts.v1.OAuthClientService.GetClient", r#"{"clientId": "$client"}"#, operators(Opened)),
    row(
        "candor.accounts.v1.OAuthClientService.RegisterClient",
        r#"{"name": "Praxis", "purpose": "Reads", "contact": "Somebody", "scopes": ["system/*.rs"], "jwks": "$jwks"}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.OAuthClientService.RotateClientKeys",
        r#"{"clientId": "$client", "jwks": "$jwks"}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.OAuthClientService.DisableClient",
        r#"{"clientId": "$idle_client"}"#,
        operators(Opened),
    ),
    // Counselors. One has applied and waits: members find nobody yet, and operators alone see what was said.
    row("candor.accounts.v1.CounselorService.ListCounselors", "{}", OWN),
    row(
        "candor.accounts.v1.CounselorService.GetCounselor",
        r#"{"counselorAccountId": "$applicant"}"#,
        OWNERS_ALONE,
    ),
    row("candor.accounts.v1.CounselorService.GetOwnCounselorApplication", "{}", OWN),
    row(
        "candor.accounts.v1.CounselorService.SetCounselorAvailability",
        r#"{"acceptsClients": true}"#,
        any_member(UNKNOWN),
    ),
    row(
        "candor.accounts.v1.CounselorService.SubmitCounselorApplication",
        r#"{"name": "Somebody", "languages": ["en"], "specialties": ["COUNSELOR_SPECIALTY_GRIEF"],
            "approach": "Slowly.", "practiceOnly": true,
            "licences": [{"title": "A", "jurisdiction": "DE", "number": "1", "lastDay": "2099-12-31"}]}"#,
        any_member(NOT_NOW),
    ),
    row("candor.accounts.v1.CounselorService.WithdrawCounselorApplication", "{}", any_member(DONE)),
    row("candor.accounts.v1.CounselorService.ListCounselorApplications", "{}", operators(Own)),
    row(
        "candor.accounts.v1.CounselorService.GetCounselorApplication",
        r#"{"counselorAccountId": "$applicant"}"#,
        operators(Opened),
    ),
    row(
        "candor.accounts.v1.CounselorService.VerifyCounselor",
        r#"{"counselorAccountId": "$applicant", "revision": 1}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.CounselorService.RefuseCounselor",
        r#"{"counselorAccountId": "$applicant", "revision": 1, "reason": "No."}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.CounselorService.SuspendCounselor",
        r#"{"counselorAccountId": "$applicant", "reason": "No."}"#,
        operators(NOT_NOW),
    ),
    // Care. No caller is a counselor here (they are in counseled.rs), and what is the owner's is there for nobody else.
    row("candor.accounts.v1.CareService.ListCare", "{}", OWN),
    row(
        "candor.accounts.v1.CareService.RequestCare",
        r#"{"counselorAccountId": "$applicant", "ownName": "Somebody", "jurisdiction": "DE", "attested": true}"#,
        any_member(NOT_NOW),
    ),
    row("candor.accounts.v1.CareService.ListPeopleInCare", "{}", any_person(DENIED)),
    row(
        "candor.accounts.v1.CareService.AcceptCare",
        r#"{"careId": "$care", "attested": true}"#,
        any_person(DENIED),
    ),
    row("candor.accounts.v1.CareService.DeclineCare", r#"{"careId": "$care"}"#, any_person(DENIED)),
    row("candor.accounts.v1.CareService.EndCare", r#"{"careId": "$care"}"#, any_member(DONE)),
    // Care of a couple, which is active where something is shared, and otherwise proposed: there for nobody but the two.
    row("candor.accounts.v1.CoupleCareService.ListCoupleCare", "{}", OWN),
    row(
        "candor.accounts.v1.CoupleCareService.ProposeCoupleCare",
        r#"{"counselorAccountId": "$applicant", "ownName": "Somebody", "jurisdiction": "DE", "attested": true,
            "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.AgreeToCoupleCare",
        r#"{"careId": "$couple_care", "ownName": "Somebody", "jurisdiction": "DE", "attested": true}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.ProposeConfidentiality",
        r#"{"careId": "$couple_care", "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.AgreeToConfidentiality",
        r#"{"careId": "$couple_care", "version": 1, "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.WithdrawConfidentiality",
        r#"{"careId": "$couple_care", "version": 1}"#,
        // That it counts already is for the two it counts for.
        members(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, GONE),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.DeclineConfidentiality",
        r#"{"careId": "$entry", "version": 1, "policy": "CONFIDENTIALITY_POLICY_LIMITED"}"#,
        any_member(UNKNOWN),
    ),
    row("candor.accounts.v1.CoupleCareService.ListCouplesInCare", "{}", any_person(DENIED)),
    row(
        "candor.accounts.v1.CoupleCareService.AcceptCoupleCare",
        r#"{"careId": "$couple_care", "attested": true}"#,
        any_person(DENIED),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.DeclineCoupleCare",
        r#"{"careId": "$couple_care"}"#,
        any_person(DENIED),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.ConfirmSeenAlone",
        r#"{"careId": "$couple_care", "memberAccountId": "$owner"}"#,
        any_person(DENIED),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.LockJointSessions",
        r#"{"careId": "$couple_care"}"#,
        any_person(DENIED),
    ),
    row(
        "candor.accounts.v1.CoupleCareService.EndCoupleCare",
        r#"{"careId": "$couple_care"}"#,
        any_member(DONE),
    ),
    // Consent. Only the owner has a counselor: what is theirs is there for nobody else, and nobody is granted anything.
    row("candor.accounts.v1.ConsentService.ListConsents", "{}", OWN),
    row(
        "candor.accounts.v1.ConsentService.GrantConsent",
        r#"{"counselorAccountId": "$counselor", "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_CARE",
            "textId": "entries-to-counselor", "textVersion": 1}"#,
        any_member(NOT_NOW),
    ),
    row("candor.accounts.v1.ConsentService.RevokeConsent", r#"{"consentId": "$consent"}"#, OWNERS_ALONE),
    row("candor.accounts.v1.ConsentService.ListGrantedToMe", "{}", any_person(DENIED)),
    row(
        "candor.accounts.v1.ConsentService.GetConsentText",
        r#"{"textId": "entries-to-counselor"}"#,
        [UNSIGNED, UNSIGNED, DONE, DONE, DENIED, DONE, DONE, DONE, DONE],
    ),
    // What the owner's consents open is closed to everybody here, whatever links them with the owner.
    row("candor.journal.v1.OpenedService.ListOpenedEntries", r#"{"ownerAccountId": "$owner"}"#, BY_CONSENT),
    row(
        "candor.journal.v1.OpenedService.GetOpenedEntry",
        r#"{"ownerAccountId": "$owner", "entryId": "$entry"}"#,
        BY_CONSENT,
    ),
    row("candor.journal.v1.OpenedService.ListOpenedMoods", r#"{"ownerAccountId": "$owner"}"#, BY_CONSENT),
    row(
        "candor.journal.v1.OpenedService.ListOpenedSelfChecks",
        r#"{"ownerAccountId": "$owner"}"#,
        BY_CONSENT,
    ),
    row(
        "candor.journal.v1.OpenedService.GetOpenedSelfCheck",
        r#"{"ownerAccountId": "$owner", "assessmentId": "$assessment"}"#,
        BY_CONSENT,
    ),
    // Software that something can be opened to: the house's, and to whoever is in care their counselor's. What calls here is
    // given nothing.
    row("candor.accounts.v1.SoftwareConsentService.ListSoftware", "{}", OWN),
    row("candor.accounts.v1.SoftwareConsentService.GetSoftware", r#"{"clientId": "$client"}"#, OWNERS_ALONE),
    row("candor.accounts.v1.SoftwareConsentService.ListSoftwareConsents", "{}", OWN),
    row(
        "candor.accounts.v1.SoftwareConsentService.GrantSoftwareConsent",
        r#"{"clientId": "$client", "scope": "SCOPE_ENTRIES", "purpose": "ACCESS_PURPOSE_STATED",
            "textId": "entries-to-software", "textVersion": 1}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.SoftwareConsentService.RevokeSoftwareConsent",
        r#"{"consentId": "$software_consent"}"#,
        OWNERS_ALONE,
    ),
    row("candor.accounts.v1.SoftwareConsentService.ListGrantedToSoftware", "{}", SOFTWARES),
    // Trust and safety. One account is suspended, for the report of one who was linked with it.
    row(
        "candor.accounts.v1.TrustService.ReportPerson",
        r#"{"accountId": "$owner", "reason": "REPORT_REASON_THREAT", "note": "It was said.",
            "evidence": [{"kind": "EVIDENCE_KIND_TYPED", "words": "Words."}]}"#,
        members(UNKNOWN, Own, Own, Own, Own),
    ),
    row("candor.accounts.v1.TrustService.ListOwnReports", "{}", OWN),
    row("candor.accounts.v1.TrustService.GetSuspension", "{}", OWN),
    row(
        "candor.accounts.v1.TrustService.AppealSuspension",
        r#"{"appeal": "It was not me."}"#,
        any_member(UNKNOWN),
    ),
    row("candor.accounts.v1.LedgerService.ListStaffLooks", "{}", OWN),
    row("candor.accounts.v1.SupportService.CreateSupportCode", "{}", OWN),
    // With a code that nobody read to them, those who support find what everybody finds: nothing.
    row(
        "candor.accounts.v1.SupportService.LookUpSupportCode",
        r#"{"code": "01ABC-DEFGH"}"#,
        any_person(DENIED),
    ),
    row("candor.accounts.v1.ModerationService.ListReports", "{}", operators(Own)),
    row("candor.accounts.v1.ModerationService.GetReport", r#"{"reportId": "$report"}"#, operators(Opened)),
    row(
        "candor.accounts.v1.ModerationService.DismissReport",
        r#"{"reportId": "$report"}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.ModerationService.SuspendAccount",
        r#"{"reportId": "$report", "reason": "SUSPENSION_REASON_THREAT"}"#,
        operators(NOT_NOW),
    ),
    row("candor.accounts.v1.ModerationService.ListSuspensions", "{}", operators(Own)),
    row(
        "candor.accounts.v1.ModerationService.GetSuspensionCase",
        r#"{"suspensionId": "$suspension"}"#,
        operators(Opened),
    ),
    row(
        "candor.accounts.v1.ModerationService.DecideAppeal",
        r#"{"suspensionId": "$suspension"}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.ModerationService.LiftSuspension",
        r#"{"suspensionId": "$suspension"}"#,
        operators(NOT_NOW),
    ),
    // A ledger takes two operators and a fresh proof; what one of them asked for is not here.
    row(
        "candor.accounts.v1.LedgerLookService.AskLedgerLook",
        r#"{"reportId": "$report", "reason": "LEDGER_LOOK_REASON_MISUSE", "note": "It was said."}"#,
        operators(NOT_NOW),
    ),
    row("candor.accounts.v1.LedgerLookService.ListLedgerLooks", "{}", operators(Own)),
    row(
        "candor.accounts.v1.LedgerLookService.GetLedgerLook",
        r#"{"requestId": "$ledger_look"}"#,
        operators(Opened),
    ),
    row(
        "candor.accounts.v1.LedgerLookService.AnswerLedgerLook",
        r#"{"requestId": "$ledger_look", "agreed": true}"#,
        operators(NOT_NOW),
    ),
    row(
        "candor.accounts.v1.LedgerLookService.WithdrawLedgerLook",
        r#"{"requestId": "$ledger_look"}"#,
        operators(Opened),
    ),
    row(
        "candor.accounts.v1.LedgerLookService.ReadLedger",
        r#"{"requestId": "$ledger_look"}"#,
        operators(NOT_NOW),
    ),
    // The journal.
    row("candor.journal.v1.EntryService.GetEntry", r#"{"entryId": "$entry"}"#, OWNERS_ALONE),
    row("candor.journal.v1.EntryService.ListEntries", "{}", OWN),
    row("candor.journal.v1.MoodService.ListMoods", "{}", OWN),
    row(
        "candor.journal.v1.MoodService.RecordMood",
        r#"{"moodId": "$entry", "mood": {"pleasantness": 1}}"#,
        OWN,
    ),
    row(
        "candor.journal.v1.ShareService.PreviewShare",
        r#"{"selection": {"kind": "SHARE_KIND_ENTRY", "itemId": "$entry", "depth": "SHARE_DEPTH_WHOLE"}}"#,
        OWNERS_ALONE,
    ),
    row(
        "candor.journal.v1.ShareService.ShareItem",
        r#"{"recipientAccountId": "$owner", "openNow": true,
            "selection": {"kind": "SHARE_KIND_ENTRY", "itemId": "$entry", "depth": "SHARE_DEPTH_WHOLE"}}"#,
        members(NOT_NOW, NOT_NOW, UNKNOWN, NOT_NOW, UNKNOWN),
    ),
    row("candor.journal.v1.ShareService.ListShares", r#"{"itemId": "$entry"}"#, OWN),
    row("candor.journal.v1.ShareService.GetShare", r#"{"shareId": "$share"}"#, OWNERS_ALONE),
    row("candor.journal.v1.ShareService.WithdrawShare", r#"{"shareId": "$share"}"#, OWNERS_ALONE),
    row(
        "candor.journal.v1.ShareService.RateFeltUnderstood",
        r#"{"shareId": "$share", "feltUnderstood": 5}"#,
        OWNERS_ALONE,
    ),
    row(
        "candor.journal.v1.ShareService.ListReceivedShares",
        r#"{"ownerAccountId": "$owner"}"#,
        members(UNKNOWN, UNKNOWN, Own, Opened, Opened),
    ),
    row(
        "candor.journal.v1.ShareService.GetReceivedShare",
        r#"{"ownerAccountId": "$owner", "shareId": "$share"}"#,
        READERS,
    ),
    row(
        "candor.journal.v1.ShareService.TellRead",
        r#"{"ownerAccountId": "$owner", "shareId": "$share"}"#,
        READERS,
    ),
    row(
        "candor.journal.v1.ShareService.AnswerShare",
        r#"{"ownerAccountId": "$owner", "shareId": "$share", "body": "I hear you."}"#,
        READERS,
    ),
    row(
        "candor.journal.v1.ShareService.GetShareAnswer",
        r#"{"ownerAccountId": "$owner", "shareId": "$others_share"}"#,
        ONE_PARTNERS,
    ),
    row("candor.journal.v1.ShareService.ListOwnAnswers", "{}", OWN),
    row(
        "candor.journal.v1.CheckInService.GetCheckIn",
        r#"{"checkInId": "$check_in", "ownerAccountId": "$owner"}"#,
        members(UNKNOWN, UNKNOWN, Own, UNKNOWN, Opened),
    ),
    row("candor.journal.v1.CheckInService.ListCheckIns", "{}", OWN),
    row(
        "candor.journal.v1.CheckInService.AnswerCheckIn",
        r#"{"scheduleId": "$schedule", "openTime": "$open_time",
            "replies": [{"promptId": "$prompt", "text": "Too late."}]}"#,
        any_member(NOT_NOW),
    ),
    row(
        "candor.journal.v1.CheckInService.TakeBackCheckInAnswer",
        r#"{"checkInId": "$check_in"}"#,
        members(DONE, TOO_LATE, DONE, DONE, TOO_LATE),
    ),
    row(
        "candor.journal.v1.AssessmentService.GetAssessment",
        r#"{"assessmentId": "$assessment"}"#,
        OWNERS_ALONE,
    ),
    row("candor.journal.v1.AssessmentService.ListAssessments", "{}", OWN),
    row(
        "candor.journal.v1.AssessmentService.SaveAnswers",
        r#"{"assessmentId": "$assessment", "answers": []}"#,
        OWNERS_ALONE,
    ),
    row(
        "candor.journal.v1.AssessmentService.ScoreAssessment",
        r#"{"assessmentId": "$assessment"}"#,
        OWNERS_ALONE,
    ),
    row(
        "candor.journal.v1.AssessmentService.DeleteAssessment",
        r#"{"assessmentId": "$assessment"}"#,
        OWNERS_ALONE,
    ),
    // What has a time.
    row("candor.reminders.v1.InboxService.ListInboxItems", "{}", OWN),
    row(
        "candor.reminders.v1.InboxService.MarkInboxItemRead",
        r#"{"inboxItemId": "$inbox_item"}"#,
        OWNERS_ALONE,
    ),
    row("candor.reminders.v1.ScheduleService.ListSchedules", "{}", OWN),
    row("candor.reminders.v1.ScheduleService.CancelSchedule", r#"{"scheduleId": "$reminder"}"#, OWNERS_ALONE),
    row("candor.content.v1.PathService.GetPath", "{}", OWN),
    row(
        "candor.reminders.v1.CheckInScheduleService.GetCheckInSchedule",
        r#"{"ownerAccountId": "$owner"}"#,
        PARTNERS,
    ),
    row(
        "candor.reminders.v1.CheckInScheduleService.AcceptCheckInSchedule",
        r#"{"ownerAccountId": "$owner", "scheduleId": "$proposal"}"#,
        PARTNERS,
    ),
    row(
        "candor.reminders.v1.CheckInScheduleService.ProposeCheckInSchedule",
        r#"{"weekday": "WEEKDAY_MONDAY", "localTime": "20:30", "timeZone": "UTC"}"#,
        members(Own, NOT_NOW, Own, NOT_NOW, Own),
    ),
    row(
        "candor.reminders.v1.CheckInScheduleService.EndCheckInSchedule",
        r#"{"scheduleId": "$proposal"}"#,
        members(UNKNOWN, UNKNOWN, Opened, UNKNOWN, Opened),
    ),
    // Ids are chosen by their owners: somebody else's are free.
    row(
        "candor.journal.v1.AssessmentService.StartAssessment",
        r#"{"assessmentId": "$assessment", "instrumentId": "self-check"}"#,
        OWN,
    ),
    row(
        "candor.journal.v1.EntryService.WriteEntry",
        r#"{"entryId": "$entry", "body": "My own words under this id."}"#,
        OWN,
    ),
    // Linking and parting.
    row(
        "candor.accounts.v1.CoupleService.InvitePartner",
        r#"{"ownName": "Somebody"}"#,
        members(NOT_NOW, Own, NOT_NOW, Own, NOT_NOW),
    ),
    row("candor.accounts.v1.CoupleService.CancelInvitation", "{}", OWN),
    row(
        "candor.accounts.v1.CoupleService.AcceptInvitation",
        r#"{"code": "$code", "ownName": "Somebody", "adult": true}"#,
        members(NOT_NOW, UNKNOWN, NOT_NOW, UNKNOWN, NOT_NOW),
    ),
    row("candor.accounts.v1.CoupleService.DeclineInvitation", r#"{"code": "$code"}"#, any_member(DONE)),
    row("candor.accounts.v1.CoupleService.BlockInviter", r#"{"code": "$code"}"#, any_member(DONE)),
    // The circle.
    row(
        "candor.accounts.v1.CircleService.InviteTrustedPerson",
        r#"{"ownName": "Somebody", "called": "A friend", "reason": "They listen."}"#,
        OWN,
    ),
    row(
        "candor.accounts.v1.CircleService.CancelCircleInvitation",
        r#"{"invitationId": "$circle_invitation"}"#,
        any_member(DONE),
    ),
    row(
        "candor.accounts.v1.CircleService.UpdateTrustedPerson",
        r#"{"circleId": "$circle", "called": "Mine"}"#,
        OWNERS_ALONE,
    ),
    row(
        "candor.accounts.v1.CircleService.RemoveTrustedPerson",
        r#"{"circleId": "$circle"}"#,
        any_member(DONE),
    ),
    row("candor.accounts.v1.CircleService.LeaveCircle", r#"{"circleId": "$circle"}"#, any_member(DONE)),
    row("candor.accounts.v1.CoupleService.UnlinkPartner", "{}", OWN),
    row(
        "candor.accounts.v1.TrustService.BlockPerson",
        r#"{"accountId": "$owner"}"#,
        members(UNKNOWN, Own, Own, Own, Own),
    ),
];
