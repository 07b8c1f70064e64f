//! Registering a client.

use super::{contact_place, holder, keep_keys, published};
use crate::{
    ClientError, Error,
    app::{
        Accounts,
        audit::{self, Record},
        standing,
    },
    domain::{
        CLIENT_ADDRESS_PACE, CLIENT_REGISTRATION_PACE, Invalid, MOST_COUNSELORS_CLIENTS, MOST_HOUSE_CLIENTS,
        audit::{Action, Details, Subject},
        client::{About, FETCH_PAUSE, Fetched, Freshness, JwksUrl, KeySet},
    },
    store::{
        client::{self, NewClient},
        throttle,
    },
};
use chassis::identity::{Context, Interactions, Passport, Scopes};
use sqlx::PgConnection;
use uuid::Uuid;

/// A client's keys, as its holder gives them.
pub enum Keys {
    /// By value.
    Registered(KeySet),
    /// At an address, with what was found there.
    Published(JwksUrl, Fetched),
}

impl Keys {
    /// The keys themselves.
    pub(super) fn set(&self) -> &KeySet {
        match self {
            Self::Registered(set) | Self::Published(_, Fetched { set, .. }) => set,
        }
    }

    /// How they were given, for the audit.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Registered(_) => "by_value",
            Self::Published(..) => "by_address",
        }
    }
}

/// Counts that somebody names an address of keys, which is called then: nobody makes us call addresses without end.
///
/// # Errors
/// [`ClientError::TooManyAddresses`].
pub async fn count_address(accounts: &Accounts, by: &Passport) -> Result<(), Error> {
    let counted_as = accounts.key().await?.mac("addresses of keys by an account", by.account_id.as_bytes());
    let mut conn = accounts.pool.acquire().await?;
    if throttle::take(&mut conn, &counted_as, CLIENT_ADDRESS_PACE, accounts.clock.now()).await? {
        Ok(())
    } else {
        Err(ClientError::TooManyAddresses(CLIENT_ADDRESS_PACE.interval.unsigned_abs()).into())
    }
}

/// A client that somebody wants to register.
pub struct Wish {
    /// The id they chose, if they did.
    pub client_id: Option<Uuid>,
    /// What it says of itself.
    pub about: About,
    /// The most that its tokens may be used for.
    pub scopes: Scopes,
    /// Its keys.
    pub keys: Keys,
}

/// A client that is ready to be registered.
pub struct Draft<'a> {
    by: &'a Passport,
    client_id: Uuid,
    wish: Wish,
    contact: Vec<u8>,
    counted_as: [u8; 32],
}

/// Makes a client ready. Asks the vault, so no transaction may be open.
///
/// # Errors
/// [`Error::Invalid`] for scopes that whoever registers it cannot give; or the key store is away.
pub async fn draft<'a>(accounts: &Accounts, by: &'a Passport, wish: Wish) -> Result<Draft<'a>, Error> {
    check_scopes(&wish.scopes, holder(by).is_some())?;
    let client_id = match wish.client_id {
        Some(chosen) => chosen,
        None => super::super::random_id()?,
    };
    let key = accounts.key().await?;
    let contact = key.seal(&contact_place(client_id), wish.about.contact.as_bytes());
    let counted_as = key.mac("clients registered by an account", by.account_id.as_bytes());
    Ok(Draft { by, client_id, wish, contact, counted_as })
}

fn check_scopes(scopes: &Scopes, is_counselors: bool) -> Result<(), Invalid> {
    let invalid = |description| Err(Invalid { field: "scopes", description });
    if scopes.iter().any(|scope| !Interactions::READING.contain(scope.interactions)) {
        return invalid("may hold r (read) and s (search) alone: nothing is written by clients");
    }
    if !is_counselors && scopes.iter().any(|scope| scope.context == Context::User) {
        return invalid("may hold user/ only where the client is a counselor's");
    }
    Ok(())
}

/// Registers a client, and returns its id. The same of the same holder twice is one.
///
/// # Errors
/// [`Error::SessionOver`]; [`ClientError::Exists`], [`ClientError::TooMany`], [`ClientError::TooManyRegistrations`].
pub async fn register(accounts: &Accounts, conn: &mut PgConnection, draft: Draft<'_>) -> Result<Uuid, Error> {
    let (now, holder_id) = (accounts.clock.now(), holder(draft.by));
    standing::hold(accounts, conn, draft.by).await?;
    if client::is_persons(conn, draft.client_id).await? {
        return Err(ClientError::Exists.into());
    }
    let scopes = draft.wish.scopes.to_string();
    let new = NewClient {
        client_id: draft.client_id,
        holder_id,
        registered_by: draft.by.account_id,
        name: &draft.wish.about.name,
        purpose: &draft.wish.about.purpose,
        contact: &draft.contact,
        scopes: &scopes,
    };
    let times = match &draft.wish.keys {
        Keys::Registered(_) => None,
        Keys::Published(url, fetched) => {
            Some(published(url, Freshness::of(fetched.max_age, now), now + FETCH_PAUSE, now))
        }
    };
    if !client::insert(conn, &new, times, now).await? {
        return if is_same(accounts, conn, &draft).await? {
            Ok(draft.client_id)
        } else {
            Err(ClientError::Exists.into())
        };
    }
    // Taken first: it makes those wait who register for the same account at the same time.
    if !throttle::take(conn, &draft.counted_as, CLIENT_REGISTRATION_PACE, now).await? {
        return Err(
            ClientError::TooManyRegistrations(CLIENT_REGISTRATION_PACE.interval.unsigned_abs()).into()
        );
    }
    let most = if holder_id.is_some() { MOST_COUNSELORS_CLIENTS } else { MOST_HOUSE_CLIENTS };
    if client::count_living(conn, holder_id).await? > most {
        return Err(ClientError::TooMany.into());
    }
    keep_keys(conn, draft.client_id, draft.wish.keys.set()).await?;
    let registered = Record {
        actor: audit::actor(draft.by),
        action: Action::ClientRegistered,
        subject: Subject::thing(draft.client_id),
        details: Details::none().code("keys", draft.wish.keys.code()),
        note: None,
    };
    audit::record(conn, accounts, registered).await?;
    Ok(draft.client_id)
}

/// Whether the client of the draft's id is the draft's, registered before.
async fn is_same(accounts: &Accounts, conn: &mut PgConnection, draft: &Draft<'_>) -> Result<bool, Error> {
    let Some(known) = client::find(conn, draft.client_id).await? else { return Ok(false) };
    let wish = &draft.wish;
    let url = match &wish.keys {
        Keys::Registered(_) => None,
        Keys::Published(url, _) => Some(url.as_str()),
    };
    let alike = known.holder_id == holder(draft.by)
        && (known.name.as_str(), known.purpose.as_str()) == (&wish.about.name, &wish.about.purpose)
        && known.scopes == wish.scopes.to_string()
        && known.jwks_url.as_deref() == url;
    if !alike {
        return Ok(false);
    }
    let contact = accounts.key().await?.open(&contact_place(draft.client_id), &known.contact)?;
    let keys = client::keys(conn, &[draft.client_id]).await?;
    let given = wish.keys.set();
    let same_keys = url.is_some()
        || keys.len() == given.iter().count()
            && keys.iter().all(|key| given.find(&key.key_id).is_some_and(|one| one.stored_as() == key.jwk));
    Ok(contact.as_slice() == wish.about.contact.as_bytes() && same_keys)
}
