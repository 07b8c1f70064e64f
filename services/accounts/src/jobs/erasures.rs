//! Erasures: begun when their time has come, told again while a part is silent, certified when all have answered.

use crate::{
    Error,
    app::{self, Accounts},
};
use chassis::telemetry::{KeyValue, counter, gauge};
use opentelemetry::metrics::{Counter, Gauge};
use std::sync::LazyLock;
use tracing::Instrument as _;

struct Instruments {
    erasures: Counter<u64>,
    stuck: Gauge<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments {
    erasures: counter("candor_accounts_erasures", "Erasures that were begun, told again and done."),
    stuck: gauge(
        "candor_accounts_erasures_stuck",
        "Erasures that have not begun, or are not done, an hour after it was time.",
    ),
});

/// What became of an erasure, as a label.
fn count(outcome: &'static str, more: u64) {
    INSTRUMENTS.erasures.add(more, &[KeyValue::new("outcome", outcome)]);
}

/// Lets the metrics begin at nothing.
pub(super) fn begin_metrics() {
    for outcome in ["begun", "told_again", "done"] {
        count(outcome, 0);
    }
    INSTRUMENTS.stuck.record(0, &[]);
}

/// Takes every erasure a step on whose time has come; true when there may be more.
///
/// # Errors
/// When the database fails. One erasure that fails waits and holds no other up.
pub async fn erase(accounts: &Accounts) -> Result<bool, Error> {
    let begun = begin(accounts).await?;
    let done = certify(accounts).await?;
    tell_again(accounts).await?;
    INSTRUMENTS.stuck.record(app::overdue_erasures(accounts).await?, &[]);
    if done > 0 {
        accounts.mails.notify_one();
    }
    Ok(begun + done > 0)
}

async fn begin(accounts: &Accounts) -> Result<usize, Error> {
    let (mut begun, mut after) = (0, None);
    loop {
        let due = app::due_erasures(accounts, after).await?;
        // Past those that fail: however many they are, they hold up no other.
        let Some(last) = due.last() else { return Ok(begun) };
        after = Some((last.begun_at, last.erasure_id));
        for due in &due {
            begun += usize::from(begin_one(accounts, due).await);
        }
    }
}

/// Begins an erasure; false where it was called off meanwhile, or has to wait.
async fn begin_one(accounts: &Accounts, due: &app::UnderErasure) -> bool {
    let (span, erasure_id) = (tracing::info_span!(parent: None, "accounts.begin_erasure"), due.erasure_id);
    let beginning = async {
        let letter = app::reseal_letter(accounts, due).await?;
        let mut tx = accounts.pool.begin().await?;
        let is_begun = app::begin_erasure(accounts, &mut tx, due, &letter).await?;
        tx.commit().await?;
        Ok::<_, Error>(is_begun)
    };
    match beginning.instrument(span).await {
        Ok(true) => {
            tracing::info!(%erasure_id, "an erasure begins");
            count("begun", 1);
            accounts.outbox.wake();
            true
        }
        Ok(false) => false,
        Err(error) => {
            tracing::error!(%erasure_id, %error, "an erasure cannot begin; it is tried again");
            false
        }
    }
}

async fn certify(accounts: &Accounts) -> Result<usize, Error> {
    let mut done = 0;
    for complete in app::complete_erasures(accounts).await? {
        let mut tx = accounts.pool.begin().await?;
        if app::certify(accounts, &mut tx, &complete).await? {
            tx.commit().await?;
            tracing::info!("an erasure is done");
            count("done", 1);
            done += 1;
        }
    }
    Ok(done)
}

async fn tell_again(accounts: &Accounts) -> Result<(), Error> {
    for under in app::erasures_to_tell_again(accounts).await? {
        let mut tx = accounts.pool.begin().await?;
        let missing = app::tell_again(accounts, &mut tx, &under).await?;
        tx.commit().await?;
        if !missing.is_empty() {
            let (erasure_id, told, missing) = (under.erasure_id, under.told + 1, missing.join(" "));
            tracing::error!(%erasure_id, told, missing, "an erasure waits for some part of Candor; it is told again");
            count("told_again", 1);
            accounts.outbox.wake();
        }
    }
    Ok(())
}
