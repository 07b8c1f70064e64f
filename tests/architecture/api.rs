//! What the descriptors promise: comments, marks, HTTP routes, and the list of public calls.

use crate::sources::refuse;
use candor_proto::DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, Kind, MethodDescriptor};

/// The RPCs anyone may call without a passport. Adding one is a decision: change this list on purpose.
const PUBLIC: [&str; 24] = [
    "candor.accounts.v1.CoupleService.PreviewInvitation",
    "candor.accounts.v1.CoupleService.ReportInvitation",
    "candor.accounts.v1.IdentityService.Register",
    "candor.accounts.v1.IdentityService.RequestPasswordReset",
    "candor.accounts.v1.IdentityService.ResendVerification",
    "candor.accounts.v1.IdentityService.ResetPassword",
    "candor.accounts.v1.IdentityService.UndoEmailChange",
    "candor.accounts.v1.IdentityService.VerifyEmail",
    "candor.accounts.v1.OAuthClientService.IssueClientToken",
    "candor.accounts.v1.OAuthClientService.RevokeClientToken",
    "candor.accounts.v1.PasskeyService.BeginPasskeySignIn",
    "candor.accounts.v1.PasskeyService.SignInWithPasskey",
    "candor.accounts.v1.PrivacyService.GetErasureCertificate",
    "candor.accounts.v1.SessionService.CompleteSignIn",
    "candor.accounts.v1.SessionService.ListSigningKeys",
    "candor.accounts.v1.SessionService.MintPassport",
    "candor.accounts.v1.SessionService.RotateSecret",
    "candor.accounts.v1.SessionService.SignIn",
    "candor.accounts.v1.TermsService.GetTerms",
    "candor.content.v1.InstrumentService.GetInstrument",
    "candor.content.v1.InstrumentService.ListInstruments",
    "candor.content.v1.LibraryService.GetArticle",
    "candor.content.v1.LibraryService.ListArticles",
    "candor.content.v1.PromptService.ListCheckInPrompts",
];

/// The RPCs that reach another person's data. Adding one is a decision: change this list on purpose.
const DELEGATED: [&str; 13] = [
    "candor.journal.v1.CheckInService.GetCheckIn",
    "candor.journal.v1.OpenedService.GetOpenedEntry",
    "candor.journal.v1.OpenedService.GetOpenedSelfCheck",
    "candor.journal.v1.OpenedService.ListOpenedEntries",
    "candor.journal.v1.OpenedService.ListOpenedMoods",
    "candor.journal.v1.OpenedService.ListOpenedSelfChecks",
    "candor.journal.v1.ShareService.AnswerShare",
    "candor.journal.v1.ShareService.GetReceivedShare",
    "candor.journal.v1.ShareService.GetShareAnswer",
    "candor.journal.v1.ShareService.ListReceivedShares",
    "candor.journal.v1.ShareService.TellRead",
    "candor.reminders.v1.CheckInScheduleService.AcceptCheckInSchedule",
    "candor.reminders.v1.CheckInScheduleService.GetCheckInSchedule",
];
/// The RPCs that a suspended account reaches, and one that has yet to accept the terms: safety, keeping others out, going away, taking along what is its own or
/// having it destroyed, and speaking for itself. All others are closed to it. Adding one is a decision: change this list on purpose.
const NEVER_GATED: [&str; 77] = [
    "candor.accounts.v1.CareService.EndCare",
    "candor.accounts.v1.CareService.ListCare",
    "candor.accounts.v1.CareService.ListPeopleInCare",
    "candor.accounts.v1.CircleService.CancelCircleInvitation",
    "candor.accounts.v1.CircleService.GetCircle",
    "candor.accounts.v1.CircleService.LeaveCircle",
    "candor.accounts.v1.CircleService.RemoveTrustedPerson",
    "candor.accounts.v1.ConsentService.ListConsents",
    "candor.accounts.v1.ConsentService.ListGrantedToMe",
    "candor.accounts.v1.ConsentService.RevokeConsent",
    "candor.accounts.v1.CounselorService.GetOwnCounselorApplication",
    "candor.accounts.v1.CounselorService.WithdrawCounselorApplication",
    "candor.accounts.v1.CoupleCareService.DeclineConfidentiality",
    "candor.accounts.v1.CoupleCareService.EndCoupleCare",
    "candor.accounts.v1.CoupleCareService.ListCoupleCare",
    "candor.accounts.v1.CoupleCareService.ListCouplesInCare",
    "candor.accounts.v1.CoupleCareService.WithdrawConfidentiality",
    "candor.accounts.v1.CoupleService.BlockInviter",
    "candor.accounts.v1.CoupleService.CancelInvitation",
    "candor.accounts.v1.CoupleService.DeclineInvitation",
    "candor.accounts.v1.CoupleService.GetCouple",
    "candor.accounts.v1.CoupleService.ListInvitationPauses",
    "candor.accounts.v1.CoupleService.UnlinkPartner",
    "candor.accounts.v1.IdentityService.CancelEmailChange",
    "candor.accounts.v1.IdentityService.ChangePassword",
    "candor.accounts.v1.IdentityService.GetMe",
    "candor.accounts.v1.LedgerService.ListReceipts",
    "candor.accounts.v1.LedgerService.ListStaffLooks",
    "candor.accounts.v1.OAuthClientService.DisableClient",
    "candor.accounts.v1.OAuthClientService.ListOwnClients",
    "candor.accounts.v1.PasskeyService.BeginPasskeyStepUp",
    "candor.accounts.v1.PasskeyService.ListPasskeys",
    "candor.accounts.v1.PasskeyService.RemovePasskey",
    "candor.accounts.v1.PasskeyService.StepUpWithPasskey",
    "candor.accounts.v1.PrivacyService.CancelErasure",
    "candor.accounts.v1.PrivacyService.CancelExport",
    "candor.accounts.v1.PrivacyService.GetErasure",
    "candor.accounts.v1.PrivacyService.GetExport",
    "candor.accounts.v1.PrivacyService.ListTies",
    "candor.accounts.v1.PrivacyService.RequestErasure",
    "candor.accounts.v1.PrivacyService.RequestExport",
    "candor.accounts.v1.PrivacyService.TakeExport",
    "candor.accounts.v1.SecurityService.GetSecurity",
    "candor.accounts.v1.SecurityService.ListSecurityNotices",
    "candor.accounts.v1.SecurityService.RemoveTotp",
    "candor.accounts.v1.SecurityService.RenewRecoveryCodes",
    "candor.accounts.v1.SessionService.EndSession",
    "candor.accounts.v1.SessionService.EndSessions",
    "candor.accounts.v1.SessionService.ForgetDevice",
    "candor.accounts.v1.SessionService.ListDevices",
    "candor.accounts.v1.SessionService.ListSessions",
    "candor.accounts.v1.SessionService.StepUp",
    "candor.accounts.v1.SoftwareConsentService.ListSoftwareConsents",
    "candor.accounts.v1.SoftwareConsentService.RevokeSoftwareConsent",
    "candor.accounts.v1.SupportService.CreateSupportCode",
    "candor.accounts.v1.TermsService.AcceptTerms",
    "candor.accounts.v1.TermsService.ListAcceptedTerms",
    "candor.accounts.v1.TermsService.WithdrawTerms",
    "candor.accounts.v1.TrustService.AppealSuspension",
    "candor.accounts.v1.TrustService.BlockPerson",
    "candor.accounts.v1.TrustService.GetSuspension",
    "candor.accounts.v1.TrustService.ListOwnReports",
    "candor.accounts.v1.TrustService.ReportPerson",
    "candor.content.v1.PathService.GetPath",
    "candor.journal.v1.AssessmentService.GetAssessment",
    "candor.journal.v1.AssessmentService.ListAssessments",
    "candor.journal.v1.CheckInService.ListCheckIns",
    "candor.journal.v1.CheckInService.TakeBackCheckInAnswer",
    "candor.journal.v1.EntryService.ListEntries",
    "candor.journal.v1.MoodService.ListMoods",
    "candor.journal.v1.ShareService.ListOwnAnswers",
    "candor.journal.v1.ShareService.ListShares",
    "candor.journal.v1.ShareService.WithdrawShare",
    "candor.reminders.v1.CheckInScheduleService.EndCheckInSchedule",
    "candor.reminders.v1.InboxService.ListInboxItems",
    "candor.reminders.v1.ScheduleService.CancelSchedule",
    "candor.reminders.v1.ScheduleService.ListSchedules",
];
/// The one that decides whether such a call may be made, and so cannot need the decision itself.
const OPENS: &str = "candor.accounts.v1.ConsentService.OpenAccess";

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_SET).unwrap()
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    pool.services()
        .filter(|s| s.full_name().starts_with("candor."))
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_public_calls_are_these_and_no_others() {
    let pool = pool();
    let access = pool.get_extension_by_name("candor.options.v1.access").unwrap();
    let mut public: Vec<_> = methods(&pool)
        .iter()
        .filter(|m| m.options().get_extension(&access).as_enum_number() == Some(1))
        .map(|m| m.full_name().to_owned())
        .collect();
    public.sort();
    assert_eq!(public, PUBLIC);
}

#[test]
fn the_calls_that_reach_another_persons_data_are_these_and_no_others() {
    let pool = pool();
    let delegation = pool.get_extension_by_name("candor.options.v1.delegation").unwrap();
    let mut delegated: Vec<_> = methods(&pool)
        .iter()
        .filter(|m| m.options().has_extension(&delegation))
        .map(|m| m.full_name().to_owned())
        .collect();
    delegated.sort();
    assert_eq!(delegated, DELEGATED);
}

#[test]
fn the_calls_that_a_suspended_account_reaches_are_these_and_no_others() {
    let pool = pool();
    let mark = pool.get_extension_by_name("candor.options.v1.never_gated").unwrap();
    let mut open: Vec<_> = methods(&pool)
        .iter()
        .filter(|m| m.options().get_extension(&mark).as_bool() == Some(true))
        .map(|m| m.full_name().to_owned())
        .collect();
    open.sort();
    assert_eq!(open, NEVER_GATED);
}

#[test]
fn whoever_names_an_owner_needs_their_opening() {
    let pool = pool();
    let delegation = pool.get_extension_by_name("candor.options.v1.delegation").unwrap();
    let access = pool.get_extension_by_name("candor.options.v1.access").unwrap();
    let mut broken = Vec::new();
    for method in methods(&pool).iter().filter(|m| m.full_name() != OPENS) {
        let delegated = method.options().has_extension(&delegation);
        if !delegated && method.input().get_field_by_name("owner_account_id").is_some() {
            broken.push(format!("{} takes owner_account_id", method.full_name()));
        }
        if delegated && method.options().get_extension(&access).as_enum_number() == Some(1) {
            broken.push(format!("{} is public", method.full_name()));
        }
    }
    refuse(
        &broken,
        "give it (candor.options.v1.delegation): another person's data is read with a capability",
    );
}

#[test]
fn every_call_has_a_route() {
    let pool = pool();
    let http = pool.get_extension_by_name("google.api.http").unwrap();
    let broken: Vec<_> = methods(&pool)
        .iter()
        .filter(|m| !m.options().has_extension(&http))
        .map(|m| m.full_name().to_owned())
        .collect();
    refuse(&broken, "give it a google.api.http annotation: REST is derived from the protos");
}

#[test]
fn every_field_says_how_private_it_is() {
    let pool = pool();
    let mark = pool.get_extension_by_name("candor.options.v1.sensitivity").unwrap();
    let mut broken = Vec::new();
    for message in pool.all_messages().filter(|m| m.full_name().starts_with("candor.")) {
        for field in message.fields() {
            if field.options().get_extension(&mark).as_enum_number().unwrap_or(0) == 0 {
                broken.push(field.full_name().to_owned());
            }
        }
    }
    refuse(&broken, "mark it with (candor.options.v1.sensitivity)");
}

#[test]
fn events_never_carry_private_text() {
    let pool = pool();
    let mark = pool.get_extension_by_name("candor.options.v1.sensitivity").unwrap();
    let mut broken = Vec::new();
    for file in pool.files().filter(|f| f.name().ends_with("/events.proto")) {
        for message in file.messages() {
            for field in message.fields() {
                if field.options().get_extension(&mark).as_enum_number() == Some(3) {
                    broken.push(field.full_name().to_owned());
                }
                let free_form = matches!(field.kind(), Kind::Bytes | Kind::Message(_));
                let allowed =
                    matches!(field.kind(), Kind::Message(m) if m.full_name() == "google.protobuf.Timestamp");
                if free_form && !allowed {
                    broken.push(format!("{} can hold anything", field.full_name()));
                }
            }
        }
    }
    refuse(&broken, "an event carries ids, kinds, numbers and versions; let the reader ask the owner");
}
