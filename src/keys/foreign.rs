//! JWTs that clients sign with their own keys: assertions (RFC 7523).
//!
//! Unverified claims are used only to find out whose keys verify the token.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::signer::signature_alone;

/// The signature algorithms that are accepted from clients, by their names on the wire: asymmetric ones only.
pub(crate) const ALGORITHMS: [&str; 5] = ["ES256", "EdDSA", "PS256", "RS256", "ES384"];

/// How many keys of a set are tried: each costs time, and unknown clients supply sets and signatures. A token that names its
/// key needs one.
const TRIED: usize = 10;

/// A JWT whose signature is not verified yet.
pub(crate) struct UnverifiedToken<'a> {
    text: &'a str,
    header: Header,
}

impl<'a> UnverifiedToken<'a> {
    /// Parses the header. It must have an accepted algorithm, and no critical parameter that is not understood (RFC 7515
    /// section 4.1.11).
    pub(crate) fn parse(text: &'a str) -> Result<Self, Error> {
        let header = jsonwebtoken::decode_header(text)?;
        if !ALGORITHMS.iter().any(|name| name.parse::<Algorithm>().is_ok_and(|known| known == header.alg)) {
            return Err(Error::Header("alg"));
        }
        if header.crit.is_some() {
            return Err(Error::Header("crit"));
        }
        Ok(UnverifiedToken { text, header })
    }

    /// The claims, unverified.
    pub(crate) fn unverified_claims<C: DeserializeOwned>(&self) -> Result<C, Error> {
        Ok(jsonwebtoken::dangerous::insecure_decode::<C>(self.text)?.claims)
    }

    /// Whether, by its header, no key of this JWK Set can have signed it: the set may be outdated.
    pub(crate) fn is_missing_from(&self, jwks: &Value) -> bool {
        !keys(jwks).any(|jwk| self.may_be_signed_by(&jwk))
    }

    /// Verifies the signature by the keys of a JWK Set, and returns the claims. Keys of unknown kinds are skipped.
    pub(crate) fn verify<C: DeserializeOwned>(&self, jwks: &Value) -> Result<C, Error> {
        let validation = signature_alone(self.header.alg);
        let mut refused = Error::UnknownKey;
        for jwk in keys(jwks).filter(|jwk| self.may_be_signed_by(jwk)).take(TRIED) {
            let Ok(key) = DecodingKey::from_jwk(&jwk) else { continue };
            match jsonwebtoken::decode::<C>(self.text, &key, &validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => refused = error.into(),
            }
        }
        Err(refused)
    }

    /// Whether the key fits: it is the one that the header names, or the header names none; it is for signatures, and for
    /// this algorithm.
    fn may_be_signed_by(&self, jwk: &Jwk) -> bool {
        let common = &jwk.common;
        let named = self.header.kid.is_none() || common.key_id == self.header.kid;
        let signs = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
        let fits =
            common.key_algorithm.is_none_or(|algorithm| Algorithm::try_from(algorithm).ok() == Some(self.header.alg));
        named && signs && fits
    }
}

/// The keys of a JWK Set that can be parsed.
fn keys(jwks: &Value) -> impl Iterator<Item = Jwk> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    keys.into_iter().flatten().filter_map(|key| serde_json::from_value(key.clone()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::SigningAlgorithm;
    use crate::keys::key::{NewKey, encoding_key};
    use serde_json::json;

    #[test]
    fn what_is_signed_by_any_kind_of_key_is_read_and_by_no_other_key() {
        for algorithm in [SigningAlgorithm::Es256, SigningAlgorithm::EdDsa, SigningAlgorithm::Rs256] {
            let (new, other) = (NewKey::generate(algorithm).unwrap(), NewKey::generate(algorithm).unwrap());
            let mut header = Header::new(algorithm.into());
            header.kid = Some(new.kid.clone());
            let key = encoding_key(algorithm, &new.pkcs8).unwrap();
            let signed = jsonwebtoken::encode(&header, &json!({ "jti": "1" }), &key).unwrap();
            let token = UnverifiedToken::parse(&signed).unwrap();
            let claims: Value = token.verify(&json!({ "keys": [other.public, new.public] })).unwrap();
            assert_eq!(claims["jti"], "1");
            assert!(token.verify::<Value>(&json!({ "keys": [other.public] })).is_err());
            assert!(token.is_missing_from(&json!({ "keys": [other.public] })));
            let mut without_kid = other.public.clone();
            without_kid.as_object_mut().unwrap().remove("kid");
            assert!(token.verify::<Value>(&json!({ "keys": [without_kid] })).is_err());
            for nothing in [json!({}), json!({ "keys": [] }), json!({ "keys": "x" }), json!([])] {
                assert!(matches!(token.verify::<Value>(&nothing), Err(Error::UnknownKey)));
            }
        }
    }
}
