//! How one's account is secured, and what happened to it.

pub(super) mod address;
pub(super) mod factor;
pub(super) mod password;
pub(super) mod profile;

use super::{Failure, Form, Frame, Member, go, parameter, passkey, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{
    ChooseNoticesRequest, GetSecurityRequest, ListSecurityNoticesRequest, SecurityNotice, SecurityNoticeKind,
};

/// Where this page is.
pub(super) const PLACE: &str = "/security";
/// Notices on a page.
const PAGE: i32 = 30;

#[derive(Template)]
#[template(path = "security.html")]
struct Page {
    frame: Frame,
    password_chosen: Option<words::Moment>,
    by_mail: bool,
    app_since: Option<words::Moment>,
    recovery_codes: i32,
    passkeys: Vec<passkey::Mine>,
    second_factor_missing: bool,
    /// Another address that waits to be confirmed.
    waiting: Option<Waiting>,
    notices: Vec<Shown>,
    /// Whether these are the newest.
    is_first: bool,
    /// Where the older ones are.
    more: Option<String>,
}

/// Another address that waits to be confirmed.
struct Waiting {
    email: String,
    until: Option<words::Moment>,
}

struct Shown {
    what: &'static str,
    /// Whether there is more about it at the practice.
    of_practice: bool,
    moment: Option<words::Moment>,
    here: bool,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let mut client = member.guest.app.upstream.security();
    let mut other = client.clone();
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let is_first = page_token.is_empty();
    let request = ListSecurityNoticesRequest { page_size: PAGE, page_token };
    let (security, notices) = (member.call(GetSecurityRequest {})?, member.call(request)?);
    let (security, notices, zone) =
        tokio::join!(client.get_security(security), other.list_security_notices(notices), member.time_zone());
    let (security, told) = (security?.into_inner(), notices?.into_inner());
    let (notices, token) = (told.notices, told.next_page_token);
    let more = (!token.is_empty()).then(|| format!("{PLACE}?from={}#lately", query::encode(&token)));
    let here = |notice: &SecurityNotice| notice.session_id == *member.held.session_id;
    let notices = notices.iter().map(|notice| Shown {
        what: what(notice.kind()),
        of_practice: is_of_practice(notice.kind()),
        moment: words::moment(notice.happen_time.as_ref(), &zone),
        here: here(notice),
    });
    let passkeys = if security.passkeys > 0 { passkey::mine(&member, &zone).await? } else { Vec::new() };
    let page = Page {
        frame: member.guest.frame("security"),
        password_chosen: words::moment(security.password_time.as_ref(), &zone),
        by_mail: security.notices_by_mail,
        app_since: words::moment(security.totp_time.as_ref(), &zone),
        recovery_codes: security.recovery_codes,
        passkeys,
        second_factor_missing: security.second_factor_missing,
        waiting: security.waiting_address.map(|waiting| Waiting {
            until: words::moment(waiting.expire_time.as_ref(), &zone),
            email: waiting.email,
        }),
        notices: notices.collect(),
        is_first,
        more,
    };
    member.guest.show(&page)
}

fn is_of_practice(kind: SecurityNoticeKind) -> bool {
    matches!(
        kind,
        SecurityNoticeKind::CounselorVerified
            | SecurityNoticeKind::CounselorRefused
            | SecurityNoticeKind::CounselorSuspended
            | SecurityNoticeKind::CounselorExpired
            | SecurityNoticeKind::CareAsked
    )
}

/// What happened, in a sentence.
fn what(kind: SecurityNoticeKind) -> &'static str {
    match kind {
        SecurityNoticeKind::Unspecified => "Something about your account changed.",
        SecurityNoticeKind::PasswordChanged => "Your password was changed.",
        SecurityNoticeKind::PasswordReset => {
            "Your password was set anew with a link from a mail. You were signed out everywhere."
        }
        SecurityNoticeKind::NoticesChanged => "It was chosen whether security notices go by mail.",
        SecurityNoticeKind::AddressTried => {
            "Somebody tried to register with your address. Nothing about your account changed."
        }
        SecurityNoticeKind::AppAdded => "An authenticator app was set up.",
        SecurityNoticeKind::AppRemoved => "The authenticator app was taken away.",
        SecurityNoticeKind::RecoveryCodesRenewed => {
            "New recovery codes were made. Those before work no more."
        }
        SecurityNoticeKind::RecoveryCodeUsed => "A recovery code was used.",
        SecurityNoticeKind::ErasureRequested => {
            "It was asked for everything of yours to be destroyed. Until then you can call it off, under your data."
        }
        SecurityNoticeKind::ErasureCancelled => "That everything of yours is destroyed was called off.",
        SecurityNoticeKind::PasskeyAdded => "A passkey was added.",
        SecurityNoticeKind::PasskeyRemoved => "A passkey was taken away.",
        SecurityNoticeKind::PasskeyDoubted => {
            "A passkey did not count on as it should: there may be a copy of its device. Nothing was opened."
        }
        SecurityNoticeKind::DeviceAdded => "Somebody signed in from a device that was not known here.",
        SecurityNoticeKind::ExportRequested => {
            "It was asked for everything of yours to be taken along. Was it not you? Then call it off, under your data."
        }
        SecurityNoticeKind::ExportCancelled => "That everything of yours is taken along was called off.",
        SecurityNoticeKind::ExportTaken => "Everything of yours was taken along as a file.",
        SecurityNoticeKind::CodesRefused => {
            "Several wrong codes were given. Whoever did that may know your password, or read your mail. Nothing was opened."
        }
        SecurityNoticeKind::CounselorVerified => {
            "What you said as a counselor was checked. You are one here."
        }
        SecurityNoticeKind::CounselorRefused => {
            "What you said as a counselor was refused. The reason stands with your practice."
        }
        SecurityNoticeKind::CounselorSuspended => {
            "You are not a counselor here for now. The reason stands with your practice."
        }
        SecurityNoticeKind::CareAsked => "Somebody asks you as a counselor.",
        SecurityNoticeKind::CareAnswered => "Something you asked was answered. It stands on the page Care.",
        SecurityNoticeKind::CareOver => "Something that was asked, or care, is over.",
        SecurityNoticeKind::CoupleCareProposed => {
            "Something is proposed to you. It stands on the page Care for two."
        }
        SecurityNoticeKind::ConfidentialityProposed => "Something is proposed in care for two.",
        SecurityNoticeKind::ConfidentialityChanged => "Something all three agreed to counts in care for two.",
        SecurityNoticeKind::ConsentGranted => {
            "Something of yours was opened to your counselor. It stands on the page Care, where you can take it back."
        }
        SecurityNoticeKind::EmailChangeAsked => {
            "Another address was asked for. Nothing changes before its link is opened. Was it not you? Then call it off below your address."
        }
        SecurityNoticeKind::EmailChanged => {
            "Your address was changed. Everybody else was signed out. For 7 days, a link in a mail to the address of before puts it back."
        }
        SecurityNoticeKind::EmailChangeUndone => {
            "An earlier address was put back with the link that went to it. Everybody was signed out. A new password is a good idea."
        }
        SecurityNoticeKind::TermsWithdrawn => {
            "It was taken back that the terms are accepted. Most of the place is closed until you accept them again."
        }
        SecurityNoticeKind::SoftwareConsentGranted => {
            "Something of yours was opened to software. It stands on the page Software, where you can take it back."
        }
        SecurityNoticeKind::SoftwareOver => {
            "Software that you had opened something to was ended. Nothing is open to it any more."
        }
        SecurityNoticeKind::AccountSuspended => {
            "Your account was suspended. You can read why, and object, on the page Your account."
        }
        SecurityNoticeKind::SupportLooked => {
            "Somebody who helps with the use of this place looked how your account stands, with a code of yours."
        }
        SecurityNoticeKind::LedgerLooked => {
            "An operator read your ledger. Another one had agreed. It stands in your ledger."
        }
        SecurityNoticeKind::RoleEnded => {
            "You do not work for this place any more. The account is a member’s now."
        }
        SecurityNoticeKind::SecretReused => {
            "Somebody used an old key of one of your sessions, as if it had been copied. That session ended. If it was not you, change your password."
        }
        SecurityNoticeKind::SuspensionLifted => "Your account is not suspended any more.",
        SecurityNoticeKind::AppealRefused => "What you objected was looked at. The suspension stays.",
        SecurityNoticeKind::CareOnHold => "Care is on hold. It stands on the page Care.",
        SecurityNoticeKind::CounselorExpired => {
            "You are not a counselor here for now: no licence that was checked holds any more."
        }
    }
}

pub(super) async fn choose_notices(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(ChooseNoticesRequest { by_mail: form.text("by_mail") == "yes" })?;
    let chosen = member.guest.app.upstream.security().choose_notices(request).await;
    chosen.map_err(|status| Failure::back_to(PLACE, status))?;
    Ok(go(PLACE))
}
