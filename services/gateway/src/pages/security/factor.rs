//! The authenticator app, and the recovery codes.

use super::super::{Failure, Form, Frame, Member, go};
use super::PLACE;
use crate::error::{Problem, STEP_UP_REQUIRED};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    BeginTotpRequest, ConfirmTotpRequest, GetSecurityRequest, RemoveTotpRequest, RenewRecoveryCodesRequest,
};
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// Where the app is set up.
const HERE: &str = "/security/app";
/// Where the app is taken away.
const REMOVAL: &str = "/security/app/remove";
/// Where new recovery codes are made.
const CODES: &str = "/security/codes";

#[derive(Template)]
#[template(path = "security_app.html")]
struct Page {
    frame: Frame,
    secret: String,
    picture: Picture,
    /// Whether there is an app whose place it would take.
    replaces: bool,
    problem: Option<Problem>,
}

/// What an app's camera reads: the dark squares of a QR code as one path, and how many squares a side has.
struct Picture {
    path: String,
    side: usize,
}

/// Free squares around the picture, as cameras want them.
const QUIET: usize = 4;

impl Picture {
    fn of(text: &str) -> Result<Self, Problem> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| Problem::internal())?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET);
            }
        }
        Ok(Self { path, side: width + 2 * QUIET })
    }
}

/// Proposes an app: the same one for a quarter of an hour, so that a page that is loaded again goes on.
async fn proposal(member: &Member, problem: Option<Problem>) -> Result<Response, Failure> {
    let begun = member.guest.app.upstream.security().begin_totp(member.call(BeginTotpRequest {})?).await;
    let begun = begun.map_err(|status| Failure::back_to(HERE, status))?.into_inner();
    let picture = Picture::of(&begun.uri)?;
    let secret = begun.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let (replaces, frame) = (has_app(member).await?, member.guest.frame("security"));
    member.guest.show_with(status, &Page { frame, secret, picture, replaces, problem })
}

async fn has_app(member: &Member) -> Result<bool, Problem> {
    let request = member.call(GetSecurityRequest {})?;
    let security = member.guest.app.upstream.security().get_security(request).await?.into_inner();
    Ok(security.totp_time.is_some())
}

/// Whether somebody who is rid of a factor lets other sessions go on.
pub(in super::super) fn others_go_on(form: &Form) -> bool {
    form.text("others_go_on") == "yes"
}

pub(in super::super) async fn show(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    proposal(&member, None).await
}

pub(in super::super) async fn confirm(member: Member, form: Form) -> Result<Response, Failure> {
    let wish = ConfirmTotpRequest { code: form.text("code"), others_go_on: others_go_on(&form) };
    let request = member.call(wish)?;
    match member.guest.app.upstream.security().confirm_totp(request).await {
        Ok(reply) => {
            if let Some(secret) = &member.guest.visitor.session {
                // It says more now than the passport at hand.
                member.guest.app.passports.forget(secret);
            }
            show_codes(&member, reply.into_inner().recovery_codes)
        }
        Err(status) => {
            let problem = Problem::from(status);
            if problem.status == StatusCode::UNAUTHORIZED || *problem.reason == *STEP_UP_REQUIRED {
                return Err(Failure::back_to(HERE, problem));
            }
            proposal(&member, Some(problem)).await
        }
    }
}

/// What is to be taken away, and what becomes of whoever signed in with it.
#[derive(Template)]
#[template(path = "security_remove.html")]
struct RemovalPage {
    frame: Frame,
    /// What the passkey is called, if it is one.
    passkey: Option<String>,
    action: String,
}

/// Asks before an app is taken away, or the passkey of that name.
pub(in super::super) fn ask_removal(
    member: &Member,
    passkey: Option<String>,
    action: String,
) -> Result<Response, Failure> {
    member.guest.show(&RemovalPage { frame: member.guest.frame("security"), passkey, action })
}

pub(in super::super) async fn show_removal(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    ask_removal(&member, None, REMOVAL.to_owned())
}

pub(in super::super) async fn remove(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(RemoveTotpRequest { others_go_on: others_go_on(&form) })?;
    let removed = member.guest.app.upstream.security().remove_totp(request).await;
    removed.map_err(|status| Failure::back_to(REMOVAL, status))?;
    Ok(go(PLACE))
}

#[derive(Template)]
#[template(path = "security_codes.html")]
struct CodesPage {
    frame: Frame,
    codes: Vec<String>,
}

/// The codes, this once. With none (there were some already) it goes back to where the app stands now.
pub(in super::super) fn show_codes(member: &Member, codes: Vec<String>) -> Result<Response, Failure> {
    if codes.is_empty() {
        return Ok(go(PLACE));
    }
    member.guest.show(&CodesPage { frame: member.guest.frame("security"), codes })
}

#[derive(Template)]
#[template(path = "security_codes_renew.html")]
struct RenewalPage {
    frame: Frame,
}

pub(in super::super) async fn show_renewal(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    member.guest.show(&RenewalPage { frame: member.guest.frame("security") })
}

pub(in super::super) async fn renew(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(RenewRecoveryCodesRequest { others_go_on: others_go_on(&form) })?;
    let renewed = member.guest.app.upstream.security().renew_recovery_codes(request).await;
    let renewed = renewed.map_err(|status| Failure::back_to(CODES, status))?;
    show_codes(&member, renewed.into_inner().recovery_codes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_holds_the_three_corners_that_cameras_look_for() {
        let picture =
            Picture::of("otpauth://totp/candor.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        let dark = |x: usize, y: usize| picture.path.contains(&format!("M{x} {y}h1"));
        let far = picture.side - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (far, QUIET), (QUIET, far)] {
            assert!(
                (0..7).all(|n| dark(x + n, y) && dark(x, y + n) && dark(x + n, y + 6) && dark(x + 6, y + n))
            );
            assert!((1..6).all(|n| !dark(x + n, y + 1)) && dark(x + 3, y + 3));
        }
        assert!((0..picture.side).all(|n| !dark(n, QUIET - 1) && !dark(QUIET - 1, n)));
    }
}
