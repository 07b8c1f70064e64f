//! The passkeys of one's own account.

use super::super::{Failure, Form, Member, Segment, go, security, words};
use super::Ask;
use crate::error::{Problem, STEP_UP_REQUIRED};
use crate::pages::Frame;
use crate::query;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    AddPasskeyRequest, BeginPasskeyRequest, ListPasskeysRequest, RemovePasskeyRequest, RenamePasskeyRequest,
};
use jiff::tz::TimeZone;

/// Where a passkey is added.
const HERE: &str = "/security/passkeys";

/// A passkey in its owner's list.
pub(in super::super) struct Mine {
    pub(in super::super) id: String,
    pub(in super::super) name: String,
    pub(in super::super) since: Option<words::Moment>,
    pub(in super::super) used: Option<words::Moment>,
}

/// The passkeys of an account, oldest first.
pub(in super::super) async fn mine(member: &Member, zone: &TimeZone) -> Result<Vec<Mine>, Problem> {
    let request = member.call(ListPasskeysRequest {})?;
    let listed = member.guest.app.upstream.passkeys().list_passkeys(request).await?.into_inner().passkeys;
    let mine = listed.into_iter().map(|passkey| Mine {
        since: words::moment(passkey.create_time.as_ref(), zone),
        used: words::moment(passkey.use_time.as_ref(), zone),
        id: passkey.passkey_id,
        name: passkey.name,
    });
    Ok(mine.collect())
}

#[derive(Template)]
#[template(path = "security_passkey.html")]
struct NewPage {
    frame: Frame,
    problem: Option<Problem>,
}

pub(super) async fn show_new(member: Member) -> Result<Response, Failure> {
    member.require_proof()?;
    member.guest.show(&NewPage { frame: member.guest.frame("security"), problem: None })
}

/// A refusal stands on the page that begins anew; a missing proof leads to one and back.
fn again(member: &Member, status: tonic::Status) -> Result<Response, Failure> {
    let problem = Problem::from(status);
    if problem.status == StatusCode::UNAUTHORIZED || *problem.reason == *STEP_UP_REQUIRED {
        return Err(Failure::back_to(HERE, problem));
    }
    let frame = member.guest.frame("security");
    member.guest.show_with(problem.status, &NewPage { frame, problem: Some(problem) })
}

pub(super) async fn begin(member: Member, form: Form) -> Result<Response, Failure> {
    let request = member.call(BeginPasskeyRequest { name: form.text("name").trim().to_owned() })?;
    let asked = match member.guest.app.upstream.passkeys().begin_passkey(request).await {
        Ok(asked) => asked.into_inner(),
        Err(status) => return again(&member, status),
    };
    let ask = Ask {
        frame: member.guest.frame("security"),
        options: asked.options,
        challenge: asked.challenge_token,
        action: HERE,
        is_new: true,
        carried: Vec::new(),
        besides: (security::PLACE.to_owned(), "Leave it as it is"),
    };
    ask.show(&member.guest)
}

pub(super) async fn add(member: Member, form: Form) -> Result<Response, Failure> {
    let request =
        AddPasskeyRequest { challenge_token: form.text("challenge"), credential: form.text("credential") };
    match member.guest.app.upstream.passkeys().add_passkey(member.call(request)?).await {
        Ok(reply) => {
            if let Some(secret) = &member.guest.visitor.session {
                // It says more now than the passport at hand.
                member.guest.app.passports.forget(secret);
            }
            security::factor::show_codes(&member, reply.into_inner().recovery_codes)
        }
        Err(status) => again(&member, status),
    }
}

pub(super) async fn rename(
    member: Member,
    Segment(passkey_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let name = form.text("name").trim().to_owned();
    let request = member.call(RenamePasskeyRequest { passkey_id, name })?;
    let renamed = member.guest.app.upstream.passkeys().rename_passkey(request).await;
    renamed.map_err(|status| Failure::back_to(security::PLACE, status))?;
    Ok(go(security::PLACE))
}

/// Where a passkey is taken away.
fn removal(passkey_id: &str) -> String {
    format!("{HERE}/{}/remove", query::encode(passkey_id))
}

pub(super) async fn show_removal(member: Member, Segment(passkey_id): Segment) -> Result<Response, Failure> {
    member.require_proof()?;
    let found = mine(&member, &TimeZone::UTC).await?.into_iter().find(|passkey| passkey.id == passkey_id);
    let name = found.ok_or_else(Problem::no_such_path)?.name;
    security::factor::ask_removal(&member, Some(name), removal(&passkey_id))
}

pub(super) async fn remove(
    member: Member,
    Segment(passkey_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let (here, others_go_on) = (removal(&passkey_id), security::factor::others_go_on(&form));
    let request = member.call(RemovePasskeyRequest { passkey_id, others_go_on })?;
    let removed = member.guest.app.upstream.passkeys().remove_passkey(request).await;
    removed.map_err(|status| Failure::back_to(&here, status))?;
    Ok(go(security::PLACE))
}
