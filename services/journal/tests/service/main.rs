//! The journal on a real PostgreSQL, called as a member's client calls it.

mod batches;
mod entries;
mod idempotency;
mod moods;
mod privacy;
mod stage;
