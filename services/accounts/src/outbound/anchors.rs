//! The folder outside the database where the audit's chain is anchored: a file a day, written once.

use crate::domain::audit::Anchor;
use jiff::civil::Date;
use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

const PREFIX: &str = "candor-audit-";
const SUFFIX: &str = ".json";

/// The folder. Nothing in it is ever changed or removed by Candor; keep it where the database's operator cannot write,
/// such as a volume that only adds.
#[derive(Clone)]
pub struct AnchorFolder(PathBuf);

impl AnchorFolder {
    /// A folder, made on the first write.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Whether a day has its anchor.
    pub fn has(&self, day: Date) -> bool {
        self.file(day).exists()
    }

    /// Writes a day's anchor; false when it has one already, which stays as it is.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(&self, anchor: &Anchor) -> io::Result<bool> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let text = serde_json::to_vec_pretty(anchor)?;
        // Whole or not at all: written aside, and given its name by a link, which never replaces a file.
        let aside = self.0.join(format!(".{PREFIX}{}-{}", anchor.day, std::process::id()));
        let _ = fs::remove_file(&aside);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(&aside)?;
        let written = file.write_all(&text).and_then(|()| file.sync_all());
        let linked = written.and_then(|()| fs::hard_link(&aside, self.file(anchor.day)));
        fs::remove_file(&aside)?;
        match linked {
            Ok(()) => fs::File::open(&self.0)?.sync_all().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Every anchor there is, the oldest first. A folder that is not there holds none.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read as what it is; the error names the file.
    pub fn all(&self) -> io::Result<Vec<Anchor>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut anchors = Vec::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
                anchors.push(read(&path)?);
            }
        }
        anchors.sort_by_key(|anchor| anchor.day);
        Ok(anchors)
    }

    fn file(&self, day: Date) -> PathBuf {
        self.0.join(format!("{PREFIX}{day}{SUFFIX}"))
    }
}

fn read(path: &Path) -> io::Result<Anchor> {
    let anchor: Result<Anchor, _> = serde_json::from_slice(&fs::read(path)?);
    anchor.map_err(|_| io::Error::other(format!("{} is not an anchor", path.display())))
}
