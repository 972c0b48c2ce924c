//! Secrets: a value in the configuration, or a file that holds it.
//!
//! Every secret is `x` or `x_file`; a file's trailing newline does not count. Nothing here prints one.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

/// Text that must not be printed: a secret, or an address with a password in it.
#[derive(Clone)]
pub(super) struct Secret(SecretString);

impl Secret {
    /// The text itself.
    pub(super) fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Secret(text.into()))
    }
}

#[cfg(test)]
impl serde::Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

/// Loads the secret from `value` or from `file`; `None` if neither is set. The error says what to do.
pub(super) fn load(value: Option<&Secret>, file: Option<&Path>) -> Result<Option<SecretString>, String> {
    match (value, file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err("is set as a value and as a file; keep one of the two".into()),
        (Some(value), None) if value.expose().is_empty() => Err("is empty; write the secret, or remove the key".into()),
        (Some(value), None) => Ok(Some(value.0.clone())),
        (None, Some(file)) => read_file(file).map(Some),
    }
}

fn read_file(file: &Path) -> Result<SecretString, String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("the file {shown} cannot be read: {error}"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("the file {shown} is empty; write the secret into it")),
        secret => Ok(secret.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_loses_its_trailing_newline_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, " s3cret \r\n").unwrap();
        let secret = load(None, Some(&path)).unwrap().unwrap();
        assert_eq!(secret.expose_secret(), " s3cret ");
    }

    #[test]
    fn what_cannot_be_a_secret_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let missing = load(None, Some(&path)).unwrap_err();
        assert!(missing.contains(&path.display().to_string()), "{missing}");
        std::fs::write(&path, "\n").unwrap();
        assert!(load(None, Some(&path)).unwrap_err().contains("is empty"));
        assert!(load(Some(&"x".into()), Some(&path)).unwrap_err().contains("keep one"));
        assert!(load(Some(&"".into()), None).is_err());
        assert!(load(None, None).unwrap().is_none());
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::from("hidden")), "Secret(redacted)");
    }
}
