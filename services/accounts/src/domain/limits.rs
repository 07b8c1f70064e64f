//! How long things live and how often they may happen.

use jiff::SignedDuration;

/// How long a passport is good for.
pub const PASSPORT_LIFE: SignedDuration = SignedDuration::from_secs(60);
/// How long a token of software is good for.
pub const CLIENT_TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How old a session's secret is when it is to be replaced.
pub const SECRET_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How long a secret that was replaced still counts: what a browser asked for at once is on its way.
pub const SECRET_OVERLAP: SignedDuration = SignedDuration::from_secs(60);
/// How long the next secret may be on its way before there is another.
pub const SECRET_OFFER_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How long a verification token is good for.
pub const VERIFICATION_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// After so many attempts a mail is dead.
pub const MAIL_ATTEMPTS: i32 = 12;
/// The longest wait between two attempts to send a mail.
pub const LONGEST_MAIL_BACKOFF: SignedDuration = SignedDuration::from_hours(1);

/// How often something may happen to one subject: so many at once, then one each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How many at once.
    pub burst: i32,
    /// One more after each of these.
    pub interval: SignedDuration,
}

impl Pace {
    /// How far ahead of the clock the next free turn may lie while a turn is still granted.
    pub fn tolerance(self) -> SignedDuration {
        self.interval * (self.burst - 1)
    }
}

/// Attempts to sign in with one address. The wait is short and a refusal never adds to it, but turns go to
/// whoever comes first: a stranger who polls can take each as it becomes free and so keep the owner from signing
/// in anew for as long as they poll. Open sessions do not notice. The right password gets no turn of its own:
/// guesses would then be made at any speed, and every refused one would cost a run of Argon2.
pub const SIGN_IN_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_secs(10) };
/// Attempts to prove one registration. Only whoever holds a link that still works can use these turns up.
pub const VERIFICATION_PACE: Pace = Pace { burst: 5, interval: SignedDuration::from_secs(10) };
/// Mails to one address that its owner may not have asked for.
pub const VERIFICATION_MAIL_PACE: Pace = Pace { burst: 3, interval: SignedDuration::from_mins(10) };

/// How long after it was asked for an export opens: time to notice that somebody else asked.
pub const EXPORT_WAIT: SignedDuration = SignedDuration::from_hours(24);
/// How long an export is open.
pub const EXPORT_OPEN_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long an invitation is open.
pub const INVITATION_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Invitations of one account: five a day.
pub const INVITATION_PACE: Pace = Pace { burst: 5, interval: SignedDuration::from_secs(24 * 60 * 60 / 5) };
/// People in one circle, open invitations counted.
pub const CIRCLE_ROOM: i64 = 20;
/// Circles that one person is in.
pub const MOST_PLACES: i64 = 100;
/// Openings of others' data by one reader.
pub const OPENING_PACE: Pace = Pace { burst: 120, interval: SignedDuration::from_millis(500) };
/// Openings of one client: as many at once as a practice has things to look at, then ten a second.
pub const SOFTWARE_OPENING_PACE: Pace = Pace { burst: 600, interval: SignedDuration::from_millis(100) };
/// How long after it was opened a receipt is gone on with by whoever opens the same again.
pub const RENEWABLE: SignedDuration = SignedDuration::from_hours(1);

/// Requests for care of one member: five a day.
pub const CARE_PACE: Pace = Pace { burst: 5, interval: SignedDuration::from_secs(24 * 60 * 60 / 5) };
/// How long a request for care waits for an answer.
pub const CARE_REQUEST_LIFE: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Requests for care of one member that wait at most.
pub const MOST_CARE_REQUESTS: i64 = 5;

/// Consents of one member that are open at most.
pub const MOST_CONSENTS: i64 = 100;

/// Proposals of care as a couple that one of the two has open at most.
pub const MOST_COUPLE_CARE: i64 = 3;

/// Clients that one account registers: ten at once, then one an hour.
pub const CLIENT_REGISTRATION_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_hours(1) };
/// Addresses of keys that are called because one account names them: ten at once, then one a minute.
pub const CLIENT_ADDRESS_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_mins(1) };
/// Tokens of one client. Each is good for five minutes, so one that runs on many machines has enough with this.
pub const CLIENT_TOKEN_PACE: Pace = Pace { burst: 60, interval: SignedDuration::from_secs(1) };
/// Clients of the house that are not disabled at most.
pub const MOST_HOUSE_CLIENTS: i64 = 1_000;
/// Clients of one counselor that are not disabled at most.
pub const MOST_COUNSELORS_CLIENTS: i64 = 20;

/// How long to wait after the given failed attempt (1, 2, …) to send a mail.
pub fn mail_backoff(attempt: i32) -> SignedDuration {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(10);
    SignedDuration::from_secs(15 << doublings).min(LONGEST_MAIL_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_an_hour_and_outlasts_a_night_without_a_mail_server() {
        assert_eq!(mail_backoff(1), SignedDuration::from_secs(15));
        assert_eq!(mail_backoff(2), SignedDuration::from_secs(30));
        assert_eq!(mail_backoff(i32::MAX), LONGEST_MAIL_BACKOFF);
        let whole: SignedDuration =
            (1..MAIL_ATTEMPTS).map(mail_backoff).fold(SignedDuration::ZERO, |a, b| a + b);
        assert!(whole > SignedDuration::from_hours(4), "{whole}");
    }
}
