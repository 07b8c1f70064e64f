//! How often somebody may prove who they are, and how long what was begun waits.

use super::Pace;
use jiff::SignedDuration;

/// How long a link that lets a password be set anew is good for.
pub const RESET_LIFE: SignedDuration = SignedDuration::from_hours(1);
/// Proofs that it is still the same person, in one session. Whoever took a session over cannot use up another's turns.
pub const STEP_UP_PACE: Pace = Pace { burst: 5, interval: SignedDuration::from_secs(30) };
/// Codes for one account that follow the right password, or a link from a mail. A code has six digits: at this pace a
/// stranger who knows the password finds one in a year or more, and the owner is told within minutes.
pub const FACTOR_PACE: Pace = Pace { burst: 5, interval: SignedDuration::from_mins(2) };
/// How long a link to another address is good for.
pub const EMAIL_CHANGE_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// How long an earlier address can be put back, and nobody else can have it.
pub const EMAIL_UNDO_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Requests for another address by one account.
pub const EMAIL_CHANGE_PACE: Pace = Pace { burst: 3, interval: SignedDuration::from_mins(10) };
/// How long half a sign-in waits for the second factor.
pub const PENDING_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long a proposed authenticator app waits for its first code.
pub const TOTP_PROPOSAL_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// How long a challenge waits for a device's answer.
pub const CHALLENGE_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How long a device is known after the last sign-in there.
pub const DEVICE_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// How long after the address was proven a first sign-in is no news to whoever proved it.
pub const FIRST_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// Devices that one account knows at most. One more takes the place of the one before it, never of those known for longer:
/// whoever has the password cannot make an account forget where its owner is at home.
pub const MOST_DEVICES: i64 = 50;
/// Sessions of one account that live at most. One more ends the one that began before it, for the same reason.
pub const MOST_SESSIONS: i64 = 100;
/// Sign-ins of one account from devices that it does not know: each is told to its owner, who must not lose sight of the
/// first among many.
pub const UNKNOWN_DEVICE_PACE: Pace = Pace { burst: 20, interval: SignedDuration::from_mins(10) };
/// Sign-ins from one device that the account knows.
pub const KNOWN_DEVICE_PACE: Pace = Pace { burst: 30, interval: SignedDuration::from_mins(1) };
/// New passwords of one account, or with one link: each costs a run of Argon2.
pub const NEW_PASSWORD_PACE: Pace = Pace { burst: 10, interval: SignedDuration::from_secs(30) };
