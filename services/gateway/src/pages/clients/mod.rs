//! Software that gets tokens of its own, for the operators and counselors who register it: registering, what it has to be
//! told, other keys, and the end.

mod made;
mod register;

pub(super) use made::{disable, rotate, show_disable, show_one};
pub(super) use register::{show_form, submit};

use super::{Failure, Frame, Member, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::accounts::v1::{ClientKeysProblem, ListClientsRequest, OAuthClient};

/// Clients on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "clients.html")]
struct Page {
    frame: Frame,
    clients: Vec<Row>,
    older: Option<String>,
}

struct Row {
    id: String,
    name: String,
    purpose: String,
    registered: Option<words::Moment>,
    used: Option<words::Moment>,
    disabled: bool,
    problem: Option<&'static str>,
    is_counselors: bool,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListClientsRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.clients();
    let (reply, zone) = tokio::join!(client.list_clients(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/clients?from={}", query::encode(&token)));
    let clients = reply.clients.into_iter().map(|client| row(client, &zone)).collect();
    member.guest.show(&Page { frame: member.guest.frame("clients"), clients, older })
}

fn row(client: OAuthClient, zone: &jiff::tz::TimeZone) -> Row {
    Row {
        registered: words::moment(client.create_time.as_ref(), zone),
        used: words::moment(client.use_time.as_ref(), zone),
        disabled: client.disable_time.is_some(),
        problem: problem(client.keys_problem()),
        is_counselors: !client.holder_account_id.is_empty(),
        id: client.client_id,
        name: client.name,
        purpose: client.purpose,
    }
}

/// Why keys could not be fetched, as a sentence.
fn problem(problem: ClientKeysProblem) -> Option<&'static str> {
    Some(match problem {
        ClientKeysProblem::Unspecified => return None,
        ClientKeysProblem::Refused => "The address does not begin with https://.",
        ClientKeysProblem::Unreachable => "Nothing on the public internet answered at the address.",
        ClientKeysProblem::Certificate => "The certificate at the address does not fit.",
        ClientKeysProblem::TooSlow => "The address took too long to answer.",
        ClientKeysProblem::Status => {
            "The address did not answer with status 200. Redirects are not followed."
        }
        ClientKeysProblem::TooLarge => "The address answered more than 64 KiB.",
        ClientKeysProblem::NoKeys => "The address answered no key that can be used.",
    })
}
