//! All SQL of accounts: free functions on a connection, times bound by the caller.

pub mod access;
pub mod account;
pub mod audit;
pub mod circle;
pub mod couple;
pub mod invitation;
pub mod mail;
pub mod receipt;
pub mod report;
pub mod request;
pub mod session;
pub mod signing_key;
pub mod throttle;
pub mod verification;
