//! `[brand]`: how the pages look, and where their links go.

use std::path::Path;

use url::Url;

use super::pass::Pass;
use crate::config::settings::{Brand, Issuer, Logo};
use crate::config::tables::BrandTable;
use crate::oauth::name::showable;

/// The largest logo, in bytes.
const MAX_LOGO: u64 = 256 * 1024;

impl Pass<'_> {
    pub(super) fn brand(&mut self, table: &BrandTable, issuer: Option<&Issuer>) -> Brand {
        let name = match &table.name {
            Some(name) => showable(name).unwrap_or_else(|| {
                self.report("brand.name", "must not be empty");
                String::new()
            }),
            None => issuer.map(Issuer::host).unwrap_or_default().to_owned(),
        };
        if table.accent.as_deref().is_some_and(|accent| !is_colour(accent)) {
            self.report("brand.accent", "must be a colour such as #2563eb");
        }
        for (key, url) in [("brand.privacy_url", &table.privacy_url), ("brand.terms_url", &table.terms_url)] {
            if url.as_deref().is_some_and(|url| !has_scheme(url, &["https", "http"])) {
                self.report(key, "must be an address that begins with https://");
            }
        }
        if table.support_url.as_deref().is_some_and(|url| !has_scheme(url, &["https", "http", "mailto"])) {
            self.report("brand.support_url", "must be an address that begins with https:// or mailto:");
        }
        Brand {
            name,
            accent: table.accent.as_ref().map(|accent| accent.to_ascii_lowercase()),
            logo: table.logo.as_deref().and_then(|path| self.ok_or_report("brand.logo", read_logo(path))),
            privacy_url: table.privacy_url.clone(),
            terms_url: table.terms_url.clone(),
            support_url: table.support_url.clone(),
        }
    }
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()))
}

fn read_logo(path: &Path) -> Result<Logo, String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let media_type = match ending.as_deref() {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => return Err("must be a file that ends in .svg, .png or .webp".into()),
    };
    let unreadable = |error: std::io::Error| format!("the file {} cannot be read: {error}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_LOGO {
        return Err(format!("must be a file of at most {} KiB", MAX_LOGO / 1024));
    }
    Ok(Logo { media_type, bytes: std::fs::read(path).map_err(unreadable)? })
}

#[cfg(test)]
mod tests {
    use crate::config::resolve::tests::{problems, settings};

    #[test]
    fn a_brand_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let logo = dir.path().join("logo.SVG");
        std::fs::write(&logo, "<svg/>").unwrap();
        let brand = settings(&format!("brand.logo = {logo:?}\nbrand.accent = \"#A0b1C2\"")).unwrap().brand;
        let read = brand.logo.unwrap();
        assert_eq!((read.media_type, read.bytes.as_slice()), ("image/svg+xml", b"<svg/>".as_slice()));
        assert_eq!(brand.accent.as_deref(), Some("#a0b1c2"));

        std::fs::write(&logo, vec![0; 256 * 1024 + 1]).unwrap();
        assert!(problems(&format!("brand.logo = {logo:?}")).contains("at most 256 KiB"));
        for bad in [
            "logo = \"logo.gif\"",
            "logo = \"missing.png\"",
            "accent = \"#12345\"",
            "privacy_url = \"javascript:alert(1)\"",
            "terms_url = \"/terms\"",
            "support_url = \"help@example.com\"",
            "name = \" \"",
        ] {
            assert!(problems(&format!("brand.{bad}")).contains("brand."), "{bad}");
        }
    }
}
