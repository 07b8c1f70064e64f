//! All SQL of accounts: free functions on a connection, times bound by the caller.

pub mod account;
pub mod mail;
pub mod receipt;
pub mod request;
pub mod session;
pub mod signing_key;
pub mod throttle;
pub mod verification;
