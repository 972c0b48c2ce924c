//! Signing keys: making them, signing with them, checking signatures, and publishing their public halves (RFC 7517).
//!
//! The only place that names `jsonwebtoken`. Each kind of token has keys of its own, which succeed one another in one line,
//! whatever their algorithm: the newest whose time has come signs, its successor is published before it signs, and a key
//! leaves the JWKS only when nothing that it signed can be valid any more. Keeping them in the database is `flow::keys`'
//! business.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::UnixTime;
use crate::config::settings::SigningAlgorithm;
use crate::oauth::error::Source;

pub mod foreign;
mod lifetimes;
mod signer;

pub use lifetimes::SignedLifetimes;
use signer::Signer;

/// Why a key or a token is no good.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no key that may sign now.
    #[error("there is no signing key")]
    NoKey,
    /// The token names no key of ours.
    #[error("the token is signed by no key of ours")]
    UnknownKey,
    /// The header is not that of a token of this kind.
    #[error("the token's header is wrong: {0}")]
    Header(&'static str),
    /// The signature or the encoding is wrong.
    #[error("the token is not genuine: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// A key could not be made, read or used.
    #[error("a signing key could not be {0}")]
    Key(&'static str, #[source] Source),
}

/// What a key signs; each has a line of succession of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Access tokens (RFC 9068).
    Access,
    /// ID tokens (OpenID Connect Core section 2).
    Id,
}

impl Purpose {
    /// Both of them.
    pub const ALL: [Purpose; 2] = [Purpose::Access, Purpose::Id];

    /// The name under which keys are kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Access => "access",
            Purpose::Id => "id",
        }
    }

    /// Reads that name.
    pub fn parse(text: &str) -> Option<Self> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    /// The `typ` of what it signs: `at+jwt` for access tokens (RFC 9068 section 2.1), so that no other JWT is taken for one.
    pub fn typ(self) -> &'static str {
        match self {
            Purpose::Access => "at+jwt",
            Purpose::Id => "JWT",
        }
    }
}

/// What a key is for, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// What it signs.
    pub purpose: Purpose,
    /// How it signs.
    pub algorithm: SigningAlgorithm,
    /// When it begins to sign.
    pub sign_from: UnixTime,
    /// Whether it was withdrawn.
    pub revoked: bool,
}

/// One key pair.
pub struct Key {
    /// What it is for.
    pub role: Role,
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The public half, as the JWKS lists it.
    pub public: Value,
    /// The header of all that it signs, encoded.
    header: String,
    signer: Signer,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("kid", &self.kid).field("role", &self.role).finish_non_exhaustive()
    }
}

/// A new key pair, not in use yet: the private half as PKCS#8.
pub struct NewKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// The public half, as the JWKS lists it.
    pub public: Value,
    /// The private half.
    pub pkcs8: Vec<u8>,
}

impl NewKey {
    /// Makes a key pair. An RSA key has 2048 bits and takes a moment.
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Self, Error> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let pkcs8 = match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(made)?.as_ref().to_vec()
            }
            // Version 1: what makes a JWK of the key cannot read version 2.
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate_pkcs8v1(&random).map_err(made)?.as_ref().to_vec(),
            SigningAlgorithm::Rs256 => {
                RsaKeyPair::generate(KeySize::Rsa2048).and_then(|pair| pair.as_der()).map_err(made)?.as_ref().to_vec()
            }
        };
        let key = encoding_key(algorithm, &pkcs8).map_err(made)?;
        let mut jwk = Jwk::from_encoding_key(&key, algorithm.into()).map_err(made)?;
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(made)?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        // One of the two says enough (RFC 7517 section 4.3).
        jwk.common.key_operations = None;
        let public = serde_json::to_value(&jwk).map_err(made)?;
        Ok(NewKey { kid, public, pkcs8 })
    }
}

impl Key {
    /// Reads a key pair back, and parses it once for all that it will sign.
    pub fn read(role: Role, public: &str, pkcs8: &[u8]) -> Result<Self, Error> {
        let jwk: Jwk = serde_json::from_str(public).map_err(read)?;
        let kid = jwk.common.key_id.clone().ok_or("it has no kid").map_err(read)?;
        let mut header = Header::new(role.algorithm.into());
        header.typ = Some(role.purpose.typ().to_owned());
        header.kid = Some(kid.clone());
        Ok(Key {
            role,
            kid,
            public: serde_json::to_value(&jwk).map_err(read)?,
            header: signer::encode(&header)?,
            signer: Signer::parse(role.algorithm, pkcs8)?,
            decoding: DecodingKey::from_jwk(&jwk).map_err(read)?,
        })
    }
}

fn made(error: impl Into<Source>) -> Error {
    Error::Key("made", error.into())
}

fn read(error: impl Into<Source>) -> Error {
    Error::Key("read", error.into())
}

fn encoding_key(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<EncodingKey, jsonwebtoken::errors::Error> {
    Ok(match algorithm {
        SigningAlgorithm::Es256 => EncodingKey::from_ec_der(pkcs8),
        SigningAlgorithm::EdDsa => EncodingKey::from_ed_der(pkcs8),
        // Only the PEM reader takes PKCS#8; the DER one wants PKCS#1.
        SigningAlgorithm::Rs256 => {
            let lines: Vec<String> = STANDARD
                .encode(pkcs8)
                .as_bytes()
                .chunks(64)
                .map(|line| String::from_utf8_lossy(line).into_owned())
                .collect();
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
            EncodingKey::from_rsa_pem(pem.as_bytes())?
        }
    })
}

impl From<SigningAlgorithm> for Algorithm {
    fn from(algorithm: SigningAlgorithm) -> Self {
        match algorithm {
            SigningAlgorithm::Es256 => Algorithm::ES256,
            SigningAlgorithm::EdDsa => Algorithm::EdDSA,
            SigningAlgorithm::Rs256 => Algorithm::RS256,
        }
    }
}

/// The keys in their succession, as one process knows them.
#[derive(Clone, Debug, Default)]
pub struct KeyRing(Vec<Arc<Key>>);

impl KeyRing {
    /// Orders the keys by the time from which each signs.
    pub fn new(mut keys: Vec<Arc<Key>>) -> Self {
        keys.sort_by_key(|key| key.role.sign_from);
        KeyRing(keys)
    }

    /// The key of this id, where it is there to be reused by the next ring.
    pub fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| key.kid == kid)
    }

    /// The keys of one purpose that are not revoked, in their succession.
    fn line(&self, purpose: Purpose) -> impl DoubleEndedIterator<Item = &Key> + Clone {
        self.0.iter().map(Arc::as_ref).filter(move |key| key.role.purpose == purpose && !key.role.revoked)
    }

    /// The newest key, which may not sign yet.
    pub fn newest(&self, purpose: Purpose) -> Option<&Key> {
        self.line(purpose).next_back()
    }

    /// The key that signs now: the newest whose time has come. By a clock behind the one that made the first key none has
    /// come yet; then it is the first.
    pub fn signer(&self, purpose: Purpose, now: UnixTime) -> Option<&Key> {
        let first = self.line(purpose).next();
        self.line(purpose).rfind(|key| key.role.sign_from <= now).or(first)
    }

    /// The keys whose signatures count now: all that are not revoked, and whose successor has not signed for longer than
    /// `longest`, the longest life of anything signed, and ten minutes.
    pub fn published(&self, purpose: Purpose, now: UnixTime, longest: Duration) -> impl Iterator<Item = &Key> {
        let margin = longest + Duration::from_secs(600);
        let successors = self.line(purpose).skip(1).map(Some).chain([None]);
        self.line(purpose).zip(successors).filter_map(move |(key, successor)| {
            let retired = successor.is_some_and(|successor| successor.role.sign_from + margin < now);
            (!retired).then_some(key)
        })
    }

    /// The JSON Web Key Set (RFC 7517 section 5): the keys of every purpose.
    pub fn jwks(&self, now: UnixTime, longest: Duration) -> Value {
        let published = Purpose::ALL.into_iter().flat_map(|purpose| self.published(purpose, now, longest));
        serde_json::json!({ "keys": published.map(|key| key.public.clone()).collect::<Vec<_>>() })
    }

    /// Signs `claims` as a JWT for this purpose.
    pub fn sign(&self, purpose: Purpose, claims: &impl Serialize, now: UnixTime) -> Result<String, Error> {
        let key = self.signer(purpose, now).ok_or(Error::NoKey)?;
        key.signer.jwt(&key.header, claims)
    }

    /// Checks `typ`, `kid`, `alg` and the signature of a JWT for this purpose. What the claims say is the caller's to judge,
    /// times included.
    pub fn verify<C: DeserializeOwned>(
        &self,
        purpose: Purpose,
        token: &str,
        now: UnixTime,
        longest: Duration,
    ) -> Result<(String, C), Error> {
        let header = jsonwebtoken::decode_header(token)?;
        let (typ, found) = (purpose.typ(), header.typ.as_deref().ok_or(Error::Header("typ"))?);
        if !found.eq_ignore_ascii_case(typ) && !found.eq_ignore_ascii_case(&format!("application/{typ}")) {
            return Err(Error::Header("typ"));
        }
        let kid = header.kid.as_deref().ok_or(Error::Header("kid"))?;
        let key = self.published(purpose, now, longest).find(|key| key.kid == kid).ok_or(Error::UnknownKey)?;
        let token = jsonwebtoken::decode::<C>(token, &key.decoding, &signature_alone(key.role.algorithm.into()))?;
        Ok((key.kid.clone(), token.claims))
    }
}

/// What a signature is held against: the one algorithm. What the claims say is judged elsewhere.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    validation
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LONGEST: Duration = Duration::from_secs(3600);

    fn key(purpose: Purpose, algorithm: SigningAlgorithm, sign_from: i64) -> Arc<Key> {
        let new = NewKey::generate(algorithm).unwrap();
        let role = Role { purpose, algorithm, sign_from: UnixTime(sign_from), revoked: false };
        let key = Key::read(role, &new.public.to_string(), &new.pkcs8).unwrap();
        assert_eq!(key.kid, new.kid);
        Arc::new(key)
    }

    fn access(algorithm: SigningAlgorithm, sign_from: i64) -> Arc<Key> {
        key(Purpose::Access, algorithm, sign_from)
    }

    #[test]
    fn every_algorithm_signs_and_verifies() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256] {
            let ring = KeyRing::new(vec![access(algorithm, 0)]);
            let token = ring.sign(Purpose::Access, &json!({ "sub": "ada" }), UnixTime(1)).unwrap();
            let verify = |ring: &KeyRing, token: &str| {
                ring.verify::<Value>(Purpose::Access, token, UnixTime(1), LONGEST).map(|(_, claims)| claims)
            };
            assert_eq!(verify(&ring, &token).unwrap()["sub"], "ada");
            let jwks = ring.jwks(UnixTime(1), LONGEST);
            assert_eq!(jwks["keys"][0]["alg"], algorithm.as_str());
            assert_eq!(jwks["keys"][0]["use"], "sig");
            assert!(jwks["keys"][0].get("d").is_none(), "the private half is not published");
            let (head, signature) = token.rsplit_once('.').unwrap();
            assert!(verify(&ring, &format!("{head}x.{signature}")).is_err());
            assert!(verify(&KeyRing::new(vec![access(algorithm, 0)]), &token).is_err(), "a stranger's key");
        }
    }

    /// Each part is what the library makes of it; EdDSA and RS256 sign the same message alike each time.
    #[test]
    fn a_token_is_byte_for_byte_what_jsonwebtoken_makes() {
        let claims = json!({ "sub": "ada", "name": "Zo\u{eb}", "exp": 1 });
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256] {
            for purpose in Purpose::ALL {
                let new = NewKey::generate(algorithm).unwrap();
                let role = Role { purpose, algorithm, sign_from: UnixTime(0), revoked: false };
                let key = Key::read(role, &new.public.to_string(), &new.pkcs8).unwrap();
                let token = KeyRing::new(vec![Arc::new(key)]).sign(purpose, &claims, UnixTime(1)).unwrap();
                let mut header = Header::new(algorithm.into());
                header.typ = Some(purpose.typ().to_owned());
                header.kid = Some(new.kid.clone());
                let encoding = encoding_key(algorithm, &new.pkcs8).unwrap();
                let expected = jsonwebtoken::encode(&header, &claims, &encoding).unwrap();
                let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
                let (token, expected) = (parts(&token), parts(&expected));
                assert_eq!((token.len(), &token[..2]), (3, &expected[..2]), "{algorithm:?}");
                assert_eq!(token[2].len(), expected[2].len(), "{algorithm:?}");
                assert_eq!(token[2] == expected[2], algorithm != SigningAlgorithm::Es256, "{algorithm:?}");
            }
        }
    }

    #[test]
    fn a_private_key_is_parsed_when_it_is_read_and_not_when_it_signs() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256] {
            let mut new = NewKey::generate(algorithm).unwrap();
            new.pkcs8.truncate(40);
            let role = Role { purpose: Purpose::Access, algorithm, sign_from: UnixTime(0), revoked: false };
            let key = Key::read(role, &new.public.to_string(), &new.pkcs8);
            assert!(matches!(key, Err(Error::Key("read", _))), "{algorithm:?}: {key:?}");
        }
    }

    #[test]
    fn a_successor_is_published_before_it_signs_and_the_old_key_stays_until_its_tokens_are_dead() {
        let (old, new) = (access(SigningAlgorithm::Es256, 0), access(SigningAlgorithm::EdDsa, 1000));
        let ring = KeyRing::new(vec![new.clone(), old.clone()]);
        let published = |now| ring.published(Purpose::Access, UnixTime(now), LONGEST);
        let kids = |now| published(now).map(|key| key.kid.clone()).collect::<Vec<_>>();
        let signer = |now| ring.signer(Purpose::Access, UnixTime(now)).unwrap().kid.clone();
        assert_eq!(signer(999), old.kid);
        assert_eq!(kids(999).len(), 2);
        assert_eq!(signer(1000), new.kid);
        assert_eq!(kids(1000 + 3600 + 600).len(), 2);
        assert_eq!(kids(1000 + 3600 + 601).join(" "), new.kid);
    }

    #[test]
    fn each_purpose_has_its_own_line_and_one_key_set() {
        let (first, second) = (access(SigningAlgorithm::Es256, 0), access(SigningAlgorithm::Rs256, 2000));
        let id = key(Purpose::Id, SigningAlgorithm::Rs256, 1000);
        let ring = KeyRing::new(vec![first.clone(), second.clone(), id.clone()]);
        let now = UnixTime(1500);
        assert_eq!(ring.signer(Purpose::Access, now).unwrap().kid, first.kid, "a newer key of another purpose");
        assert_eq!(ring.signer(Purpose::Id, UnixTime(9000)).unwrap().kid, id.kid);
        assert_eq!(ring.newest(Purpose::Id).unwrap().kid, id.kid);
        let kids = |now| ring.jwks(UnixTime(now), LONGEST)["keys"].as_array().unwrap().len();
        assert_eq!((kids(1500), kids(2000 + 3600 + 601)), (3, 2), "only the first has retired");
    }

    #[test]
    fn what_was_signed_for_one_purpose_is_not_taken_for_another() {
        let ring = KeyRing::new(Purpose::ALL.map(|purpose| key(purpose, SigningAlgorithm::Rs256, 0)).to_vec());
        let now = UnixTime(1);
        for (purpose, other) in [(Purpose::Access, Purpose::Id), (Purpose::Id, Purpose::Access)] {
            let token = ring.sign(purpose, &json!({}), now).unwrap();
            assert!(ring.verify::<Value>(purpose, &token, now, LONGEST).is_ok());
            let refused = ring.verify::<Value>(other, &token, now, LONGEST);
            assert!(matches!(refused, Err(Error::Header("typ"))), "{refused:?}");
            // The right typ does not help: the key is of the other line.
            let key = ring.signer(purpose, now).unwrap();
            let header =
                Header { typ: Some(other.typ().into()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::RS256) };
            let token = key.signer.jwt(&signer::encode(&header).unwrap(), &json!({})).unwrap();
            let refused = ring.verify::<Value>(other, &token, now, LONGEST);
            assert!(matches!(refused, Err(Error::UnknownKey)), "{refused:?}");
        }
    }
}
