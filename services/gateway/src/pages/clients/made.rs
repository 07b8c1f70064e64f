//! One client: what it has to be told, its keys, and its end.

use super::problem;
use crate::error::{Problem, STEP_UP_REQUIRED};
use crate::pages::{Failure, Form, Frame, Member, Segment, go, words};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    DisableClientRequest, GetClientRequest, OAuthClient, OAuthClientKey, RotateClientKeysRequest,
};

#[derive(Template)]
#[template(path = "client.html")]
struct Page {
    frame: Frame,
    client: OAuthClient,
    registered: Option<words::Moment>,
    used: Option<words::Moment>,
    fetched: Option<words::Moment>,
    disabled: Option<words::Moment>,
    keys_problem: Option<&'static str>,
    token_endpoint: String,
    configuration: String,
    /// What was typed where keys are changed, and what is wrong with it.
    jwks: String,
    jwks_url: String,
    wrong: Option<Problem>,
}

impl Page {
    fn needs_proof(&self) -> bool {
        self.wrong.as_ref().is_some_and(|problem| *problem.reason == *STEP_UP_REQUIRED)
    }

    /// How much is open to it, for whoever holds it.
    fn open(&self) -> Option<String> {
        Some(match self.client.open_consents? {
            0 => "Nothing is open to it.".to_owned(),
            1 => "One thing is open to it at the moment.".to_owned(),
            count => format!("{count} things are open to it at the moment."),
        })
    }

    fn first_key(&self) -> Option<&OAuthClientKey> {
        self.client.keys.first()
    }
}

#[derive(Template)]
#[template(path = "client_disable.html")]
struct Disable {
    frame: Frame,
    client: OAuthClient,
}

pub(in crate::pages) async fn show_one(
    member: Member,
    Segment(client_id): Segment,
) -> Result<Response, Failure> {
    page(&member, client_id, String::new(), String::new(), None).await
}

async fn get(member: &Member, client_id: String) -> Result<OAuthClient, Failure> {
    let request = member.call(GetClientRequest { client_id })?;
    let reply = member.guest.app.upstream.clients().get_client(request).await;
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument => Problem::no_such_path(),
        _ => Problem::from(status),
    })?;
    Ok(reply.into_inner().client.ok_or_else(Problem::internal)?)
}

async fn page(
    member: &Member,
    client_id: String,
    jwks: String,
    jwks_url: String,
    wrong: Option<Problem>,
) -> Result<Response, Failure> {
    let (client, zone) = tokio::join!(get(member, client_id), member.time_zone());
    let client = client?;
    let origin = member.guest.app.cookies.origin();
    let page = Page {
        frame: member.guest.frame("clients"),
        registered: words::moment(client.create_time.as_ref(), &zone),
        used: words::moment(client.use_time.as_ref(), &zone),
        fetched: words::moment(client.keys_fetch_time.as_ref(), &zone),
        disabled: words::moment(client.disable_time.as_ref(), &zone),
        keys_problem: problem(client.keys_problem()),
        token_endpoint: format!("{origin}/oauth/token"),
        configuration: format!("{origin}/.well-known/smart-configuration"),
        client,
        jwks,
        jwks_url,
        wrong,
    };
    let status = page.wrong.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    member.guest.show_with(status, &page)
}

pub(in crate::pages) async fn rotate(
    member: Member,
    Segment(client_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let (jwks, jwks_url) = (form.text("jwks"), form.text("jwks_url"));
    let request = member.call(RotateClientKeysRequest {
        client_id: client_id.clone(),
        jwks: jwks.trim().to_owned(),
        jwks_url: jwks_url.trim().to_owned(),
    })?;
    match member.guest.app.upstream.clients().rotate_client_keys(request).await {
        Ok(_) => Ok(go(&format!("/clients/{client_id}"))),
        Err(status) => {
            let problem = Problem::from(status);
            if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
                return Err(Failure(problem));
            }
            page(&member, client_id, jwks, jwks_url, Some(problem)).await
        }
    }
}

/// What ending means, before it is done.
pub(in crate::pages) async fn show_disable(
    member: Member,
    Segment(client_id): Segment,
) -> Result<Response, Failure> {
    let client = get(&member, client_id).await?;
    if client.disable_time.is_some() {
        return Ok(go(&format!("/clients/{}", client.client_id)));
    }
    member.guest.show(&Disable { frame: member.guest.frame("clients"), client })
}

pub(in crate::pages) async fn disable(
    member: Member,
    Segment(client_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(DisableClientRequest { client_id: client_id.clone() })?;
    member.guest.app.upstream.clients().disable_client(request).await?;
    Ok(go(&format!("/clients/{}", crate::query::encode(&client_id))))
}
