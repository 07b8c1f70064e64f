//! Limits by network, of what anybody may call and what costs a run of Argon2id, a mail, or both. What is counted here is kept in
//! memory for minutes, and is in no log and no measurement.
//!
//! They stand before those that accounts keeps by address, account and device: those hold whoever is after one person, these
//! whoever is after many, or after the place itself. Each replica of the gateway keeps its own.

mod table;
mod turns;

pub(crate) use table::Kind;

use crate::app::App;
use crate::error::Problem;
use crate::pages::Failure;
use crate::peers::Peer;
use crate::proxies::Proxies;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chassis::{Clock, telemetry};
use jiff::SignedDuration;
use opentelemetry::metrics::Counter;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use turns::{Pace, Turns};

/// Attempts to get in, or to prove something with a link. Sixty people of a school or a house behind one address get in at the
/// same moment; as many wait in accounts' hashing pool without anybody being sent away. After that one a second is a small part
/// of what one core hashes.
const SIGN_INS: Pace = Pace { burst: 60, interval: SignedDuration::from_secs(1) };
/// New accounts: a course that registers together, and then ten a minute. Each is a run of Argon2id and may be a mail.
const REGISTRATIONS: Pace = Pace { burst: 20, interval: SignedDuration::from_secs(6) };
/// Mails that are asked for, apart from registrations, so that neither holds up the other. To one address accounts sends fewer.
const MAILS: Pace = REGISTRATIONS;
/// Networks that are known of each kind at once: about five megabytes at the most.
const ROOM: usize = 65_536;

/// Who asked for what lately.
pub(crate) struct Limits {
    clock: Clock,
    proxies: Proxies,
    sign_ins: Turns,
    registrations: Turns,
    mails: Turns,
    refused: Counter<u64>,
}

impl Limits {
    /// Nobody yet.
    pub(crate) fn new(clock: Clock, proxies: Proxies) -> Self {
        let said = "Requests refused because one network had sent too many.";
        let refused = telemetry::counter("candor_gateway_limited", said);
        refused.add(0, &[]);
        Self {
            clock,
            proxies,
            sign_ins: Turns::new(SIGN_INS, ROOM),
            registrations: Turns::new(REGISTRATIONS, ROOM),
            mails: Turns::new(MAILS, ROOM),
            refused,
        }
    }

    /// The network that a request is from.
    pub(crate) fn source(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        // Every request has come by a connection. If one had not, all such together would be one network.
        let peer = extensions.get::<Arc<Peer>>().map_or(NOWHERE, |peer| peer.address());
        self.proxies.source(peer, headers)
    }

    /// Takes a turn of a network.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub(crate) fn admit(&self, kind: Kind, source: IpAddr) -> Result<(), Problem> {
        let turns = match kind {
            Kind::SignIn => &self.sign_ins,
            Kind::Registration => &self.registrations,
            Kind::Mail => &self.mails,
        };
        turns.take(source, self.clock.now()).map_err(|wait| {
            self.refused.add(1, &[]);
            Problem::too_often(wait)
        })
    }
}

const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Holds forms of pages to the limits. The REST API holds its calls itself, by what the table says of each.
pub(crate) async fn hold_forms(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match of_form(&app, &request)
        .map(|kind| app.limits.admit(kind, app.limits.source(request.headers(), request.extensions())))
    {
        Some(Err(problem)) => Failure(problem).into_response(),
        _ => next.run(request).await,
    }
}

/// What a form takes a turn of. What the page of another site sends takes none, because it is refused in any case: that page
/// could use up the turns of whoever looks at it.
fn of_form(app: &App, request: &Request) -> Option<Kind> {
    let path = request.extensions().get::<MatchedPath>().filter(|_| request.method() == Method::POST)?;
    let kind = Kind::of_form(path.as_str())?;
    app.cookies.check_origin(request.headers()).is_ok().then_some(kind)
}
