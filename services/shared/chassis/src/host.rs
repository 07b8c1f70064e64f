//! What a process gives to the services it runs.

use crate::config::Platform;
use crate::{Clock, Health, Ids};
use std::net::TcpListener;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The ground a service stands on. The process owns it; a service only uses it.
pub struct Host {
    /// Time.
    pub clock: Clock,
    /// Ids.
    pub ids: Ids,
    /// Fires when the process wants to stop: finish what runs, take nothing new.
    pub shutdown: CancellationToken,
    /// Where the service answers, bound already, so that a port 0 is known before the service runs.
    pub listener: TcpListener,
    /// Settings that every process shares.
    pub platform: Arc<Platform>,
    /// Where the service registers what it depends on.
    pub health: Health,
}
