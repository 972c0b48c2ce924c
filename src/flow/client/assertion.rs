//! Clients that authenticate by a JWT that they sign, `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core
//! section 9).
//!
//! The assertion must name the client as its issuer and subject and this server as its only audience. It lives for an
//! hour at most and works once on all replicas: its `jti` is stored until the assertion has expired.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::clock::UnixTime;
use crate::fetch::Wanted;
use crate::flow::app::{App, FetchedKeys, KeySet};
use crate::keys::foreign::UnverifiedToken;
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::jwks::Jwks;
use crate::oauth::params::Params;
use crate::oauth::token::TokenHash;

/// `client_assertion_type` (RFC 7523 section 2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest life of an assertion, in seconds: its `jti` has to be stored for that long.
const LONGEST: i64 = 3600;

/// How far a client's clock may be from ours, in seconds.
const SKEW: i64 = 60;

/// The longest assertion, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// The largest key set at a `jwks_uri`, in bytes.
const MAX_KEY_SET: usize = 32 * 1024;

/// The shortest time that a key set serves, whatever its headers say.
const MIN_LIFETIME: Duration = Duration::from_secs(60);

/// The longest time that a key set serves, whatever its headers say: a key that was removed from it may be accepted for that
/// long.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// An unverified assertion.
pub(crate) struct Assertion {
    /// The client that it names, unverified.
    pub client: ClientId,
    jwt: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(deserialize_with = "seconds")]
    exp: i64,
    #[serde(default, deserialize_with = "some_seconds")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "some_seconds")]
    iat: Option<i64>,
    jti: String,
}

/// A NumericDate, which may have a fraction (RFC 7519 section 2): some libraries send one.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    f64::deserialize(deserializer).map(|seconds| seconds as i64)
}

fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::<f64>::deserialize(deserializer).map(|seconds| seconds.map(|seconds| seconds as i64))
}

/// `aud` is a string or a list (RFC 7519 section 4.1.3). A list of several could be replayed at the others.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List([String; 1]),
}

impl Audience {
    fn as_str(&self) -> &str {
        match self {
            Audience::One(audience) | Audience::List([audience]) => audience,
        }
    }
}

/// Parses the assertion that a request carries.
pub(crate) fn parse(params: &Params) -> Result<Option<Assertion>, Error> {
    let assertion = match (params.one("client_assertion")?, params.one("client_assertion_type")?) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(Error::invalid_client("client_assertion is missing.")),
        (Some(assertion), Some(ASSERTION_TYPE)) => assertion,
        (Some(_), _) => {
            return Err(Error::invalid_client(format!("client_assertion_type must be {ASSERTION_TYPE}.")));
        }
    };
    if assertion.len() > MAX_LENGTH {
        return Err(Error::invalid_client(format!("client_assertion is longer than {MAX_LENGTH} bytes.")));
    }
    let claims: Claims =
        UnverifiedToken::parse(assertion).and_then(|token| token.unverified_claims()).map_err(invalid)?;
    let client = ClientId::from_stored(&claims.sub)
        .ok_or_else(|| Error::invalid_client("The assertion's sub is no client_id."))?;
    Ok(Some(Assertion { client, jwt: assertion.to_owned() }))
}

/// Verifies the assertion of `client` and spends it. Every fault of the assertion is `invalid_client`.
pub(crate) async fn verify(app: &App, client: &Client, assertion: &Assertion, now: UnixTime) -> Result<(), Error> {
    let token = UnverifiedToken::parse(&assertion.jwt).map_err(invalid)?;
    // Before the signature, since its keys may have to be fetched: an assertion with wrong claims must not cause a request.
    judge(app, client, &token.unverified_claims().map_err(invalid)?, now)?;
    let (jwks, set) = match (&client.metadata.jwks, &client.metadata.jwks_uri) {
        (Some(jwks), _) => (jwks.clone(), None),
        (None, Some(uri)) => {
            let set = app.client_keys.of(uri);
            (keys(app, &set, &token, now).await?, Some(set))
        }
        (None, None) => return Err(Error::invalid_client("The client has no keys.")),
    };
    let claims: Claims = token.verify(&jwks.to_value()).map_err(invalid)?;
    if let Some(receipt) = set.and_then(|set| set.take_receipt()) {
        app.fetch.prove(&receipt, now);
    }
    let until = judge(app, client, &claims, now)?;
    let jti = TokenHash::of(claims.jti.as_bytes());
    match app.store.spend_jti(client.id.as_str(), &jti, until).await? {
        true => Ok(()),
        false => Err(Error::invalid_client("The assertion was used before.")),
    }
}

/// The rules of RFC 7523 section 3. Returns until when the assertion could be replayed, so its `jti` is stored until then.
fn judge(app: &App, client: &Client, claims: &Claims, now: UnixTime) -> Result<UnixTime, Error> {
    let issuer = &app.settings.issuer;
    let refuse = |why: &'static str| Err(Error::invalid_client(format!("The assertion's {why} (RFC 7523 section 3).")));
    if claims.iss != client.id.as_str() || claims.sub != client.id.as_str() {
        return refuse("iss and sub must be the client_id");
    }
    // The audience should be the issuer; many clients still send the token endpoint.
    if claims.aud.as_str() != issuer.as_str() && claims.aud.as_str() != issuer.at("/oauth/token") {
        return refuse("aud must be this server's issuer");
    }
    if claims.exp <= now.0.saturating_sub(SKEW) {
        return refuse("exp has passed");
    }
    if claims.exp > now.0.saturating_add(LONGEST + SKEW) {
        return refuse("exp is more than an hour ahead");
    }
    if [claims.nbf, claims.iat].into_iter().flatten().any(|from| from > now.0.saturating_add(SKEW)) {
        return refuse("nbf or iat is in the future");
    }
    if claims.jti.is_empty() {
        return refuse("jti is empty");
    }
    Ok(UnixTime(claims.exp + SKEW))
}

/// The keys at a `jwks_uri`, fetched again if the token's key is not among them.
///
/// A key set serves for a day at most after its host last sent it, and ends at once if the host says that it is gone (404 or
/// 410). From then on the client cannot authenticate until the host sends keys again; its grants stay.
async fn keys(app: &App, set: &KeySet, token: &UnverifiedToken<'_>, now: UnixTime) -> Result<Jwks, Error> {
    let serves = |jwks: &Jwks| !token.is_missing_from(&jwks.to_value());
    if let Some(jwks) = set.fresh(now).filter(serves) {
        return Ok(jwks);
    }
    let _turn = set.asking.lock().await;
    if let Some(jwks) = set.fresh(now).filter(serves) {
        return Ok(jwks);
    }
    let mut failure = Error::new(ErrorCode::TryLater, "The client's keys could not be read a moment ago.");
    if set.may_ask(now) {
        match fetch_keys(app, &set.uri, now).await {
            Ok(fetched) => {
                let jwks = fetched.jwks.clone();
                set.keep(fetched, now);
                return Ok(jwks);
            }
            Err(Unread { is_gone: true, error }) => {
                set.end();
                failure = error;
            }
            Err(Unread { error, .. }) if set.had_keys() => {
                failure = Error { code: ErrorCode::TryLater, ..error };
            }
            Err(Unread { error, .. }) => failure = error,
        }
        // The missing key may be a new one that the host cannot send now.
        return set.last(now).filter(serves).ok_or(failure);
    }
    set.last(now).ok_or(failure)
}

/// Why a key set could not be fetched.
struct Unread {
    error: Error,
    /// Whether the host says that it is gone.
    is_gone: bool,
}

/// Fetches a key set, by the rules for all URLs supplied by clients.
async fn fetch_keys(app: &App, uri: &str, now: UnixTime) -> Result<FetchedKeys, Unread> {
    let unreadable = |code, why: &dyn fmt::Display| {
        Error::new(code, format!("The client's keys at its jwks_uri cannot be read: {why}."))
    };
    let fetched = app.fetch.get(Wanted { url: uri, most: MAX_KEY_SET, known: false }, now).await.map_err(|error| {
        let is_gone = error.is_gone();
        let passing = if is_gone || error.passes() { ErrorCode::TryLater } else { ErrorCode::InvalidClient };
        Unread { is_gone, error: unreadable(passing, &error).because(error) }
    })?;
    let jwks = serde_json::from_slice::<Value>(&fetched.body).ok();
    let jwks = jwks.filter(|jwks| jwks.get("keys").is_some_and(Value::is_array)).ok_or_else(|| Unread {
        is_gone: false,
        error: unreadable(ErrorCode::InvalidClient, &"there is no JWK Set"),
    })?;
    let lifetime = fetched.lifetime.clamp(MIN_LIFETIME, MAX_LIFETIME);
    Ok(FetchedKeys { jwks: Jwks::new(&jwks), lifetime, receipt: fetched.receipt })
}

/// The error for a faulty token. It names the fault, and repeats nothing of the token's content.
fn invalid(error: crate::keys::Error) -> Error {
    Error::invalid_client(format!("The assertion is no good: {error}."))
}
