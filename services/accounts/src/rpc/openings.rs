//! Decides on wishes to read of another: one commit of receipts for all that wait.

use super::lines::{Lines, Place};
use crate::{
    Error,
    app::{self, AccessApplication, Accounts, Granted},
};
use chassis::{Batch, Code, Fault};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

// Wishes decided together, wishes that may wait, and statements under way at once.
const MAX: usize = 128;
const QUEUE: usize = 1024;
const WRITERS: usize = 2;

type Decision = Result<Granted, Error>;

/// Wishes, and what became of each. A reader's are decided one after the other, each with whoever else waits then: a
/// statement knows no reader twice, and nobody waits for another's many.
#[derive(Clone)]
pub(super) struct Openings {
    batch: Batch<Turn, Decision>,
    lines: Lines,
}

/// A wish, and its reader's place in line until it is decided, even if the reader goes away meanwhile.
struct Turn {
    wish: AccessApplication,
    place: Place,
}

impl Openings {
    /// Starts whoever decides.
    pub(super) fn start(accounts: &Arc<Accounts>) -> Self {
        let accounts = Arc::clone(accounts);
        let decide = move |turns: Vec<Turn>| {
            let accounts = Arc::clone(&accounts);
            let (wishes, places): (Vec<_>, Vec<_>) =
                turns.into_iter().map(|Turn { wish, place }| (wish, place)).unzip();
            async move {
                let decisions = decide(&accounts, &wishes).await;
                drop(places);
                decisions
            }
        };
        // They outlive the server, which drains first: `close` ends them.
        let batch =
            Batch::start("accounts.open_batch", MAX, QUEUE, WRITERS, CancellationToken::new(), decide);
        Self { batch, lines: Lines::default() }
    }

    /// Waits until the reader's earlier wishes are decided, and then for this one.
    ///
    /// # Errors
    /// As of [`Batch::submit`]. Inside: [`Error::TooManyOpenings`] at once for whoever has more in line than could be opened;
    /// and what the decision is.
    pub(super) async fn submit(&self, wish: AccessApplication) -> Result<Decision, Fault> {
        match self.lines.wait(wish.reader_id()).await {
            Some(place) => self.batch.submit(Turn { wish, place }).await,
            None => Ok(Err(app::too_many_openings())),
        }
    }

    /// Decides on what was handed in, and returns when the last of it is answered.
    pub(super) async fn close(&self) {
        self.batch.close().await;
    }
}

/// When it fails for all, each is tried by itself, unless the database is away.
async fn decide(accounts: &Accounts, wishes: &[AccessApplication]) -> Vec<Result<Decision, Fault>> {
    let failed: Fault = match commit(accounts, wishes).await {
        Ok(decisions) => return decisions.into_iter().map(Ok).collect(),
        Err(error) => error.into(),
    };
    if wishes.len() == 1 || failed.code == Code::Unavailable {
        return wishes.iter().map(|_| Err(failed.clone())).collect();
    }
    let mut decisions = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let alone = commit(accounts, std::slice::from_ref(wish)).await;
        decisions
            .push(alone.map(|mut one| one.pop().unwrap_or(Err(Error::NothingOpen))).map_err(Fault::from));
    }
    decisions
}

async fn commit(accounts: &Accounts, wishes: &[AccessApplication]) -> Result<Vec<Decision>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(app::open_access(&accounts.clock, &mut conn, wishes).await?)
}
