//! What every Candor process stands on. It knows nothing of journals, couples or reminders.

pub mod clock;
pub mod fault;
pub mod host;
pub mod identity;
pub mod ids;
pub mod rpc;

pub use clock::Clock;
pub use fault::{Code, Fault};
pub use host::Host;
pub use ids::Ids;
