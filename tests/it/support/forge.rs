//! Tokens that jean never made: signed with keys of the test's own, or with jean's, whose seal the test opens because it
//! chose the root secret.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{SECRET, World};

/// An ES256 key to sign with.
pub(crate) struct Forge {
    pub kid: String,
    pub public: Value,
    key: EncodingKey,
}

impl Forge {
    /// jean's own newest key for access tokens.
    pub(crate) async fn of(world: &World) -> Self {
        let sql = "SELECT alg, CAST(slot AS TEXT), kid, public_jwk, sealed FROM signing_keys WHERE purpose = 'access' \
                   ORDER BY sign_from DESC";
        let row = world.row(sql).await;
        let [alg, slot, kid, public, sealed] = row.as_slice() else { panic!("five columns") };
        let pkcs8 = open(sealed, &format!("signing_keys/{alg}/{slot}/sealed"));
        let public = serde_json::from_str(public).expect("a JWK");
        Forge { kid: kid.clone(), public, key: EncodingKey::from_ec_der(&pkcs8) }
    }

    /// A key that is nobody's, under this name.
    pub(crate) fn foreign(kid: &str) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let key = EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref());
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public half");
        jwk.common.key_id = Some(kid.to_owned());
        Forge { kid: kid.to_owned(), public: serde_json::to_value(jwk).expect("JSON"), key }
    }

    /// The header of an access token of this key.
    pub(crate) fn header(&self) -> Header {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".into());
        header.kid = Some(self.kid.clone());
        header
    }

    /// Signs an access token.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// Signs under another header.
    pub(crate) fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("it signs")
    }
}

/// The claims of a JWT, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The key that a JWT names.
pub(crate) fn kid(token: &str) -> String {
    part(token, 0)["kid"].as_str().expect("a kid").to_owned()
}

/// The claims with one of them replaced, or left out where the value is null.
pub(crate) fn with(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("an object");
    match value {
        Value::Null => object.remove(name),
        value => object.insert(name.to_owned(), value),
    };
    claims
}

/// A JWT under `{"alg":"none"}`, which has no signature (RFC 7519 section 6.1).
pub(crate) fn unsigned(kid: &str, claims: &Value) -> String {
    let header = json!({ "alg": "none", "typ": "at+jwt", "kid": kid });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", encode(&header), encode(claims))
}

fn part(token: &str, i: usize) -> Value {
    let part = token.split('.').nth(i).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// AES-256-GCM with a key of HKDF-SHA256 from the root secret: `key name.nonce.sealed`, for its place only.
fn open(sealed: &str, place: &str) -> Vec<u8> {
    struct Length;
    impl KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let root = Salt::new(HKDF_SHA256, b"jean/root/1").extract(SECRET.as_bytes());
    let mut key = [0; 32];
    root.expand(&[b"seal"], Length).and_then(|okm| okm.fill(&mut key)).expect("a key");
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a key"));
    let parts: Vec<&str> = sealed.split('.').collect();
    let [_, nonce, sealed] = parts.as_slice() else { panic!("three parts") };
    let nonce = URL_SAFE_NO_PAD.decode(nonce).expect("base64url").try_into().expect("twelve bytes");
    let mut sealed = URL_SAFE_NO_PAD.decode(sealed).expect("base64url");
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut sealed).expect("the seal opens").to_vec()
}
