//! Software that reads with tokens of its own: what it says of itself, its keys, and how it proves who it is. Pure.

mod about;
mod assertion;
mod fetch;
mod freshness;
mod key;
mod network;
mod url;

pub use about::About;
pub(super) use about::line;
pub use assertion::{Assertion, Expected, MOST_ASSERTION_BYTES, Proof};
pub use fetch::{FetchProblem, Fetched};
pub use freshness::{FETCH_PAUSE, Freshness};
pub use key::{ClientKey, KeySet, MOST_JWKS_BYTES};
pub use network::is_public;
pub use url::JwksUrl;

#[cfg(test)]
pub(crate) mod test_keys;
