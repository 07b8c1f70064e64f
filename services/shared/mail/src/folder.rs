//! The development sink: one complete `.eml` file per mail.

use std::{io, path::Path};
use tokio::io::AsyncWriteExt as _;

/// Makes the folder, readable by its owner alone: mail is private.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes `<name>.eml`. Whoever watches the folder for `.eml` files never sees half a mail.
pub(crate) async fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}.part"));
    let mut file = tokio::fs::File::create_new(&unfinished).await?;
    file.write_all(bytes).await?;
    file.sync_all().await?;
    tokio::fs::rename(&unfinished, folder.join(format!("{name}.eml"))).await
}
