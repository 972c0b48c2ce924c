//! Verifies ID tokens (OpenID Connect Core section 3.1.3.7).
//!
//! The library does most of it. This module decides what the library leaves open: the algorithms, how far clocks may differ,
//! and what a token for several audiences must contain. Whether the sign-in is fresh enough is judged for valid tokens only.

use std::time::{Duration, SystemTime};

use openidconnect::core::CoreJwsSigningAlgorithm;
use openidconnect::{ClaimsVerificationError, ClientId, IdTokenVerifier, Nonce};

use super::attempt::Attempt;
use super::error::Error;
use super::library::{IdToken, IdTokenClaims, Metadata};
use crate::clock::UnixTime;

/// How far the upstream's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(60);

/// The accepted signature algorithms: never `none`, and never a MAC, whose key would be a secret that others know too.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
];

/// What a token must match: this provider, this client, and this attempt.
pub(super) struct Expected<'a> {
    pub metadata: &'a Metadata,
    pub client_id: &'a str,
    pub attempt: &'a Attempt,
}

/// Verifies a token and returns its claims.
pub(super) fn verify<'t>(
    id_token: &'t IdToken,
    expected: &Expected<'_>,
    now: UnixTime,
) -> Result<&'t IdTokenClaims, ClaimsVerificationError> {
    let Expected { metadata, client_id, attempt } = *expected;
    // The verifier for a public client does not know the client secret.
    let verifier = IdTokenVerifier::new_public_client(
        ClientId::new(client_id.to_owned()),
        metadata.issuer().clone(),
        metadata.jwks().clone(),
    )
    .set_allowed_algs(ALGORITHMS)
    .set_other_audience_verifier_fn(|_| true)
    .set_time_fn(move || {
        let seconds = u64::try_from((now - LEEWAY).0).unwrap_or(0);
        (SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).into()
    })
    .set_issue_time_verifier_fn(move |issued| {
        let issued = UnixTime(issued.timestamp());
        if issued <= now + LEEWAY { Ok(()) } else { Err(format!("issued at {issued}, and it is {now}")) }
    });
    let claims = id_token.claims(&verifier, &Nonce::new(attempt.nonce.clone()))?;
    check_authorized_party(claims, client_id).map_err(ClaimsVerificationError::InvalidAudience)?;
    check_subject(claims).map_err(ClaimsVerificationError::InvalidSubject)?;
    check_not_before(claims, now).map_err(ClaimsVerificationError::Other)?;
    Ok(claims)
}

/// A `sub` identifies a person (Core section 2). If it were empty, all its bearers would be the same person.
fn check_subject(claims: &IdTokenClaims) -> Result<(), String> {
    if claims.subject().is_empty() { Err("sub is empty".into()) } else { Ok(()) }
}

/// `nbf` (RFC 7519 section 4.1.5), which Core does not mention and the library ignores. A time may have a fraction.
fn check_not_before(claims: &IdTokenClaims, now: UnixTime) -> Result<(), String> {
    let Some(nbf) = &claims.additional_claims().nbf else { return Ok(()) };
    match nbf.as_f64() {
        Some(from) if from <= (now + LEEWAY).0 as f64 => Ok(()),
        Some(from) => Err(format!("valid from {from}, and it is {now}")),
        None => Err("nbf is no time".into()),
    }
}

/// Rule 13: if `max_age` was requested, the token must say when the person signed in, and that must not be too long ago. The
/// same for `prompt=login`, since some providers ignore it and return the existing sign-in.
pub(super) fn check_age(claims: &IdTokenClaims, attempt: &Attempt, now: UnixTime) -> Result<(), Error> {
    let signed_in = claims.auth_time().map(|time| UnixTime(time.timestamp()));
    if let Some(since) = attempt.login
        && signed_in.is_none_or(|signed_in| signed_in < since - LEEWAY)
    {
        return Err(Error::NotFresh { since });
    }
    let Some(max_age) = attempt.max_age else { return Ok(()) };
    let signed_in = signed_in.ok_or(Error::UndatedSignIn)?;
    let latest = signed_in + Duration::from_secs(max_age.into()) + LEEWAY;
    if now <= latest { Ok(()) } else { Err(Error::OldSignIn { signed_in }) }
}

/// Rules 4 and 5: a token for several audiences must name this client as its authorized party.
fn check_authorized_party(claims: &IdTokenClaims, client_id: &str) -> Result<(), String> {
    match claims.authorized_party() {
        Some(party) if party.as_str() != client_id => Err(format!("azp is {:?}", party.as_str())),
        None if claims.audiences().iter().any(|audience| audience.as_str() != client_id) => {
            Err("there are several audiences and no azp".into())
        }
        _ => Ok(()),
    }
}
