//! The default texts that come along, for whoever runs the place to replace (`terms/README.md`).

use super::Terms;

/// Every file of `terms/`.
pub(super) const FILES: [(&str, &str); 6] = [
    ("terms-of-use/1/en.md", include_str!("../../../terms/terms-of-use/1/en.md")),
    ("terms-of-use/1/es.md", include_str!("../../../terms/terms-of-use/1/es.md")),
    ("terms-of-use/1/de.md", include_str!("../../../terms/terms-of-use/1/de.md")),
    ("privacy-notice/1/en.md", include_str!("../../../terms/privacy-notice/1/en.md")),
    ("privacy-notice/1/es.md", include_str!("../../../terms/privacy-notice/1/es.md")),
    ("privacy-notice/1/de.md", include_str!("../../../terms/privacy-notice/1/de.md")),
];

impl Terms {
    /// The default texts.
    ///
    /// # Errors
    /// None, which a test holds: they are of the form.
    pub fn shipped() -> Result<Self, super::TermsFault> {
        Self::read(FILES)
    }
}
