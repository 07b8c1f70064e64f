//! The form that a client sends: once each, in the body, and nowhere else.

use super::answer::Refusal;
use crate::body;
use crate::query;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use zeroize::Zeroizing;

/// The most bytes of a form: an assertion, a token, and a list of scopes.
const MOST_BYTES: usize = 32 * 1024;
/// How assertions that are JSON Web Tokens are called (RFC 7523).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The parameters of a request. Those that nobody knows here are left alone, as the RFC says.
pub(super) struct Parameters(Vec<(String, Zeroizing<String>)>);

/// How a client proves who it is.
pub(super) struct Proof {
    /// What it signed.
    pub(super) assertion: Zeroizing<String>,
    /// Its id, if it says so besides.
    pub(super) client_id: String,
}

impl Parameters {
    /// Reads a request's form.
    ///
    /// # Errors
    /// `invalid_request`, without a word of what was sent.
    pub(super) async fn of(request: Request) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        if parts.uri.query().is_some() {
            return Err(Refusal::invalid(
                "Parameters belong into the body: an address is kept in too many places.",
            ));
        }
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(Refusal::invalid("A client proves who it is with client_assertion alone."));
        }
        if !is_form(&parts.headers) {
            return Err(Refusal::invalid("The body must be application/x-www-form-urlencoded."));
        }
        let body = body::read(body).await?;
        if body.len() > MOST_BYTES {
            return Err(Refusal::too_large());
        }
        let unreadable = || Refusal::invalid("The form is not UTF-8.");
        let pairs = query::pairs(std::str::from_utf8(&body).map_err(|_| unreadable())?);
        let pairs: Vec<_> = pairs.map_err(|_| unreadable())?;
        let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect();
        let twice = pairs
            .iter()
            .enumerate()
            .any(|(at, (name, _))| pairs[..at].iter().any(|(other, _)| other == name));
        if twice { Err(Refusal::invalid("A parameter is there twice.")) } else { Ok(Self(pairs)) }
    }

    /// A parameter, if it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// How the client proves who it is.
    ///
    /// # Errors
    /// `invalid_request` when there is no assertion, or one of a kind that is not taken here.
    pub(super) fn proof(&self) -> Result<Proof, Refusal> {
        if self.get("client_secret").is_some() {
            return Err(Refusal::invalid("A client proves who it is with client_assertion alone."));
        }
        if self.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            let description =
                "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer.";
            return Err(Refusal::invalid(description));
        }
        let assertion =
            self.get("client_assertion").ok_or(Refusal::invalid("client_assertion is missing."))?;
        let client_id = self.get("client_id").unwrap_or_default().to_owned();
        Ok(Proof { assertion: Zeroizing::new(assertion.to_owned()), client_id })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
