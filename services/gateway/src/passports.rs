//! Exchanges session secrets for passports, and holds each passport for at most 20 seconds.

use crate::error::Problem;
use crate::station::Station;
use crate::upstream::{Upstream, call};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use candor_proto::accounts::v1::{MintPassportRequest, RotateSecretRequest};
use chassis::Clock;
use chassis::rpc::STEP_UP_LIFE;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Accounts' session secrets begin with this, which tells them from passports.
pub(crate) const SECRET_PREFIX: &str = "cs_";
/// Ending a session acts within this plus a passport's life.
const HELD_FOR: SignedDuration = SignedDuration::from_secs(20);
/// A cache of about 10 MB at most; beyond it, passports are minted for every call.
const MOST: usize = 10_000;

/// How long a page that needs nobody waits to hear whose session it is shown in.
const PATIENCE: Duration = Duration::from_secs(1);

/// A passport with what the gateway knows of it.
#[derive(Clone)]
pub(crate) struct Held {
    /// The passport, to be shown to every service.
    pub(crate) passport: Arc<str>,
    /// The session it speaks for.
    pub(crate) session_id: Arc<str>,
    /// The account it speaks for.
    pub(crate) account_id: Arc<str>,
    /// Whether the session's secret is due to be replaced.
    secret_is_old: bool,
    from: Timestamp,
    until: Timestamp,
}

impl Held {
    /// Whether the person proved who they are as lately as the services want it; `None` when the passport does not say.
    pub(crate) fn is_proven(&self, now: Timestamp) -> Option<bool> {
        let proved_at = Timestamp::from_second(claim(&self.passport, "auth_time")?.as_i64()?).ok()?;
        Some(now.duration_since(proved_at) <= STEP_UP_LIFE)
    }

    /// What the person is here as.
    pub(crate) fn station(&self) -> Station {
        Station::claimed(&self.passport)
    }
}

/// The passports held at this moment, by the hash of the secret they were minted from.
pub(crate) struct Passports {
    upstream: Upstream,
    clock: Clock,
    held: Mutex<HashMap<[u8; 32], Held>>,
}

impl Passports {
    /// None held yet.
    pub(crate) fn new(upstream: Upstream, clock: Clock) -> Self {
        Self { upstream, clock, held: Mutex::new(HashMap::new()) }
    }

    /// The passport of a session.
    ///
    /// # Errors
    /// 401 when the session is over; what accounts said when it cannot answer.
    pub(crate) async fn of_secret(&self, secret: &str) -> Result<Held, Problem> {
        let (key, now) = (hash(secret), self.clock.now());
        if let Some(held) = self.held(&key, now) {
            return Ok(held);
        }
        let request = call(MintPassportRequest { session_secret: secret.to_owned() }, None)?;
        let minted =
            self.upstream.sessions().mint_passport(request).await.map_err(|status| match status.code() {
                tonic::Code::InvalidArgument => Problem::unauthenticated(), // it does not even look like a secret
                _ => Problem::from(status),
            })?;
        let minted = minted.into_inner();
        let expires =
            minted.passport_expire_time.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok());
        let until =
            expires.map_or(now, |expires| expires.min(now.saturating_add(HELD_FOR).unwrap_or(expires)));
        let held = Held {
            passport: minted.passport.into(),
            session_id: minted.session_id.into(),
            account_id: minted.account_id.into(),
            secret_is_old: minted.secret_is_old,
            from: now,
            until,
        };
        self.hold(key, held.clone(), now);
        Ok(held)
    }

    /// What the person of a session is here as, as far as it was ever heard of here. Nobody is asked: it only decides what
    /// navigation a page has.
    pub(crate) fn station(&self, secret: &str) -> Option<Station> {
        self.lock().get(&hash(secret)).map(Held::station)
    }

    /// Hears of a session, so that the pages which are open to everybody have the navigation of whoever looks at them.
    /// When accounts does not answer at once, they have a member's.
    pub(crate) async fn hear_of(&self, secret: &str) {
        if self.station(secret).is_none() {
            let _ = tokio::time::timeout(PATIENCE, self.of_secret(secret)).await;
        }
    }

    /// What takes a session's secret's place, where it is due. It is no harm where accounts does not answer at once: the next
    /// page asks again.
    pub(crate) async fn successor(&self, secret: &str) -> Option<String> {
        if !self.is_old(secret) {
            return None;
        }
        let asked = tokio::time::timeout(PATIENCE, self.replace(secret));
        asked.await.ok()?.ok().flatten()
    }

    /// What takes a session's secret's place, due or not; `None` where one was given out a few minutes ago.
    ///
    /// # Errors
    /// 401 when the session is over; what accounts said when it cannot answer.
    pub(crate) async fn replace(&self, secret: &str) -> Result<Option<String>, Problem> {
        let request = call(RotateSecretRequest { session_secret: secret.to_owned() }, None)?;
        let rotated = self.upstream.sessions().rotate_secret(request).await?;
        Ok(Some(rotated.into_inner().session_secret).filter(|next| !next.is_empty()))
    }

    fn is_old(&self, secret: &str) -> bool {
        self.lock().get(&hash(secret)).is_some_and(|held| held.secret_is_old)
    }

    fn held(&self, key: &[u8; 32], now: Timestamp) -> Option<Held> {
        // A clock that was set back must not lengthen a life.
        self.lock().get(key).filter(|held| held.from <= now && now < held.until).cloned()
    }

    /// Forgets the passport of a session's secret: it was refused, or the session is over.
    pub(crate) fn forget(&self, secret: &str) {
        self.lock().remove(&hash(secret));
    }

    /// Forgets every passport of a session.
    pub(crate) fn forget_session(&self, session_id: &str) {
        self.lock().retain(|_, held| &*held.session_id != session_id);
    }

    fn hold(&self, key: [u8; 32], passport: Held, now: Timestamp) {
        let mut held = self.lock();
        if held.len() >= MOST {
            held.retain(|_, held| now < held.until);
        }
        if held.len() < MOST {
            held.insert(key, passport);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whom a passport says that it speaks for, believed by nobody: the services verify it. `None` where it says nothing.
pub(crate) fn claimed_account(passport: &str) -> Option<String> {
    claim(passport, "sub")?.as_str().map(str::to_owned)
}

/// What a passport says of something, believed by nobody.
pub(crate) fn claim(passport: &str, name: &str) -> Option<serde_json::Value> {
    let claims = passport.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let mut claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims.get_mut(name).map(serde_json::Value::take)
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passport_says_whom_it_speaks_for_or_nothing() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"somebody"}"#);
        assert_eq!(claimed_account(&format!("e30.{claims}.x")).as_deref(), Some("somebody"));
        let other = URL_SAFE_NO_PAD.encode(r#"{"sub":1}"#);
        for passport in ["", "a.b", "passport.of.alice", "e30.e30.x", &format!("e30.{other}.x")] {
            assert_eq!(claimed_account(passport), None, "{passport}");
        }
    }
}
