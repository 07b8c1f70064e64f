//! `candor audit verify`: whether the audit is what was recorded.

use crate::cli::{BoxError, Place, say};
use crate::installation::{Installation, Service, counted, explain};
use accounts::app::audit::{self, Verified};
use accounts::outbound::AnchorFolder;
use chassis::process::chain;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Action {
    /// Reads the audit from its beginning and says what was changed, removed, inserted or moved since it was recorded;
    /// held against the anchors, also whether its end is missing or all of it was written anew. Changes nothing
    Verify(Verify),
}

/// What to hold the audit against.
#[derive(Args)]
pub(crate) struct Verify {
    /// The folder with the anchors; otherwise the one that the settings name
    #[arg(long, value_name = "DIR")]
    anchors: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

/// Runs one of the actions.
pub(crate) async fn run(action: &Action) -> Result<(), BoxError> {
    match action {
        Action::Verify(options) => verify(options).await,
    }
}

async fn verify(options: &Verify) -> Result<(), BoxError> {
    let key = Service::Accounts.database_key();
    Installation::visit(&options.place, &[key], async |site| {
        site.demand(key, &options.place)?;
        let folder = options.anchors.clone().or_else(|| site.settings.accounts.audit.anchor_folder.clone());
        if let Some(missing) = options.anchors.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(format!("there is no folder {}", missing.display()).into());
        }
        let anchors = match &folder {
            Some(folder) => AnchorFolder::new(folder.clone())
                .all()
                .map_err(|error| format!("the anchors in {} cannot be read: {error}", folder.display()))?,
            None => Vec::new(),
        };
        let pool = site.connect(Service::Accounts).await?;
        let verified = audit::verify(&pool, &anchors).await.map_err(|error| match error {
            accounts::Error::Database(error) => explain("accounts", error),
            other => chain(&other).into(),
        })?;
        answer(&verified)
    })
    .await
}

fn answer(verified: &Verified) -> Result<(), BoxError> {
    let Some((first, more)) = verified.findings.split_first() else {
        say(&sound(verified));
        return Ok(());
    };
    for finding in more {
        say(&format!("Also: {finding}."));
    }
    Err(format!("the audit is not what was recorded: {first}").into())
}

fn sound(verified: &Verified) -> String {
    let count = |number: i64, one, many| counted(u64::try_from(number).unwrap_or_default(), one, many);
    let anchors = match verified.anchors {
        0 => "No anchor was there to hold it against, so a removed end would not show.".to_owned(),
        some => format!("It fits {}.", counted(some as u64, "anchor", "anchors")),
    };
    format!(
        "The audit is what was recorded: {} in {}, of which {} erased; {} for a place in the chain. {anchors}",
        count(verified.records, "record", "records"),
        count(verified.batches, "batch", "batches"),
        count(verified.erased, "was", "were"),
        count(verified.waiting, "record waits", "records wait"),
    )
}
