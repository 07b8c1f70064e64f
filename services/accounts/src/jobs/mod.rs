//! Background work: claim, act outside any transaction, record. Every replica runs all of it.

mod erasures;

pub use erasures::erase;

use crate::{
    Error,
    app::{self, Accounts, Settled},
    domain::audit::{MOST_RECORDS_OF_A_BATCH, day},
    outbound::{AnchorFolder, Postman},
};
use chassis::telemetry::{Job, counter};
use futures::{StreamExt as _, stream};
use opentelemetry::metrics::Counter;
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{sync::Notify, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

/// How often somebody looks for what a dead replica left, or what a time has come for.
const LOOK: Duration = Duration::from_secs(1);
/// How often keys, sessions and old rows are looked after.
const TIDY: Duration = Duration::from_secs(15);
/// A mail on its way when the process ends has so long to arrive.
const GRACE: Duration = Duration::from_secs(3);
/// Mails on their way at once.
const MAILS_AT_ONCE: usize = 8;
/// A request whose address changes hands while it is settled is planned again so often.
const REPLANS: usize = 5;
/// Sessions ended in one transaction.
const SESSIONS_AT_ONCE: i64 = 200;

struct Counters {
    sent: Counter<u64>,
    failed: Counter<u64>,
    dead: Counter<u64>,
    recorded: Counter<u64>,
}

static COUNTERS: LazyLock<Counters> = LazyLock::new(|| {
    let counters = Counters {
        sent: counter("candor_accounts_mails_sent", "Mails that a mail server has taken."),
        failed: counter("candor_accounts_mails_failed", "Attempts to send a mail that failed."),
        dead: counter("candor_accounts_mails_dead", "Mails given up."),
        recorded: counter("candor_accounts_audit_sealed", "Records of the audit that are in its chain."),
    };
    for counter in [&counters.sent, &counters.failed, &counters.dead, &counters.recorded] {
        counter.add(0, &[]);
    }
    counters
});

/// Runs everything until `shutdown`; what has begun is finished, except for a mail whose server takes its time.
pub async fn run(
    accounts: Arc<Accounts>,
    postman: Postman,
    anchors: Option<AnchorFolder>,
    shutdown: CancellationToken,
) {
    let (accounts, postman, never) = (&*accounts, &postman, Notify::new());
    let anchors = anchors.as_ref();
    LazyLock::force(&COUNTERS);
    erasures::begin_metrics();
    tokio::join!(
        repeat("accounts.audit", LOOK, &never, &shutdown, || seal_audit(accounts)),
        repeat("accounts.anchor", TIDY, &never, &shutdown, || anchor_audit(accounts, anchors)),
        repeat("accounts.requests", LOOK, &accounts.requests, &shutdown, || settle_requests(accounts)),
        repeat("accounts.mails", LOOK, &accounts.mails, &shutdown, || send_mails(
            accounts, postman, &shutdown
        )),
        repeat("accounts.links", TIDY, &never, &shutdown, || async {
            end_links(accounts).await.map(|_| false)
        }),
        repeat("accounts.erasures", LOOK, &never, &shutdown, || erase(accounts)),
        repeat("accounts.licences", TIDY, &never, &shutdown, || async {
            suspend_expired(accounts).await.map(|_| false)
        }),
        repeat("accounts.care", TIDY, &never, &shutdown, || async {
            expire_care(accounts).await.map(|_| false)
        }),
        repeat("accounts.reports", TIDY, &never, &shutdown, || destroy_reports(accounts)),
        repeat("accounts.house", TIDY, &never, &shutdown, || keep_house(accounts)),
    );
}

/// Takes a step whenever it is woken or time passes, and again at once while a step says there is more.
async fn repeat<Step: Future<Output = Result<bool, Error>>>(
    name: &'static str,
    period: Duration,
    wake: &Notify,
    shutdown: &CancellationToken,
    step: impl Fn() -> Step,
) {
    let (job, mut timer) = (Job::new(name), tokio::time::interval(period));
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shutdown.is_cancelled() {
        match job.turn(step()).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(job = name, %error, "a job failed; it is tried again");
                timer.reset_after(LOOK.min(period));
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = wake.notified() => {}
            _ = timer.tick() => {}
        }
    }
}

/// Settles the requests that are due; true when there may be more.
///
/// # Errors
/// When the database fails. One request that cannot be settled waits and holds nobody up.
pub async fn settle_requests(accounts: &Accounts) -> Result<bool, Error> {
    let claimed = app::claim_requests(accounts).await?;
    for request in &claimed {
        let span = tracing::info_span!(parent: None, "accounts.settle_request");
        if let Err(error) = settle_one(accounts, request).instrument(span).await {
            tracing::warn!(%error, attempts = request.attempts, "a request is not settled; it is tried again");
            app::postpone_request(accounts, request).await?;
        }
    }
    if !claimed.is_empty() {
        accounts.outbox.wake();
        accounts.mails.notify_one();
    }
    Ok(!claimed.is_empty())
}

async fn settle_one(accounts: &Accounts, request: &app::ClaimedRequest) -> Result<(), Error> {
    for _ in 0..REPLANS {
        let plan = app::plan(accounts, request).await?;
        let mut tx = accounts.pool.begin().await?;
        match app::settle(accounts, &mut tx, request, &plan).await? {
            Settled::Done => return Ok(tx.commit().await?),
            Settled::Lost => return Ok(tx.rollback().await?),
            Settled::Stale => tx.rollback().await?,
        }
    }
    app::postpone_request(accounts, request).await
}

/// Sends the mails that are due; true when there may be more. After `shutdown` none begins, and those on their
/// way have 3 s: whatever is left is given back, so that another replica need not wait for the lease.
///
/// # Errors
/// When the database fails. One mail that cannot be sent waits and holds nobody up.
pub async fn send_mails(
    accounts: &Accounts,
    postman: &Postman,
    shutdown: &CancellationToken,
) -> Result<bool, Error> {
    let claimed = app::claim_mails(accounts).await?;
    let send = |mail| {
        let span = tracing::info_span!(parent: None, "accounts.send_mail");
        send_or_release(accounts, postman, mail, shutdown).instrument(span)
    };
    let sends: Vec<_> = claimed.iter().map(send).collect();
    let results: Vec<_> = stream::iter(sends).buffer_unordered(MAILS_AT_ONCE).collect().await;
    results.into_iter().collect::<Result<(), Error>>()?;
    Ok(!claimed.is_empty())
}

async fn send_or_release(
    accounts: &Accounts,
    postman: &Postman,
    claimed: &app::ClaimedMail,
    shutdown: &CancellationToken,
) -> Result<(), Error> {
    if shutdown.is_cancelled() {
        return app::release_mail(accounts, claimed).await;
    }
    let too_late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    // Only the sending is given up: what became of a mail is recorded in any case, lest it be sent twice.
    let fate = tokio::select! {
        biased;
        fate = send_one(accounts, postman, claimed) => fate,
        () = too_late => Fate::Unknown,
    };
    match fate {
        Fate::Sent => app::mail_sent(accounts, claimed).await,
        Fate::Failed { is_permanent } => failed(accounts, claimed, is_permanent).await,
        Fate::Unknown => {
            tracing::info!(mail = %claimed.mail_id, "a mail is left to another replica");
            app::release_mail(accounts, claimed).await
        }
    }
}

/// What became of a mail.
enum Fate {
    /// It was sent, or nobody can read it any more.
    Sent,
    /// It was not sent.
    Failed { is_permanent: bool },
    /// The process ended while it was on its way.
    Unknown,
}

async fn send_one(accounts: &Accounts, postman: &Postman, claimed: &app::ClaimedMail) -> Fate {
    let (kind, letter) = match app::open_letter(accounts, claimed).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return Fate::Sent,
        Err(error) => {
            tracing::warn!(%error, mail = %claimed.mail_id, "a mail cannot be opened");
            let is_permanent = matches!(error, Error::Unreadable | Error::Vault(vault::Error::Refused));
            return Fate::Failed { is_permanent };
        }
    };
    match postman.send(kind, &letter).await {
        Ok(()) => {
            COUNTERS.sent.add(1, &[]);
            Fate::Sent
        }
        Err(error) => {
            tracing::warn!(%error, mail = %claimed.mail_id, attempts = claimed.attempts, "a mail was not sent");
            Fate::Failed { is_permanent: error.is_permanent() }
        }
    }
}

async fn failed(accounts: &Accounts, claimed: &app::ClaimedMail, is_permanent: bool) -> Result<(), Error> {
    COUNTERS.failed.add(1, &[]);
    if app::mail_failed(accounts, claimed, is_permanent).await? {
        tracing::error!(mail = %claimed.mail_id, attempts = claimed.attempts, "a mail is given up");
        COUNTERS.dead.add(1, &[]);
    }
    Ok(())
}

/// Looks after keys, sessions and old rows; true when there is more to do.
///
/// # Errors
/// When the database or the key store fails.
pub async fn keep_house(accounts: &Accounts) -> Result<bool, Error> {
    rotate_keys(accounts).await?;
    let mut tx = accounts.pool.begin().await?;
    let ended = app::end_expired_sessions(accounts, &mut tx, SESSIONS_AT_ONCE).await?;
    tx.commit().await?;
    if ended > 0 {
        accounts.outbox.wake();
    }
    let swept = app::sweep(accounts).await?;
    Ok(ended > 0 || swept > 0)
}

/// Ends the links that are to end by now, some at a time; returns how many. One that cannot be ended is tried again and
/// holds up no other.
///
/// # Errors
/// When the database fails before the first.
pub async fn end_links(accounts: &Accounts) -> Result<usize, Error> {
    let due = app::planned_unlinks(accounts).await?;
    let mut ended = 0;
    for account_id in &due {
        match end_link(accounts, *account_id).await {
            Ok(()) => ended += 1,
            Err(error) => tracing::error!(%error, "a link that is to end cannot be ended; it is tried again"),
        }
    }
    Ok(ended)
}

async fn end_link(accounts: &Accounts, account_id: Uuid) -> Result<(), Error> {
    let pause = app::pause_of_partner(accounts, account_id).await?;
    let mut tx = accounts.pool.begin().await?;
    app::unlink_as_planned(accounts, &mut tx, account_id, pause.as_ref()).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    Ok(())
}

/// Suspends the counselors of whom no licence holds any more, some at a time; returns how many. One who cannot be suspended
/// is tried again and holds up no other.
///
/// # Errors
/// When the database fails before the first.
pub async fn suspend_expired(accounts: &Accounts) -> Result<usize, Error> {
    let mut suspended = 0;
    for account_id in app::counselor::expired(accounts).await? {
        match suspend_one(accounts, account_id).await {
            Ok(()) => suspended += 1,
            Err(error) => {
                tracing::error!(%error, "a counselor without a licence cannot be suspended; it is tried again");
            }
        }
    }
    Ok(suspended)
}

async fn suspend_one(accounts: &Accounts, account_id: Uuid) -> Result<(), Error> {
    let mut tx = accounts.pool.begin().await?;
    app::counselor::suspend_expired(accounts, &mut tx, account_id).await?;
    tx.commit().await?;
    accounts.outbox.wake();
    accounts.mails.notify_one();
    Ok(())
}

/// Ends requests for care that nobody answered in time, some members' at a time; returns of how many. One that cannot be ended
/// is tried again and holds up no other.
///
/// # Errors
/// When the database fails before the first.
pub async fn expire_care(accounts: &Accounts) -> Result<usize, Error> {
    let mut conn = accounts.pool.acquire().await?;
    app::couple_care::expire(accounts, &mut conn).await?;
    drop(conn);
    let mut expired = 0;
    for member_id in app::care::unanswered(accounts).await? {
        match expire_one(accounts, member_id).await {
            Ok(()) => expired += 1,
            Err(error) => tracing::error!(%error, "a request for care cannot be ended; it is tried again"),
        }
    }
    Ok(expired)
}

async fn expire_one(accounts: &Accounts, member_id: Uuid) -> Result<(), Error> {
    let mut tx = accounts.pool.begin().await?;
    app::care::expire(accounts, &mut tx, member_id).await?;
    tx.commit().await?;
    accounts.mails.notify_one();
    Ok(())
}

/// Destroys reports and suspensions whose time is over, with their keys; true when there may be more.
///
/// # Errors
/// When the database or the key store fails.
pub async fn destroy_reports(accounts: &Accounts) -> Result<bool, Error> {
    Ok(app::trust::destroy_over(accounts).await? > 0)
}

/// Makes the next signing key when its time has come; true when this replica did.
///
/// # Errors
/// When the database or the key store fails.
pub async fn rotate_keys(accounts: &Accounts) -> Result<bool, Error> {
    if !app::is_rotation_due(accounts, &mut *accounts.pool.acquire().await?).await? {
        return Ok(false);
    }
    let candidate = app::candidate(accounts).await?;
    let mut tx = accounts.pool.begin().await?;
    let changed = app::rotate(accounts, &mut tx, candidate).await?;
    tx.commit().await?;
    if changed {
        tracing::info!("signing keys have changed");
    }
    Ok(changed)
}

/// Seals the audit's records that wait; true when there may be more.
///
/// # Errors
/// When the database or the key store fails.
pub async fn seal_audit(accounts: &Accounts) -> Result<bool, Error> {
    if !app::audit::is_waiting(&mut *accounts.pool.acquire().await?).await? {
        return Ok(false);
    }
    let key = app::audit::sealing_key(accounts).await?;
    let mut tx = accounts.pool.begin().await?;
    let sealed = app::audit::seal_batch(accounts, &mut tx, &key).await?;
    tx.commit().await?;
    COUNTERS.recorded.add(u64::try_from(sealed).unwrap_or_default(), &[]);
    Ok(sealed == MOST_RECORDS_OF_A_BATCH)
}

/// Anchors the audit's chain outside the database, unless it was today. Never true: a day has one anchor.
///
/// # Errors
/// When the database, the key store or the folder fails.
pub async fn anchor_audit(accounts: &Accounts, anchors: Option<&AnchorFolder>) -> Result<bool, Error> {
    let today = day(accounts.clock.now());
    let Some(anchors) = anchors.filter(|anchors| !anchors.has(today)) else { return Ok(false) };
    let key = app::audit::sealing_key(accounts).await?;
    let anchor = app::audit::todays_anchor(accounts, &mut *accounts.pool.acquire().await?, &key).await?;
    let Some(anchor) = anchor else { return Ok(false) };
    let (folder, kept) = (anchors.clone(), anchor.clone());
    let written = tokio::task::spawn_blocking(move || folder.keep(&kept)).await;
    if written.map_err(|_| Error::Unreadable)?.map_err(Error::Anchor)? {
        // The log is a witness as well, wherever it is collected.
        tracing::info!(
            batch = anchor.batch,
            records = anchor.records,
            head = anchor.head,
            "the audit is anchored"
        );
    }
    Ok(false)
}
