//! The folder in which whoever runs the place keeps its legal texts. It is read once, at the start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How deep texts lie: kind, version, file.
const DEEP: usize = 3;

/// Every file in a folder of texts: its path below the folder, and its content.
///
/// # Errors
/// When it cannot be read, or a file is no UTF-8.
pub fn read_terms(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    gather(folder, &PathBuf::new(), DEEP, &mut files)?;
    Ok(files)
}

fn gather(folder: &Path, below: &Path, deep: usize, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        let name = path.to_string_lossy().into_owned();
        // What lies there for people, and what systems put there, is no text.
        if entry.file_name().to_string_lossy().starts_with('.') || name == "README.md" {
            continue;
        }
        // Mounted secrets and maps are links to files: what is behind them counts.
        if fs::metadata(entry.path())?.is_dir() && deep > 1 {
            gather(folder, &path, deep - 1, files)?;
        } else {
            files.push((name, fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}
