//! What is taken along: the calls that answer one's own, where each goes, and for whom it is.

use crate::station::Station;

/// A part of the file.
pub(super) struct Section {
    /// The call.
    pub(super) rpc: &'static str,
    /// Where it goes, without a number and an ending.
    pub(super) place: &'static str,
    /// What it is, for people.
    pub(super) title: &'static str,
    /// How it is asked for.
    pub(super) way: Way,
    /// Who has something of the kind.
    pub(super) whose: Whose,
}

/// Who has a part of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Everybody with an account.
    Everybodys,
    /// Members and counselors: who has become a counselor may have been a member before, and what was theirs still is.
    Peoples,
    /// Members alone: an account for a practice has no partner and no circle.
    Members,
    /// Counselors alone.
    Counselors,
}

/// How a part is asked for.
pub(super) enum Way {
    /// As it is: all at once or a page at a time.
    Plain,
    /// The list leaves things out, so each is asked for by another call: its name, its id in the list and in the call.
    Each { rpc: &'static str, id: &'static str },
    /// It belongs to two, so the partner is named in this field. Nothing without one.
    WithPartner { field: &'static str },
}

impl Section {
    /// Whether it belongs to two.
    pub(super) fn is_with_partner(&self) -> bool {
        matches!(self.way, Way::WithPartner { .. })
    }

    /// Whether somebody has something of the kind.
    pub(super) fn is_of(&self, station: Station) -> bool {
        match self.whose {
            Whose::Everybodys => true,
            Whose::Peoples => station.is_member() || station.is_counselor(),
            Whose::Members => station.is_member(),
            Whose::Counselors => station.is_counselor(),
        }
    }

    /// The name of a page's file.
    pub(super) fn file(&self, page: usize, ending: &str) -> String {
        format!("{}-{page}.{ending}", self.place)
    }
}

const fn plain(rpc: &'static str, place: &'static str, title: &'static str) -> Section {
    Section { rpc, place, title, way: Way::Plain, whose: Whose::Peoples }
}

const fn of(whose: Whose, section: Section) -> Section {
    Section { whose, ..section }
}

/// The call that says who the partner is.
pub(super) const COUPLE: &str = "candor.accounts.v1.CoupleService.GetCouple";
/// The call that says in which zone somebody lives.
pub(super) const ACCOUNT: &str = "candor.accounts.v1.IdentityService.GetMe";

/// Everything, in the order of the file.
pub(super) const SECTIONS: [Section; 34] = [
    plain("candor.journal.v1.EntryService.ListEntries", "journal/entries", "What you wrote"),
    plain("candor.journal.v1.MoodService.ListMoods", "journal/moods", "How you felt"),
    Section {
        way: Way::Each { rpc: "candor.journal.v1.AssessmentService.GetAssessment", id: "assessment_id" },
        ..plain(
            "candor.journal.v1.AssessmentService.ListAssessments",
            "journal/self-checks",
            "How you answered self-checks",
        )
    },
    plain("candor.journal.v1.CheckInService.ListCheckIns", "journal/check-ins", "Your answers in check-ins"),
    plain("candor.journal.v1.ShareService.ListShares", "journal/shares", "What you shared"),
    plain("candor.journal.v1.ShareService.ListOwnAnswers", "journal/answers", "What you answered to others"),
    plain("candor.content.v1.PathService.GetPath", "content/path", "Your path"),
    plain(
        "candor.reminders.v1.ScheduleService.ListSchedules",
        "reminders/planned",
        "What is planned for you",
    ),
    plain("candor.reminders.v1.InboxService.ListInboxItems", "reminders/inbox", "What arrived for you"),
    Section {
        way: Way::WithPartner { field: "owner_account_id" },
        whose: Whose::Members,
        ..plain(
            "candor.reminders.v1.CheckInScheduleService.GetCheckInSchedule",
            "reminders/check-ins",
            "When your check-ins are",
        )
    },
    of(Whose::Everybodys, plain(ACCOUNT, "account/account", "Your account")),
    of(
        Whose::Everybodys,
        plain("candor.accounts.v1.SecurityService.GetSecurity", "account/security", "How it is secured"),
    ),
    of(
        Whose::Everybodys,
        plain(
            "candor.accounts.v1.SecurityService.ListSecurityNotices",
            "account/notices",
            "What happened to it of late",
        ),
    ),
    of(
        Whose::Everybodys,
        plain("candor.accounts.v1.PasskeyService.ListPasskeys", "account/passkeys", "Your passkeys"),
    ),
    of(
        Whose::Everybodys,
        plain(
            "candor.accounts.v1.SessionService.ListSessions",
            "account/sessions",
            "Where you are signed in",
        ),
    ),
    of(
        Whose::Everybodys,
        plain(
            "candor.accounts.v1.SessionService.ListDevices",
            "account/devices",
            "Devices that your account knows",
        ),
    ),
    of(Whose::Members, plain(COUPLE, "account/couple", "Your link")),
    plain(
        "candor.accounts.v1.CoupleService.ListInvitationPauses",
        "account/invitation-pauses",
        "Whose invitations do not reach you",
    ),
    of(Whose::Members, plain("candor.accounts.v1.CircleService.GetCircle", "account/circle", "Your circle")),
    plain("candor.accounts.v1.CareService.ListCare", "account/care", "Care you asked for"),
    of(
        Whose::Members,
        plain(
            "candor.accounts.v1.CoupleCareService.ListCoupleCare",
            "account/couple-care",
            "Care of you two",
        ),
    ),
    plain(
        "candor.accounts.v1.ConsentService.ListConsents",
        "account/consents",
        "What you opened to counselors",
    ),
    plain(
        "candor.accounts.v1.SoftwareConsentService.ListSoftwareConsents",
        "account/software-consents",
        "What you opened to software",
    ),
    plain("candor.accounts.v1.PrivacyService.ListTies", "account/ties", "Who you are or were connected with"),
    plain("candor.accounts.v1.LedgerService.ListReceipts", "account/ledger", "Who read what of yours"),
    plain(
        "candor.accounts.v1.CounselorService.GetOwnCounselorApplication",
        "account/counselor-application",
        "What you said as a counselor",
    ),
    of(
        Whose::Counselors,
        plain("candor.accounts.v1.CareService.ListPeopleInCare", "practice/people", "Care you give"),
    ),
    of(
        Whose::Counselors,
        plain(
            "candor.accounts.v1.CoupleCareService.ListCouplesInCare",
            "practice/couples",
            "Care of couples you give",
        ),
    ),
    of(
        Whose::Counselors,
        plain(
            "candor.accounts.v1.ConsentService.ListGrantedToMe",
            "practice/consents",
            "What is open to you",
        ),
    ),
    plain("candor.accounts.v1.OAuthClientService.ListOwnClients", "practice/clients", "Your software"),
    plain(
        "candor.accounts.v1.LedgerService.ListStaffLooks",
        "account/staff-looks",
        "What those who run the place looked at",
    ),
    plain("candor.accounts.v1.TrustService.ListOwnReports", "account/reports", "What you reported"),
    plain(
        "candor.accounts.v1.TrustService.GetSuspension",
        "account/suspension",
        "Whether your account is suspended",
    ),
    of(
        Whose::Everybodys,
        plain("candor.accounts.v1.TermsService.ListAcceptedTerms", "account/terms", "The terms you accepted"),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use candor_proto::DESCRIPTOR_SET;
    use prost_reflect::DescriptorPool;
    use std::collections::BTreeSet;

    /// What reads and is not taken along, and why. Answers to safety questions (M25) belong here, once there are any: whoever
    /// has the file in their hands may not be its owner.
    const ELSEWHERE: [(&str, &str); 35] = [
        ("accounts.v1.ConsentService.GetConsentText", "public"),
        ("accounts.v1.CounselorService.GetCounselor", "others'"),
        ("accounts.v1.CounselorService.GetCounselorApplication", "of staff"),
        ("accounts.v1.CounselorService.ListCounselorApplications", "of staff"),
        ("accounts.v1.CounselorService.ListCounselors", "others'"),
        ("accounts.v1.LedgerLookService.GetLedgerLook", "of staff"),
        ("accounts.v1.LedgerLookService.ListLedgerLooks", "of staff"),
        ("accounts.v1.ModerationService.GetReport", "of staff"),
        ("accounts.v1.ModerationService.GetSuspensionCase", "of staff"),
        ("accounts.v1.ModerationService.ListReports", "of staff"),
        ("accounts.v1.ModerationService.ListSuspensions", "of staff"),
        ("accounts.v1.OAuthClientService.GetClient", "of staff"),
        ("accounts.v1.OAuthClientService.ListClients", "of staff"),
        ("accounts.v1.PrivacyService.GetErasure", "about the going itself"),
        ("accounts.v1.PrivacyService.GetErasureCertificate", "public"),
        ("accounts.v1.PrivacyService.GetExport", "about the file itself"),
        ("accounts.v1.SessionService.ListSigningKeys", "public"),
        ("accounts.v1.SoftwareConsentService.GetSoftware", "others'"),
        ("accounts.v1.SoftwareConsentService.ListGrantedToSoftware", "others'"),
        ("accounts.v1.SoftwareConsentService.ListSoftware", "others'"),
        ("accounts.v1.TermsService.GetTerms", "public"),
        ("content.v1.InstrumentService.GetInstrument", "public"),
        ("content.v1.InstrumentService.ListInstruments", "public"),
        ("content.v1.LibraryService.GetArticle", "public"),
        ("content.v1.LibraryService.ListArticles", "public"),
        ("content.v1.PromptService.ListCheckInPrompts", "public"),
        ("journal.v1.CheckInService.GetCheckIn", "one's own are in the list; the rest is the other's"),
        ("journal.v1.EntryService.GetEntry", "all are in the list"),
        ("journal.v1.OpenedService.GetOpenedEntry", "all of one's own are among the entries"),
        ("journal.v1.OpenedService.GetOpenedSelfCheck", "all of one's own are among the self-checks"),
        ("journal.v1.OpenedService.ListOpenedEntries", "one's own are among the entries"),
        ("journal.v1.OpenedService.ListOpenedMoods", "one's own are among the moods"),
        ("journal.v1.OpenedService.ListOpenedSelfChecks", "one's own are among the self-checks"),
        ("journal.v1.ShareService.GetShare", "all are in the list"),
        ("journal.v1.ShareService.GetShareAnswer", "the other's"),
    ];
    /// What others opened to the member stays with them.
    const OF_OTHERS: [&str; 2] =
        ["journal.v1.ShareService.GetReceivedShare", "journal.v1.ShareService.ListReceivedShares"];

    /// The calls that a section makes.
    fn calls(section: &Section) -> Vec<&'static str> {
        match section.way {
            Way::Each { rpc, .. } => vec![section.rpc, rpc],
            Way::Plain | Way::WithPartner { .. } => vec![section.rpc],
        }
    }

    #[test]
    fn whatever_reads_ones_own_is_taken_along() {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
        let reads = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|rpc| rpc.full_name().to_owned())
            .filter_map(|name| name.strip_prefix("candor.").map(str::to_owned))
            .filter(|name| {
                let call = name.rsplit('.').next().unwrap_or_default();
                call.starts_with("Get") || call.starts_with("List")
            });
        let reads: BTreeSet<String> = reads.collect();
        let taken = SECTIONS.iter().flat_map(calls).filter_map(|rpc| rpc.strip_prefix("candor."));
        let known: BTreeSet<String> =
            taken.chain(ELSEWHERE.iter().map(|(rpc, _)| *rpc)).chain(OF_OTHERS).map(str::to_owned).collect();
        let (missing, gone) = (&reads - &known, &known - &reads);
        assert!(missing.is_empty(), "\n{missing:#?}\n→ add a section, or say here why not\n");
        assert!(gone.is_empty(), "{gone:#?} are no calls");
    }

    #[test]
    fn a_suspended_account_takes_everything_along() {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
        let mark = pool.get_extension_by_name("candor.options.v1.never_gated").unwrap();
        // What belongs to two is opened by their link, and is left out for a suspended account.
        for call in SECTIONS.iter().filter(|section| !section.is_with_partner()).flat_map(calls) {
            let (service, name) = call.rsplit_once('.').unwrap();
            let service = pool.get_service_by_name(service).unwrap();
            let rpc = service.methods().find(|rpc| rpc.name() == name).unwrap();
            let open = rpc.options().get_extension(&mark).as_bool();
            assert_eq!(
                open,
                Some(true),
                "{call} is part of what everybody may take along: mark it never_gated"
            );
        }
    }

    #[test]
    fn whoever_works_for_the_place_takes_their_account_along_and_a_practice_is_its_counselors() {
        let of = |kind: &str| {
            let station = Station::of_kind(kind);
            SECTIONS.iter().filter(move |section| section.is_of(station)).map(|section| section.place)
        };
        for kind in ["operator", "editor", "support"] {
            let places: Vec<_> = of(kind).collect();
            assert_eq!(places.len(), 7, "{places:?}");
            assert!(places.iter().all(|place| place.starts_with("account/")), "{places:?}");
        }
        let practice = ["practice/people", "practice/couples", "practice/consents"];
        assert!(practice.iter().all(|place| of("counselor").any(|one| one == *place)));
        assert!(practice.iter().all(|place| of("member").all(|one| one != *place)));
        for place in ["journal/entries", "account/counselor-application", "practice/clients"] {
            assert!(of("member").chain(of("counselor")).filter(|one| *one == place).count() == 2, "{place}");
        }
    }

    #[test]
    fn each_part_has_a_place_of_its_own_that_is_safe_to_unpack() {
        let places: BTreeSet<_> = SECTIONS.iter().map(|section| section.place).collect();
        assert_eq!(places.len(), SECTIONS.len());
        for place in places {
            let (folder, name) = place.split_once('/').unwrap();
            let plain =
                |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            assert!(plain(folder) && plain(name), "{place}");
        }
    }

    #[test]
    fn what_a_section_asks_with_is_in_the_protos() {
        let pool = DescriptorPool::decode(DESCRIPTOR_SET).unwrap();
        let rpc = |name: &str| {
            let (service, call) = name.rsplit_once('.').unwrap();
            pool.get_service_by_name(service).unwrap().methods().find(|rpc| rpc.name() == call).unwrap()
        };
        for section in &SECTIONS {
            // Whatever is listed a page at a time is read to its end, and in as few calls as can be.
            let paged = rpc(section.rpc).output().get_field_by_name("next_page_token").is_some();
            for field in ["page_size", "page_token"] {
                assert_eq!(
                    rpc(section.rpc).input().get_field_by_name(field).is_some(),
                    paged,
                    "{}",
                    section.rpc
                );
            }
            match section.way {
                Way::Plain => {}
                Way::Each { rpc: each, id } => assert!(rpc(each).input().get_field_by_name(id).is_some()),
                Way::WithPartner { field } => {
                    assert!(rpc(section.rpc).input().get_field_by_name(field).is_some());
                }
            }
        }
    }
}
