//! The key ring: all keys, in their succession.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::key::{Key, Purpose};
use super::signer::signature_alone;
use crate::clock::UnixTime;

/// Decides whether the signatures of a key still count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Horizon {
    pub now: UnixTime,
    /// The longest lifetime of any token that is signed now, or was signed and may be valid.
    pub longest: Duration,
}

/// A verified JWT.
#[derive(Debug)]
pub(crate) struct Signed<C> {
    /// The id of the key that signed it.
    pub kid: String,
    pub claims: C,
}

/// The keys in their succession, as this process knows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRing(Vec<Arc<Key>>);

impl KeyRing {
    /// Orders the keys by the time from which each signs.
    pub(crate) fn new(mut keys: Vec<Arc<Key>>) -> Self {
        keys.sort_by_key(|key| key.role.sign_from);
        KeyRing(keys)
    }

    /// The key of this id, so that the next ring can reuse it.
    pub(crate) fn find(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| key.kid == kid)
    }

    /// The keys of one purpose that are not revoked, in their succession.
    fn line(&self, purpose: Purpose) -> impl DoubleEndedIterator<Item = &Key> + Clone {
        self.0.iter().map(Arc::as_ref).filter(move |key| key.role.purpose == purpose && !key.role.revoked)
    }

    /// The newest key. It may not sign yet.
    pub(crate) fn newest(&self, purpose: Purpose) -> Option<&Key> {
        self.line(purpose).next_back()
    }

    /// The key that signs now: the newest whose `sign_from` has passed. If this clock is behind the one that made the first
    /// key, none has; then it is the first.
    pub(crate) fn signer(&self, purpose: Purpose, now: UnixTime) -> Option<&Key> {
        let first = self.line(purpose).next();
        self.line(purpose).rfind(|key| key.role.sign_from <= now).or(first)
    }

    /// The keys whose signatures count now: those that are not revoked, and whose successor has signed for no longer than
    /// the longest lifetime of signed tokens plus ten minutes.
    pub(crate) fn published(&self, purpose: Purpose, horizon: Horizon) -> impl Iterator<Item = &Key> {
        let Horizon { now, longest } = horizon;
        let margin = longest + Duration::from_secs(600);
        let successors = self.line(purpose).skip(1).map(Some).chain([None]);
        self.line(purpose).zip(successors).filter_map(move |(key, successor)| {
            let retired = successor.is_some_and(|successor| successor.role.sign_from + margin < now);
            (!retired).then_some(key)
        })
    }

    /// The JSON Web Key Set (RFC 7517 section 5): the keys of every purpose.
    pub(crate) fn jwks(&self, horizon: Horizon) -> Value {
        let published = Purpose::ALL.into_iter().flat_map(|purpose| self.published(purpose, horizon));
        serde_json::json!({ "keys": published.map(|key| key.public.clone()).collect::<Vec<_>>() })
    }

    /// Signs `claims` as a JWT of this purpose.
    pub(crate) fn sign(&self, purpose: Purpose, claims: &impl Serialize, now: UnixTime) -> Result<String, Error> {
        let key = self.signer(purpose, now).ok_or(Error::NoKey)?;
        key.signer.jwt(&key.header, claims)
    }

    /// Verifies `typ`, `kid`, `alg` and the signature of a JWT of this purpose. The caller must judge the claims, including
    /// their times.
    pub(crate) fn verify<C: DeserializeOwned>(
        &self,
        purpose: Purpose,
        token: &str,
        horizon: Horizon,
    ) -> Result<Signed<C>, Error> {
        let header = jsonwebtoken::decode_header(token)?;
        let (typ, found) = (purpose.typ(), header.typ.as_deref().ok_or(Error::Header("typ"))?);
        if !found.eq_ignore_ascii_case(typ) && !found.eq_ignore_ascii_case(&format!("application/{typ}")) {
            return Err(Error::Header("typ"));
        }
        let kid = header.kid.as_deref().ok_or(Error::Header("kid"))?;
        let key = self.published(purpose, horizon).find(|key| key.kid == kid).ok_or(Error::UnknownKey)?;
        let token = jsonwebtoken::decode::<C>(token, &key.decoding, &signature_alone(key.role.algorithm.into()))?;
        Ok(Signed { kid: key.kid.clone(), claims: token.claims })
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, Header};
    use serde_json::json;

    use super::super::key::{NewKey, Role, encoding_key};
    use super::super::signer;
    use super::*;
    use crate::config::settings::SigningAlgorithm;

    fn at(now: i64) -> Horizon {
        Horizon { now: UnixTime(now), longest: Duration::from_secs(3600) }
    }

    fn key(purpose: Purpose, algorithm: SigningAlgorithm, sign_from: i64) -> Arc<Key> {
        let new = NewKey::generate(algorithm).unwrap();
        let role = Role { purpose, algorithm, sign_from: UnixTime(sign_from), revoked: false };
        let key = Key::parse(role, &new.public.to_string(), &new.pkcs8).unwrap();
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
                ring.verify::<Value>(Purpose::Access, token, at(1)).map(|signed| signed.claims)
            };
            assert_eq!(verify(&ring, &token).unwrap()["sub"], "ada");
            let jwks = ring.jwks(at(1));
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
                let key = Key::parse(role, &new.public.to_string(), &new.pkcs8).unwrap();
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
            let key = Key::parse(role, &new.public.to_string(), &new.pkcs8);
            assert!(matches!(key, Err(Error::Key("read", _))), "{algorithm:?}: {key:?}");
        }
    }

    #[test]
    fn a_successor_is_published_before_it_signs_and_the_old_key_stays_until_its_tokens_are_dead() {
        let (old, new) = (access(SigningAlgorithm::Es256, 0), access(SigningAlgorithm::EdDsa, 1000));
        let ring = KeyRing::new(vec![new.clone(), old.clone()]);
        let published = |now| ring.published(Purpose::Access, at(now));
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
        let kids = |now| ring.jwks(at(now))["keys"].as_array().unwrap().len();
        assert_eq!((kids(1500), kids(2000 + 3600 + 601)), (3, 2), "only the first has retired");
    }

    #[test]
    fn what_was_signed_for_one_purpose_is_not_taken_for_another() {
        let ring = KeyRing::new(Purpose::ALL.map(|purpose| key(purpose, SigningAlgorithm::Rs256, 0)).to_vec());
        let now = UnixTime(1);
        for (purpose, other) in [(Purpose::Access, Purpose::Id), (Purpose::Id, Purpose::Access)] {
            let token = ring.sign(purpose, &json!({}), now).unwrap();
            assert!(ring.verify::<Value>(purpose, &token, at(1)).is_ok());
            let refused = ring.verify::<Value>(other, &token, at(1));
            assert!(matches!(refused, Err(Error::Header("typ"))), "{refused:?}");
            // The right typ does not help: the key is of the other line.
            let key = ring.signer(purpose, now).unwrap();
            let header =
                Header { typ: Some(other.typ().into()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::RS256) };
            let token = key.signer.jwt(&signer::encode(&header).unwrap(), &json!({})).unwrap();
            let refused = ring.verify::<Value>(other, &token, at(1));
            assert!(matches!(refused, Err(Error::UnknownKey)), "{refused:?}");
        }
    }
}
