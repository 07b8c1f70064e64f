//! All SQL of accounts: free functions on a connection, times bound by the caller.

pub mod access;
pub mod account;
pub mod audit;
pub mod circle;
pub mod client;
pub mod client_token;
pub mod counselor;
pub mod couple;
pub mod erasure;
pub mod export;
pub mod factor;
pub mod invitation;
pub mod mail;
pub mod notice;
pub mod pause;
pub mod pending_sign_in;
pub mod receipt;
pub mod report;
pub mod request;
pub mod reset;
pub mod security;
pub mod session;
pub mod signing_key;
pub mod throttle;
pub mod tie;
pub mod verification;
