//! Time zones by their IANA names.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The zone of a time whose own zone is not known.
const FALLBACK: &str = "UTC";
/// Longer names are no IANA zones.
const NAME_MAX: usize = 64;

/// The zone of that name, if there is one.
pub(super) fn known(name: &str) -> Option<TimeZone> {
    // A machine's own folder holds names beside the IANA ones, such as `localtime`; and Factory is no place.
    let listed = name.len() <= NAME_MAX
        && TimeZoneDatabase::bundled().get(name).is_ok()
        && !name.eq_ignore_ascii_case("factory");
    listed.then(|| TimeZone::get(name).ok()).flatten()
}

/// The zone of that name, or UTC.
pub(super) fn or_utc(name: &str) -> (&str, TimeZone) {
    known(name).map_or((FALLBACK, TimeZone::UTC), |zone| (name, zone))
}
