//! The demonstration's folder, told apart from any other by a file.

use crate::cli::BoxError;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Says that the folder is a demonstration's, and whether it is whole.
const MARKER: &str = "demonstration";
const BEGUN: &str = "begun\n";
const MADE: &str = "made\n";

/// A folder that holds a demonstration and nothing else.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Takes a folder: one that is missing or empty, or one of an earlier demonstration. What an earlier start did not
    /// finish is removed, to begin again.
    ///
    /// # Errors
    /// A sentence, when the folder holds anything else, or cannot be used.
    pub(crate) fn claim(path: &Path) -> Result<Self, BoxError> {
        let failed = |error| format!("the folder {} cannot be used: {error}", path.display());
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let folder = Self(path.to_owned());
        if folder.is_made() {
            return Ok(folder);
        }
        let mark = fs::read_to_string(folder.marker()).ok();
        let names = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        if mark.as_deref() != Some(BEGUN) && !names.is_empty() {
            return Err(format!(
                "{} holds something that is not a demonstration, and stays as it is; name another folder with --data",
                path.display()
            )
            .into());
        }
        for entry in names.into_iter().filter(|entry| entry.file_name() != MARKER) {
            let old = entry.path();
            let is_folder = entry.file_type().map_err(failed)?.is_dir();
            if is_folder { fs::remove_dir_all(old) } else { fs::remove_file(old) }.map_err(failed)?;
        }
        folder.mark(BEGUN)?;
        Ok(folder)
    }

    /// Whether the whole story has been lived in it.
    pub(crate) fn is_made(&self) -> bool {
        fs::read_to_string(self.marker()).is_ok_and(|mark| mark == MADE)
    }

    /// It has.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn mark_made(&self) -> Result<(), BoxError> {
        self.mark(MADE)
    }

    fn mark(&self, mark: &str) -> Result<(), BoxError> {
        let failed = |error| format!("the folder {} cannot be written: {error}", self.0.display());
        let half = self.0.join("demonstration.half");
        fs::write(&half, mark).and_then(|()| fs::rename(&half, self.marker())).map_err(failed)?;
        Ok(())
    }

    fn marker(&self) -> PathBuf {
        self.0.join(MARKER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once_and_begun_again_until_it_is_made() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new/demo");
        let folder = Folder::claim(&path).unwrap();
        fs::create_dir(path.join("postgres")).unwrap();
        fs::write(path.join("kek"), "half").unwrap();
        let again = Folder::claim(&path).unwrap();
        assert!(!again.is_made() && !path.join("postgres").exists() && !path.join("kek").exists());
        fs::write(path.join("kek"), "whole").unwrap();
        folder.mark_made().unwrap();
        assert!(Folder::claim(&path).unwrap().is_made());
        assert!(path.join("kek").exists());
    }

    #[test]
    fn a_folder_of_anything_else_is_refused_and_stays() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["postgres/cluster", "holiday-pictures"] {
            let path = parent.path().join(name.replace('/', "-"));
            fs::create_dir_all(path.join(name)).unwrap();
            let refused = Folder::claim(&path).err().unwrap().to_string();
            assert!(refused.contains("is not a demonstration"), "{refused}");
            assert!(path.join(name).exists() && !path.join(MARKER).exists());
        }
    }
}
