//! What every handler of the gateway shares.

use crate::export::Room;
use crate::limits::Limits;
use crate::oauth::Discovery;
use crate::pages::desk::Desk;
use crate::passports::Passports;
use crate::rest::Api;
use crate::session::Cookies;
use crate::upstream::Upstream;
use chassis::{Clock, Ids};

/// The gateway's state: nothing of it outlives the process, and nothing of it needs to.
pub(crate) struct App {
    /// The services behind.
    pub(crate) upstream: Upstream,
    /// Session secrets to passports.
    pub(crate) passports: Passports,
    /// Cookies and CSRF tokens.
    pub(crate) cookies: Cookies,
    /// The REST table and its description.
    pub(crate) api: Api,
    /// What clients of OAuth find out by themselves.
    pub(crate) discovery: Discovery,
    /// Where texts become HTML.
    pub(crate) desk: Desk,
    /// What one network may ask for.
    pub(crate) limits: Limits,
    /// Room for exports that are put together.
    pub(crate) exports: Room,
    /// The time.
    pub(crate) clock: Clock,
    /// Ids for forms, so that sending one twice is safe.
    pub(crate) ids: Ids,
    /// Where the quick exit leads.
    pub(crate) leave_url: String,
    /// What stands on top of every page, if anything.
    pub(crate) notice: Option<String>,
}
