//! The file that says everything answers.

use crate::doors::Addresses;
use crate::settings::{GATEWAY, SERVICES};
use serde_json::{Map, Value, json};
use std::io;
use std::path::{Path, PathBuf};

/// The file, removed when everything stops.
pub(crate) struct ReadyFile(PathBuf);

impl ReadyFile {
    /// One that an earlier run left says nothing about this one.
    pub(crate) fn clear(path: &Path) {
        let _ = std::fs::remove_file(path);
    }

    /// Writes it in one step: a reader sees all of it or nothing.
    pub(crate) fn write(path: &Path, addresses: &Addresses, mail: Option<&Path>) -> io::Result<Self> {
        let half = path.with_extension(format!("{}.half", std::process::id()));
        std::fs::write(&half, format!("{}\n", content(addresses, mail)))?;
        std::fs::rename(&half, path)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        Self::clear(&self.0);
    }
}

fn content(addresses: &Addresses, mail: Option<&Path>) -> Value {
    let grpc: Map<String, Value> =
        SERVICES.into_iter().map(|name| (name.to_owned(), json!(addresses[name]))).collect();
    json!({ "http": addresses[GATEWAY], "grpc": grpc, "mail_dir": mail, "pid": std::process::id() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_every_address_and_goes_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let file = ReadyFile::write(&path, &crate::doors::nowhere(), Some(Path::new("/m"))).unwrap();
        let read: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read["http"], "127.0.0.1:0");
        assert_eq!(read["grpc"].as_object().unwrap().len(), 4);
        assert_eq!((&read["mail_dir"], &read["pid"]), (&json!("/m"), &json!(std::process::id())));
        drop(file);
        assert!(!path.exists());
    }
}
