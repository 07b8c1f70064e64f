//! Background work.

mod check_ins;
mod sweep;

pub use check_ins::{decide_check_ins, decide_check_ins_once};
pub use sweep::{sweep, sweep_once};
