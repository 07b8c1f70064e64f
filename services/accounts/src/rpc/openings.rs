//! Decides on wishes to read of another: one commit of receipts for all that wait.

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

/// Wishes, and what became of each.
pub(super) type Openings = Batch<AccessApplication, Decision>;
type Decision = Result<Granted, Error>;

/// Starts whoever decides.
pub(super) fn start(accounts: &Arc<Accounts>) -> Openings {
    let accounts = Arc::clone(accounts);
    let decide = move |wishes: Vec<AccessApplication>| decide(Arc::clone(&accounts), wishes);
    // They outlive the server, which drains first: `close` ends them.
    Batch::start("accounts.open_batch", MAX, QUEUE, WRITERS, CancellationToken::new(), decide)
}

/// When it fails for all, each is tried by itself, unless the database is away.
async fn decide(accounts: Arc<Accounts>, wishes: Vec<AccessApplication>) -> Vec<Result<Decision, Fault>> {
    let failed: Fault = match commit(&accounts, &wishes).await {
        Ok(decisions) => return decisions.into_iter().map(Ok).collect(),
        Err(error) => error.into(),
    };
    if wishes.len() == 1 || failed.code == Code::Unavailable {
        return wishes.iter().map(|_| Err(failed.clone())).collect();
    }
    let mut decisions = Vec::with_capacity(wishes.len());
    for wish in &wishes {
        let alone = commit(&accounts, std::slice::from_ref(wish)).await;
        decisions
            .push(alone.map(|mut one| one.pop().unwrap_or(Err(Error::NothingOpen))).map_err(Fault::from));
    }
    decisions
}

async fn commit(accounts: &Accounts, wishes: &[AccessApplication]) -> Result<Vec<Decision>, Error> {
    let mut conn = accounts.pool.acquire().await?;
    Ok(app::open_access(&accounts.clock, &mut conn, wishes).await?)
}
