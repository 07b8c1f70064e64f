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
/// Devices that one account knows at most; the one that was signed in from longest ago makes room.
pub const MOST_DEVICES: i64 = 50;
