//! What the development mail sink holds.

use crate::eventually;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The token of the newest verification mail to `email` in the sink's folder.
///
/// # Panics
/// When there is none within 30 s.
pub async fn mailed_token(folder: &Path, email: &str) -> String {
    let mut token = None;
    eventually("the verification mail is there", Duration::from_secs(30), async || {
        token = newest_mail(folder, email).and_then(|mail| token_in(&mail));
        token.is_some()
    })
    .await;
    token.unwrap()
}

fn newest_mail(folder: &Path, email: &str) -> Option<String> {
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    files.sort_by_key(|path| fs::metadata(path).and_then(|m| m.modified()).ok());
    files.iter().rev().filter_map(|path| fs::read_to_string(path).ok()).find(|mail| mail.contains(email))
}

fn token_in(mail: &str) -> Option<String> {
    let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
    let rest = plain.split("token=").nth(1)?;
    Some(rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect())
}
