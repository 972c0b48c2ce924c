//! The root secret, and what is made of it: the seal over private keys in the database, the key of form tokens, and that of
//! the mark by which an MCP session belongs to somebody.
//!
//! HKDF-SHA256 (RFC 5869) gives each purpose a key of its own. Sealing is AES-256-GCM with the place (table, row, column)
//! as additional data, so that a sealed value works nowhere else; the name of the key stands in front, so that a list of
//! secrets can be rotated: the first seals, all open.

use std::fmt;
use std::io::Write as _;
use std::iter;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::random;

/// Why there is no root secret to work with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be made or read.
    #[error("the secret file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// No secret was given.
    #[error("no root secret is set: set `secret_file` or JEAN_SECRET")]
    Missing,
    /// The library refused.
    #[error("the root secret could not be used")]
    Derivation,
}

/// The keys made of the root secrets: those of the first one seal and sign, those of all open and verify.
pub(crate) struct RootSecret {
    current: Keys,
    older: Vec<Keys>,
}

struct Keys {
    name: String,
    seal: LessSafeKey,
    form: hmac::Key,
    session: hmac::Key,
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret(redacted)")
    }
}

impl RootSecret {
    /// Derives the keys of a list of secrets: the first seals, all open.
    pub(crate) fn new(secrets: &[SecretString]) -> Result<Self, Error> {
        let (current, older) = secrets.split_first().ok_or(Error::Missing)?;
        let derive = |secret: &SecretString| Keys::derive(secret.expose_secret());
        Ok(RootSecret { current: derive(current)?, older: older.iter().map(derive).collect::<Result<_, _>>()? })
    }

    fn all(&self) -> impl Iterator<Item = &Keys> {
        iter::once(&self.current).chain(&self.older)
    }

    /// Seals `plain` for its place, which is the only one where it opens.
    pub(crate) fn seal(&self, plain: &[u8], place: &str) -> Result<String, Error> {
        let keys = &self.current;
        let nonce: [u8; 12] = random::bytes();
        let mut sealed = plain.to_vec();
        keys.seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut sealed)
            .map_err(|_| Error::Derivation)?;
        Ok(format!("{}.{}.{}", keys.name, URL_SAFE_NO_PAD.encode(nonce), URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what [`seal`](Self::seal) made for the same place; `None` where no secret of the list fits.
    pub(crate) fn open(&self, sealed: &str, place: &str) -> Option<Vec<u8>> {
        let mut parts = sealed.split('.');
        let (name, nonce, sealed) = (parts.next()?, parts.next()?, parts.next()?);
        let keys = self.all().find(|keys| keys.name == name)?;
        let nonce: [u8; 12] = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        let mut sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.seal.open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed).ok().map(|plain| plain.to_vec())
    }

    /// The same value sealed with the first secret, where it was sealed with another one of the list: so that the old
    /// secret can be retired.
    pub(crate) fn reseal(&self, sealed: &str, place: &str) -> Option<String> {
        if sealed.split('.').next() == Some(&self.current.name) {
            return None;
        }
        self.seal(&self.open(sealed, place)?, place).ok()
    }

    /// A message authentication code over `parts`, each with its length in front, so that none runs into the next.
    pub(crate) fn form_mac(&self, parts: &[&[u8]]) -> String {
        self.sign(|keys| &keys.form, parts)
    }

    /// Whether `mac` was made over the same parts with a secret of the list; in constant time.
    pub(crate) fn verify_form_mac(&self, parts: &[&[u8]], mac: &str) -> bool {
        self.verify(|keys| &keys.form, parts, mac)
    }

    /// The same as [`form_mac`](Self::form_mac), for what an MCP session belongs to.
    pub(crate) fn session_mac(&self, parts: &[&[u8]]) -> String {
        self.sign(|keys| &keys.session, parts)
    }

    /// Whether `mac` is that of [`session_mac`](Self::session_mac) with a secret of the list; in constant time.
    pub(crate) fn verify_session_mac(&self, parts: &[&[u8]], mac: &str) -> bool {
        self.verify(|keys| &keys.session, parts, mac)
    }

    fn sign(&self, key: fn(&Keys) -> &hmac::Key, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(key(&self.current), &framed(parts)))
    }

    fn verify(&self, key: fn(&Keys) -> &hmac::Key, parts: &[&[u8]], mac: &str) -> bool {
        let Ok(mac) = URL_SAFE_NO_PAD.decode(mac) else { return false };
        let message = framed(parts);
        self.all().any(|keys| hmac::verify(key(keys), &message, &mac).is_ok())
    }
}

impl Keys {
    fn derive(secret: &str) -> Result<Self, Error> {
        let root = Salt::new(HKDF_SHA256, b"jean/root/1").extract(secret.as_bytes());
        let name: [u8; 6] = expand(&root, b"name")?;
        let seal: [u8; 32] = expand(&root, b"seal")?;
        let form: [u8; 32] = expand(&root, b"form")?;
        let session: [u8; 32] = expand(&root, b"session")?;
        let seal = UnboundKey::new(&AES_256_GCM, &seal).map_err(|_| Error::Derivation)?;
        Ok(Keys {
            name: URL_SAFE_NO_PAD.encode(name),
            seal: LessSafeKey::new(seal),
            form: hmac::Key::new(hmac::HMAC_SHA256, &form),
            session: hmac::Key::new(hmac::HMAC_SHA256, &session),
        })
    }
}

fn expand<const N: usize>(root: &Prk, purpose: &[u8]) -> Result<[u8; N], Error> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut key = [0; N];
    root.expand(&[purpose], Length(N)).and_then(|okm| okm.fill(&mut key)).map_err(|_| Error::Derivation)?;
    Ok(key)
}

fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let mut message = Vec::new();
    for part in parts {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

/// The secret that stands in a file beside a SQLite database; made, readable by its owner alone, where it is missing.
pub(crate) fn beside(database: &Path) -> Result<SecretString, Error> {
    let path = database.with_extension("secret");
    let file_error = |source| Error::File { path: path.clone(), source };
    match create(&path) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let text = std::fs::read_to_string(&path).map_err(file_error)?;
            match text.trim() {
                "" => Err(file_error(std::io::Error::other("it is empty; delete it only if the database is new"))),
                secret => Ok(secret.to_owned().into()),
            }
        }
        Err(error) => Err(file_error(error)),
    }
}

/// Writes a file of its own and links it into place, so that whoever finds the name finds the whole secret.
fn create(path: &Path) -> std::io::Result<SecretString> {
    if path.exists() {
        return Err(std::io::ErrorKind::AlreadyExists.into());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("secret-{}", random::text::<6>()));
    let secret = random::text::<32>();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    linked.map(|()| secret.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn a_sealed_value_opens_in_its_place_only_and_with_any_secret_of_the_list() {
        let old = RootSecret::new(&[secret("old")]).unwrap();
        let both = RootSecret::new(&[secret("new"), secret("old")]).unwrap();
        let new = RootSecret::new(&[secret("new")]).unwrap();
        let sealed = old.seal(b"key", "signing_keys/1/sealed").unwrap();
        assert_eq!(both.open(&sealed, "signing_keys/1/sealed").unwrap(), b"key");
        assert!(both.open(&sealed, "signing_keys/2/sealed").is_none());
        assert!(new.open(&sealed, "signing_keys/1/sealed").is_none());
        assert!(new.open(&both.seal(b"key", "x").unwrap(), "x").is_some());
        assert!(old.open("", "x").is_none());
        let resealed = both.reseal(&sealed, "signing_keys/1/sealed").unwrap();
        assert_eq!(new.open(&resealed, "signing_keys/1/sealed").unwrap(), b"key");
        assert!(both.reseal(&resealed, "signing_keys/1/sealed").is_none(), "once is enough");
    }

    #[test]
    fn the_parts_of_a_form_token_do_not_run_into_each_other() {
        let root = RootSecret::new(&[secret("s")]).unwrap();
        let mac = root.form_mac(&[b"ab", b"c"]);
        assert!(root.verify_form_mac(&[b"ab", b"c"], &mac));
        assert!(!root.verify_form_mac(&[b"a", b"bc"], &mac));
        assert!(!root.verify_form_mac(&[b"ab", b"c"], ""));
        assert!(!RootSecret::new(&[secret("t")]).unwrap().verify_form_mac(&[b"ab", b"c"], &mac));
    }

    #[test]
    fn a_session_and_a_form_have_keys_of_their_own_which_outlive_a_change_of_the_secret() {
        let old = RootSecret::new(&[secret("old")]).unwrap();
        let both = RootSecret::new(&[secret("new"), secret("old")]).unwrap();
        let mac = old.session_mac(&[b"a"]);
        assert_ne!(mac, old.form_mac(&[b"a"]));
        assert!(both.verify_session_mac(&[b"a"], &mac));
        assert!(!both.verify_form_mac(&[b"a"], &mac));
        assert!(!both.verify_session_mac(&[b"b"], &mac));
    }

    #[test]
    fn the_file_beside_the_database_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("jean.db");
        let first = beside(&database).unwrap();
        assert_eq!(beside(&database).unwrap().expose_secret(), first.expose_secret());
        let file = folder.path().join("jean.secret");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap()) & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
