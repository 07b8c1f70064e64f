//! The vault's settings.

use std::path::PathBuf;

/// Where the keys are.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The key store: a database of its own, whose backups are kept for 7 days only.
    pub keystore: chassis::database::Config,
    /// The file of key encryption keys, mode 0600; or root's, mode 0440, where a group of its own reads it.
    pub kek_file: PathBuf,
}
