//! What is done at the machine stands in the audit, where accounts' database is there.

use crate::cli::BoxError;
use crate::installation::{Installation, Service, explain};
use accounts::app::audit;
use accounts::domain::audit::{Action, Details};
use chassis::process::chain;

/// The setting of the database that holds the audit; a command that records wants it besides its own.
pub(crate) const AUDIT: &str = "accounts.database.url";

/// Records what was done. Where accounts' database is not set, the log alone says it: each service can be looked after on a
/// machine that reaches no other's database.
pub(crate) async fn record(site: &Installation, action: Action, details: Details) -> Result<(), BoxError> {
    if !site.has(AUDIT) {
        let (action, details) = (action.as_str(), details.text());
        tracing::warn!(
            action,
            details,
            "done at the machine, and not in the audit: accounts' database is not set"
        );
        return Ok(());
    }
    let told = async {
        let pool = site.connect(Service::Accounts).await?;
        let mut conn = pool.acquire().await.map_err(|error| explain("accounts", error))?;
        let recorded = audit::record_at_machine(&mut conn, (&site.clock, &site.ids), action, details).await;
        recorded.map_err(|error| match error {
            accounts::Error::Database(error) => explain("accounts", error),
            other => chain(&other).into(),
        })
    };
    let told: Result<(), BoxError> = told.await;
    told.map_err(|error| format!("it is done, but the audit does not say so: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_is_in_accounts_database() {
        assert_eq!(AUDIT, Service::Accounts.database_key());
    }
}
