//! What is in `deploy/`, read as it is applied: the rules every manifest keeps, who reaches whom, and the settings that
//! each process gets. Whether Kubernetes knows every word of it is `.ci/manifests`'s to say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests: what fails, fails the test

mod apply;
mod compose;
mod manifests;
mod mistakes;
mod network;
mod pods;
mod rules;
mod secrets;
mod settings;
mod traffic;
