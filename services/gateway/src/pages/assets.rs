//! The few files a page needs, embedded, each under a name that changes with its content.

use super::{Failure, Segment};
use crate::error::Problem;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// A file that browsers may keep for good.
pub(super) struct Asset {
    /// Where it is: `/assets/style.1a2b3c4d5e6f.css`.
    pub(super) path: String,
    content_type: &'static str,
    bytes: &'static [u8],
}

/// The one style sheet.
pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("style", "css", "text/css; charset=utf-8", include_bytes!("../../assets/style.css"))
});
/// The one script; every page works without it.
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("candor", "js", "text/javascript; charset=utf-8", include_bytes!("../../assets/candor.js"))
});
/// The icon of the tab.
pub(super) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_bytes!("../../assets/icon.svg")));
/// The picture of the start page.
pub(super) static WALL: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("wall", "svg", "image/svg+xml", include_bytes!("../../assets/wall.svg")));

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let print: String = Sha256::digest(bytes).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{name}.{print}.{extension}"), content_type, bytes }
    }

    fn answer(&self, cache: &'static str) -> Response {
        ([(header::CONTENT_TYPE, self.content_type), (header::CACHE_CONTROL, cache)], self.bytes)
            .into_response()
    }
}

pub(super) async fn serve(Segment(name): Segment) -> Result<Response, Failure> {
    let all = [&STYLE, &SCRIPT, &ICON, &WALL];
    let asset = all.into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&name));
    let asset = asset.ok_or_else(Problem::no_such_path)?;
    Ok(asset.answer("public, max-age=31536000, immutable"))
}

/// For browsers that ask for it unasked.
pub(super) async fn icon() -> Response {
    ICON.answer("public, max-age=86400")
}
