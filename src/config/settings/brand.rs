//! `[brand]`.

/// How the pages look and where their links go.
#[derive(Clone, Debug)]
pub(crate) struct Brand {
    /// Whose server this is.
    pub name: String,
    /// The accent colour in light and dark, as `#rrggbb`; our own where none is set.
    pub accent: Option<String>,
    /// A logo: the file's bytes and media type.
    pub logo: Option<Logo>,
    /// Where the privacy policy is.
    pub privacy_url: Option<String>,
    /// Where the terms are.
    pub terms_url: Option<String>,
    /// Where a person finds help: an address, or an email as `mailto:`.
    pub support_url: Option<String>,
}

/// A logo, read at the start.
#[derive(Clone, Debug)]
pub(crate) struct Logo {
    /// Of the file's ending.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}
