//! A client as the wire has it.

use crate::{app::clients::Shown, rpc::wire};
use candor_proto::accounts::v1::{OAuthClient, OAuthClientKey};

/// A client, to whoever may see it.
pub(super) fn registered(shown: Shown) -> OAuthClient {
    let client = shown.client;
    let keys = shown.keys.into_iter();
    OAuthClient {
        client_id: client.client_id.to_string(),
        name: client.name,
        purpose: client.purpose,
        contact: shown.contact,
        scopes: client.scopes.split(' ').map(str::to_owned).collect(),
        keys: keys
            .map(|key| OAuthClientKey { algorithm: key.algorithm().to_owned(), key_id: key.key_id })
            .collect(),
        jwks_url: client.jwks_url.unwrap_or_default(),
        keys_fetch_time: client.fetched_at.map(|at| wire(at.to_jiff())),
        keys_problem: client.fetch_problem.unwrap_or_default(),
        holder_account_id: client.holder_id.map(|holder| holder.to_string()).unwrap_or_default(),
        create_time: Some(wire(client.created_at)),
        use_time: client.used_at.map(|at| wire(at.to_jiff())),
        disable_time: client.disabled_at.map(|at| wire(at.to_jiff())),
        open_consents: shown.open_consents.map(|count| i32::try_from(count).unwrap_or(i32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::client::FetchProblem;
    use candor_proto::accounts::v1::ClientKeysProblem as Wire;

    #[test]
    fn problems_have_the_numbers_of_the_proto() {
        let wire = [
            Wire::Refused,
            Wire::Unreachable,
            // Which of these two it is, is said to nobody.
            Wire::Unreachable,
            Wire::Certificate,
            Wire::TooSlow,
            Wire::Status,
            Wire::TooLarge,
            Wire::NoKeys,
        ];
        assert_eq!(FetchProblem::ALL.map(FetchProblem::number), wire.map(|problem| problem as i32));
        assert!(Wire::try_from(FetchProblem::ALL.len() as i32).is_err());
    }
}
