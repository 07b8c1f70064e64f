//! How often somebody may prove who they are, and how long what was begun waits.

use super::Pace;
use jiff::SignedDuration;

/// Proofs that it is still the same person, in one session. Whoever took a session over cannot use up another's turns.
pub const STEP_UP_PACE: Pace = Pace { burst: 5, interval: SignedDuration::from_secs(10) };
