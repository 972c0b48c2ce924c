//! How the issuer misbehaves.

use std::time::Duration;

/// One way to break the rules.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// The ID token has the nonce of another login.
    WrongNonce,
    /// The ID token has no nonce.
    NoNonce,
    /// The ID token is for another client.
    WrongAudience,
    /// The ID token is for this client and another, and does not say which one asked.
    ExtraAudienceWithoutAzp,
    /// The ID token is for this client and another, and the other one asked.
    ExtraAudienceWithWrongAzp,
    /// The ID token names another issuer.
    WrongIssuer,
    /// The discovery document names another issuer.
    WrongIssuerInDiscovery,
    /// The discovery document names a token endpoint on http, not on loopback.
    InsecureEndpointInDiscovery,
    /// The authorization response names another issuer (RFC 9207).
    WrongIssuerInCallback,
    /// The ID token has expired.
    Expired,
    /// The ID token is from ten minutes ahead.
    IssuedInFuture,
    /// The ID token is valid from ten minutes ahead only.
    ValidInFuture,
    /// The ID token names nobody: its `sub` is empty.
    EmptySubject,
    /// The token response says that the access token is of this type.
    TokenType(String),
    /// The ID token has `alg` `none` and no signature.
    AlgNone,
    /// The ID token has a good claim set and a signature over another one.
    WrongSignature,
    /// The ID token has an HMAC whose key is the public key.
    Hs256WithPublicKey,
    /// The ID token has an HMAC whose key is the client secret.
    Hs256WithClientSecret,
    /// The ID token is signed by a key that is not in the key set.
    UnknownKey,
    /// The token response has no ID token.
    NoIdToken,
    /// The key set holds a key of a type that nobody knows; everything else is well.
    UnknownKeyTypeInJwks,
    /// The ID token lacks the email, which the UserInfo endpoint tells.
    EmailOnlyAtUserinfo,
    /// The same, and the UserInfo endpoint speaks of somebody else.
    OtherSubjectAtUserinfo,
    /// The same, and the UserInfo endpoint answers 500.
    UserinfoDown,
    /// The token endpoint answers with this error code.
    TokenError(String),
    /// The authorization endpoint answers with this error code and description.
    AuthorizeError(String, String),
    /// All that a client asks directly is answered this much later.
    Slow(Duration),
    /// Every answer is a 500.
    Down,
    /// All that a client asks directly is answered with two megabytes.
    HugeBody,
    /// All that a client asks directly is answered with a page.
    NotJson,
    /// All that a client asks directly is answered with a redirect to `/elsewhere`.
    Redirects,
}
