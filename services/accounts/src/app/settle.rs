//! What becomes of a request once its caller has been answered. Here, out of sight, known and unknown
//! addresses part.

use super::{
    Accounts, announce,
    email_change::{self, ChangePlan},
    email_place, notice, outgoing, password_place, random, registration,
    terms::{self, Offered},
    text,
};
use crate::{
    Error,
    domain::{
        AccountKind, Letter, LetterKind, NoticeKind, RESET_LIFE, ResetToken, VERIFICATION_LIFE,
        VERIFICATION_MAIL_PACE, VerificationToken,
    },
    store::{
        account::{self, Known, NewAccount, State},
        email_change as given_up, mail, request,
        request::Wish,
        reset, throttle, verification,
    },
};
use bus::outbox;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataKey;
use zeroize::Zeroizing;

/// A request, made ready before the transaction.
pub enum Plan {
    /// Of somebody who names an address and is not signed in.
    Address(AddressPlan),
    /// Of somebody who is signed in and wants another address.
    Change(ChangePlan),
}

/// Whose a request seems to be, and everything sealed for them.
pub struct AddressPlan {
    known: Option<Uuid>,
    owner: Option<(Uuid, DataKey)>,
    mail_subject: [u8; 32],
    /// Links that set a password anew have turns of their own, which no stranger's registration uses up.
    reset_subject: [u8; 32],
    content: Option<Content>,
}

/// A registration sealed for the account it will belong to.
struct Content {
    address: Zeroizing<String>,
    email: Vec<u8>,
    password_hash: Vec<u8>,
    time_zone: String,
    locale: String,
    notices_by_mail: bool,
    /// The legal texts that whoever registered accepted.
    offered: Option<Offered>,
}

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is done; commit.
    Done,
    /// Something changed since the plan; roll back and plan again.
    Stale,
    /// Another replica has it, or a newer request took its place; roll back.
    Lost,
}

/// Requests taken up at a time.
const AT_A_TIME: i64 = 20;
/// A request whose replica died is taken up again after this.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// Claims requests that are due.
///
/// # Errors
/// When the database fails.
pub async fn claim_requests(accounts: &Accounts) -> Result<Vec<request::Claimed>, Error> {
    let now = accounts.clock.now();
    Ok(request::claim(&mut *accounts.pool.acquire().await?, now, now + LEASE, AT_A_TIME).await?)
}

/// Lets a request that could not be settled wait, longer each time, up to a minute.
///
/// # Errors
/// When the database fails.
pub async fn postpone_request(accounts: &Accounts, claimed: &request::Claimed) -> Result<(), Error> {
    let wait =
        SignedDuration::from_secs(1 << claimed.attempts.clamp(0, 6)).min(SignedDuration::from_secs(60));
    let next_at = accounts.clock.now() + wait;
    let mut conn = accounts.pool.acquire().await?;
    Ok(request::postpone(&mut conn, claimed.request_id, claimed.attempts, next_at).await?)
}

/// Makes a request ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// When the database or the key store is away, or the request cannot be read.
pub async fn plan(accounts: &Accounts, claimed: &request::Claimed) -> Result<Plan, Error> {
    if claimed.kind == Wish::CHANGE {
        return Ok(Plan::Change(email_change::plan_change(accounts, claimed).await?));
    }
    Ok(Plan::Address(plan_address(accounts, claimed).await?))
}

async fn plan_address(accounts: &Accounts, claimed: &request::Claimed) -> Result<AddressPlan, Error> {
    let key = accounts.key().await?;
    let known = account::find(&mut *accounts.pool.acquire().await?, &claimed.email_index).await?;
    let known = known.map(|known| known.account_id);
    let is_registration = claimed.email.is_some();
    // The account of a new address has the id of its request, so that another attempt asks for the same key.
    let owner = known.or(is_registration.then_some(claimed.request_id));
    let owner = match owner {
        Some(id) => Some((id, accounts.vault.data_key(id).await?)),
        None => None,
    };
    let content = match &owner {
        Some((id, owner_key)) => content(claimed, key, *id, owner_key)?,
        None => None,
    };
    let mail_subject = key.mac("mail to an address", &claimed.email_index);
    let reset_subject = key.mac("reset mail to an address", &claimed.email_index);
    Ok(AddressPlan { known, owner, mail_subject, reset_subject, content })
}

fn content(
    claimed: &request::Claimed,
    key: &DataKey,
    owner: Uuid,
    owner_key: &DataKey,
) -> Result<Option<Content>, Error> {
    let (Some(email), Some(hash)) = (&claimed.email, &claimed.password_hash) else {
        return Ok(None);
    };
    let (Some(time_zone), Some(locale)) = (&claimed.time_zone, &claimed.locale) else {
        return Err(Error::Unreadable);
    };
    let address = key.open(&registration::email_place(claimed.request_id), email)?;
    let hash = key.open(&registration::password_place(claimed.request_id), hash)?;
    Ok(Some(Content {
        email: owner_key.seal(&email_place(owner), &address),
        password_hash: key.seal(&password_place(owner), &hash),
        address: Zeroizing::new(text(&address)?),
        time_zone: time_zone.clone(),
        locale: locale.clone(),
        notices_by_mail: claimed.notices_by_mail,
        offered: claimed
            .terms_version
            .zip(claimed.privacy_version)
            .map(|(terms, privacy)| Offered { terms, privacy }),
    }))
}

/// Settles a request as planned.
///
/// # Errors
/// When the database fails or a stored value does not read back.
pub async fn settle(
    accounts: &Accounts,
    conn: &mut PgConnection,
    claimed: &request::Claimed,
    plan: &Plan,
) -> Result<Settled, Error> {
    match plan {
        Plan::Address(plan) => settle_address(accounts, conn, claimed, plan).await,
        Plan::Change(plan) => email_change::settle_change(accounts, conn, claimed, plan).await,
    }
}

/// Settles a request of somebody who named an address:
/// - a new address becomes an account, unproven, and gets a verification mail;
/// - an unproven account becomes its newest registrant's: their password, and every earlier token dies, so
///   that whoever registered a stranger's address first holds nothing;
/// - a proven account is left alone, and its owner told that somebody tried;
/// - an address that somebody gave up lately stays theirs, and they are told that somebody tried;
/// - whoever cannot sign in gets a link, if their address is proven.
async fn settle_address(
    accounts: &Accounts,
    conn: &mut PgConnection,
    claimed: &request::Claimed,
    plan: &AddressPlan,
) -> Result<Settled, Error> {
    let known = account::lock(conn, &claimed.email_index).await?;
    if known.as_ref().map(|known| known.account_id) != plan.known {
        return Ok(Settled::Stale);
    }
    if let Some((id, key)) = &plan.owner {
        let desk = Desk { accounts, plan, account_id: *id, key, now: accounts.clock.now() };
        match (&known, &plan.content) {
            (None, Some(content)) => {
                let index = &claimed.email_index;
                if let Some(holder) = given_up::holder(conn, index, None, desk.now).await? {
                    email_change::tell_holder(accounts, conn, holder, &plan.mail_subject).await?;
                } else if !desk.open_account(conn, index, content).await? {
                    return Ok(Settled::Stale);
                }
            }
            (Some(known), Some(content)) if !known.verified => {
                desk.hand_over(conn, &claimed.email_index, content).await?;
            }
            (Some(known), None) if known.verified && claimed.kind == Wish::RESET => {
                desk.offer_reset(conn, known).await?;
            }
            (Some(known), None) if !known.verified && claimed.kind == Wish::RESEND => {
                desk.remind(conn, known).await?;
            }
            (Some(known), Some(_)) => {
                tell_owner(accounts, conn, desk.key, known, &plan.mail_subject).await?;
            }
            _ => {}
        }
    }
    let ours = request::finish(conn, claimed.request_id, claimed.attempts).await?;
    Ok(if ours { Settled::Done } else { Settled::Lost })
}

fn new_account<'a>(account_id: Uuid, email_index: &'a [u8], content: &'a Content) -> NewAccount<'a> {
    NewAccount {
        account_id,
        email_index,
        email: &content.email,
        password_hash: &content.password_hash,
        kind: AccountKind::Member.as_str(),
        time_zone: &content.time_zone,
        locale: &content.locale,
        notices_by_mail: content.notices_by_mail,
    }
}

/// Settles one request for one account at one time.
struct Desk<'a> {
    accounts: &'a Accounts,
    plan: &'a AddressPlan,
    account_id: Uuid,
    key: &'a DataKey,
    now: Timestamp,
}

impl Desk<'_> {
    /// A new address. False when it was taken a moment ago.
    async fn open_account(
        &self,
        conn: &mut PgConnection,
        email_index: &[u8],
        content: &Content,
    ) -> Result<bool, Error> {
        let new = new_account(self.account_id, email_index, content);
        if !account::insert(conn, &new, self.now, None).await? {
            return Ok(false);
        }
        // Asked once the address is taken: whoever gives it up at this moment was waited for, and is seen.
        if given_up::holder(conn, email_index, None, self.now).await?.is_some() {
            return Ok(false);
        }
        self.keep_terms(conn, content).await?;
        let state = State {
            account_id: self.account_id,
            version: 1,
            time_zone: content.time_zone.clone(),
            locale: content.locale.clone(),
            verified: false,
        };
        outbox::append(conn, &[announce::registered(&self.accounts.ids, self.now, &state)]).await?;
        self.ask_for_proof(conn, &content.address).await?;
        Ok(true)
    }

    /// An unproven account, registered once more. Its verification will tell the new zone and language.
    async fn hand_over(
        &self,
        conn: &mut PgConnection,
        email_index: &[u8],
        content: &Content,
    ) -> Result<(), Error> {
        let new = new_account(self.account_id, email_index, content);
        account::replace_unverified(conn, &new, self.now).await?;
        verification::clear(conn, self.account_id).await?;
        self.keep_terms(conn, content).await?;
        self.ask_for_proof(conn, &content.address).await
    }

    /// What whoever registered accepted.
    async fn keep_terms(&self, conn: &mut PgConnection, content: &Content) -> Result<(), Error> {
        let whose = (self.account_id, content.locale.as_str());
        terms::keep_offered(self.accounts, conn, whose, content.offered, self.now).await
    }

    /// An unproven account whose owner asks for another mail. Links sent before stay good: a stranger who asks
    /// must not be able to spoil them.
    async fn remind(&self, conn: &mut PgConnection, known: &Known) -> Result<(), Error> {
        if mail::is_waiting(conn, self.account_id).await? {
            return Ok(());
        }
        self.ask_for_proof(conn, &self.address_of(known)?).await
    }

    fn address_of(&self, known: &Known) -> Result<Zeroizing<String>, Error> {
        Ok(Zeroizing::new(text(&self.key.open(&email_place(known.account_id), &known.email)?)?))
    }

    /// Queues a verification mail with a new token. One that still waits is replaced and keeps its turn, so
    /// that a stranger who asks again and again moves nobody back.
    async fn ask_for_proof(&self, conn: &mut PgConnection, address: &str) -> Result<(), Error> {
        let turn = match mail::take_waiting(conn, self.account_id).await? {
            Some(turn) => turn,
            None => {
                throttle::reserve(conn, &self.plan.mail_subject, VERIFICATION_MAIL_PACE, self.now).await?
            }
        };
        let send_at = turn.max(self.now);
        let token = VerificationToken::of(random()?);
        verification::insert(conn, &token.hash(), self.account_id, send_at + VERIFICATION_LIFE).await?;
        let letter = Letter { to: address.to_owned(), token: Some(token.text().to_string()) };
        self.queue(conn, LetterKind::Verification, &letter, send_at).await
    }

    /// Sends a link that lets the password be set anew, unless several were sent of late. Links sent before stay good: a
    /// stranger who asks must not be able to spoil them.
    async fn offer_reset(&self, conn: &mut PgConnection, known: &Known) -> Result<(), Error> {
        if !throttle::take(conn, &self.plan.reset_subject, VERIFICATION_MAIL_PACE, self.now).await? {
            return Ok(());
        }
        let token = ResetToken::of(random()?);
        reset::insert(conn, &token.hash(), self.account_id, self.now + RESET_LIFE).await?;
        let letter =
            Letter { to: self.address_of(known)?.to_string(), token: Some(token.text().to_string()) };
        self.queue(conn, LetterKind::Reset, &letter, self.now).await
    }

    async fn queue(
        &self,
        conn: &mut PgConnection,
        kind: LetterKind,
        letter: &Letter,
        send_at: Timestamp,
    ) -> Result<(), Error> {
        outgoing::queue_letter(self.accounts, conn, (self.account_id, self.key), kind, letter, send_at).await
    }
}

/// Tells the owner of a proven address that somebody wants it, by registering or for an account of theirs, unless they have
/// been told often enough of late. By mail only if they said that it is theirs alone.
///
/// # Errors
/// When the database fails or the address does not read back.
pub(super) async fn tell_owner(
    accounts: &Accounts,
    conn: &mut PgConnection,
    key: &DataKey,
    known: &Known,
    subject: &[u8; 32],
) -> Result<(), Error> {
    let now = accounts.clock.now();
    if !throttle::take(conn, subject, VERIFICATION_MAIL_PACE, now).await? {
        return Ok(());
    }
    notice::keep(accounts, conn, known.account_id, NoticeKind::AddressTried, None).await?;
    if known.notices_by_mail {
        let to = text(&key.open(&email_place(known.account_id), &known.email)?)?;
        let (letter, owner) = (Letter { to, token: None }, (known.account_id, key));
        outgoing::queue_letter(accounts, conn, owner, LetterKind::AddressInUse, &letter, now).await?;
    }
    Ok(())
}
