//! What is measured of people coming in. Labels say what happened, never to whom.

use crate::{Error, PasskeyError, domain::Scope};
use chassis::identity::Kind;
use chassis::telemetry::{Entered, KeyValue, Level, counter, histogram};
use opentelemetry::metrics::{Counter, Histogram};
use std::sync::LazyLock;
use std::time::Instant;

struct Instruments {
    sign_ins: Counter<u64>,
    passports: Counter<u64>,
    openings: Counter<u64>,
}

static INSTRUMENTS: LazyLock<Instruments> = LazyLock::new(|| Instruments {
    sign_ins: counter("candor_accounts_sign_ins", "Attempts to sign in, by what came of them."),
    passports: counter("candor_accounts_passports_minted", "Passports, by the kind of who they speak for."),
    openings: counter("candor_accounts_openings", "Wishes to read of another, by what came of them."),
});

/// How far a sign-in came that went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The password fits; the second factor is still to come.
    Half,
    /// There is a session.
    Whole,
}

/// Counts what came of an attempt to sign in, or to finish one. Whether the address is known shows nowhere.
pub fn sign_in<T>(result: Result<T, Error>, step: Step) -> Result<T, Error> {
    let outcome = match &result {
        Ok(_) if step == Step::Half => "half",
        Ok(_) => "signed_in",
        Err(Error::SignInRefused | Error::CodeRefused | Error::Passkey(PasskeyError::Refused)) => "refused",
        Err(Error::TooManyAttempts(_) | Error::TooManyProofs(_)) => "too_many",
        Err(Error::SignInOver) => "over",
        Err(Error::Busy) => "busy",
        Err(Error::Invalid(_)) => "invalid",
        Err(_) => "failed",
    };
    INSTRUMENTS.sign_ins.add(1, &[KeyValue::new("outcome", outcome)]);
    result
}

/// Counts a passport.
pub(super) fn minted(kind: Kind) {
    INSTRUMENTS.passports.add(1, &[KeyValue::new("kind", kind.as_str())]);
}

/// Counts what came of a wish to read of another.
pub fn opening<T>(scope: Scope, result: Result<T, Error>) -> Result<T, Error> {
    let outcome = match &result {
        Ok(_) => "opened",
        Err(Error::NothingOpen | Error::ReceiptNotFound) => "refused",
        Err(Error::TooManyOpenings(_)) => "too_many",
        Err(Error::SessionOver) => "session_over",
        Err(_) => "failed",
    };
    let labels = [KeyValue::new("scope", scope.as_str()), KeyValue::new("outcome", outcome)];
    INSTRUMENTS.openings.add(1, &labels);
    result
}

/// What is measured of password hashing.
#[derive(Clone)]
pub(super) struct Hashing {
    running: Level,
    waits: Histogram<f64>,
    durations: Histogram<f64>,
    refused: Counter<u64>,
}

impl Hashing {
    /// Nothing hashed yet.
    pub(super) fn new() -> Self {
        let refused =
            counter("candor_accounts_hashing_refused", "Passwords refused because too many waited.");
        refused.add(0, &[]);
        Self {
            running: Level::new("candor_accounts_hashing_running", "Passwords that are being hashed."),
            waits: histogram("candor_accounts_hashing_wait", "How long passwords wait for their turn."),
            durations: histogram("candor_accounts_hashing_duration", "How long hashing a password takes."),
            refused,
        }
    }

    /// No place is free.
    pub(super) fn refused(&self) {
        self.refused.add(1, &[]);
    }

    /// A password's turn has come. Lasts until it is dropped.
    pub(super) fn begin(&self, waiting_since: Instant) -> Running {
        self.waits.record(waiting_since.elapsed().as_secs_f64(), &[]);
        Running { since: Instant::now(), durations: self.durations.clone(), _running: self.running.enter() }
    }
}

/// A password that is being hashed.
pub(super) struct Running {
    since: Instant,
    durations: Histogram<f64>,
    _running: Entered,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.durations.record(self.since.elapsed().as_secs_f64(), &[]);
    }
}
