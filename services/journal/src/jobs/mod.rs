//! Background work.

mod sweep;

pub use sweep::{sweep, sweep_once};
