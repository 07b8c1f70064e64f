//! Whom the server runs as.

use crate::Error;
use rustix::fs::{Gid, Uid};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The user the server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Whether that is somebody else than we are, so that the child has to change.
    pub(crate) change: bool,
}

impl Account {
    /// The account for a folder: ourselves; as root, whoever owns its data already, or else postgres or nobody.
    pub(crate) fn choose(folder: &Path) -> Result<Self, Error> {
        let us = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        if us.0 != 0 {
            return Ok(Self { uid: us.0, gid: us.1, change: false });
        }
        if let Ok(data) = std::fs::metadata(folder.join(crate::folder::CLUSTER))
            && data.uid() != 0
        {
            return Ok(Self { uid: data.uid(), gid: data.gid(), change: true });
        }
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let (uid, gid) =
            ["postgres", "nobody"].iter().find_map(|name| look_up(&passwd, name)).ok_or(Error::NoAccount)?;
        Ok(Self { uid, gid, change: true })
    }

    /// Makes the account the owner of a file or folder.
    pub(crate) fn own(self, path: &Path) -> Result<(), Error> {
        if !self.change {
            return Ok(());
        }
        rustix::fs::chown(path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
            .map_err(Error::io("handing over", path))
    }
}

/// uid and gid of a user, out of the text of `/etc/passwd`.
fn look_up(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let passwd =
            "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:/bin/false\npostgres:x:101:102::/:/bin/sh\n";
        assert_eq!(look_up(passwd, "postgres"), Some((101, 102)));
        assert_eq!(look_up(passwd, "nobody"), None);
    }
}
