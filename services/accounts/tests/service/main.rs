//! Accounts against a real PostgreSQL: what members, strangers and replicas do, and what they get.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub)]

mod access;
mod audit;
mod audit_chain;
mod care;
mod circles;
mod clients;
mod counselors;
mod couple_care;
mod couples;
mod devices;
mod enumeration;
mod erasure;
mod erasure_disorder;
mod export;
mod factors;
mod hijack;
mod hostile;
mod invitations;
mod kit;
mod ledger;
mod mails;
mod openings;
mod operators;
mod passkeys;
mod passwords;
mod pauses;
mod people;
mod receipts;
mod reports;
mod rotation;
mod sessions;
mod step_up;
mod story;
mod throttle;
mod trust;
