//! Authenticates clients at the token and revocation endpoints (RFC 6749 section 2.3, RFC 7591 section 2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::UnixTime;
use crate::config::settings::ResourceServer;
use crate::flow::app::App;
use crate::oauth::auth_method::AuthMethod;
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::Error;
use crate::oauth::params::Params;
use crate::oauth::token::ClientSecret;

use super::assertion::{self, Assertion};
use super::find::{Need, find};
use super::not_found::unknown;

/// The credentials that a request presents, by one method only.
struct Presented {
    id: ClientId,
    proof: Proof,
}

enum Proof {
    Nothing,
    Basic(ClientSecret),
    Post(ClientSecret),
    Assertion(Assertion),
}

impl Proof {
    fn method(&self) -> AuthMethod {
        match self {
            Proof::Nothing => AuthMethod::None,
            Proof::Basic(_) => AuthMethod::ClientSecretBasic,
            Proof::Post(_) => AuthMethod::ClientSecretPost,
            Proof::Assertion(_) => AuthMethod::PrivateKeyJwt,
        }
    }
}

/// Authenticates the client by the method that it registered, and by no other. Changes nothing, except that it spends an
/// assertion.
///
/// `authorization` is the header's value. A failure is `invalid_client`; two methods at once are `invalid_request`.
pub(crate) async fn authenticate(
    app: &App,
    authorization: Option<&str>,
    params: &Params,
    now: UnixTime,
) -> Result<Client, Error> {
    let presented = present(authorization, params)?;
    let client = find(app, &presented.id, Need::AnyCopy, now).await?;
    if !client.accepts(presented.proof.method()) {
        let registered = client.metadata.token_endpoint_auth_method.as_str();
        return Err(Error::invalid_client(format!("The client is registered for {registered}.")));
    }
    match (&client.secret, &presented.proof) {
        (None, Proof::Nothing) => Ok(client),
        (Some(known), Proof::Basic(secret) | Proof::Post(secret)) if known.matches(&secret.hash()) => Ok(client),
        (_, Proof::Assertion(assertion)) => {
            assertion::verify(app, &client, assertion, now).await?;
            Ok(client)
        }
        _ => Err(unknown()),
    }
}

/// Authenticates a resource server of `jean.toml`, by the secret in the header or in the body; `None` if the request names a
/// client.
pub(crate) fn resource_server<'a>(
    app: &'a App,
    authorization: Option<&str>,
    params: &Params,
) -> Result<Option<&'a ResourceServer>, Error> {
    let presented = present(authorization, params)?;
    let known = app.settings.resource_servers.iter().find(|server| server.id == presented.id);
    match (known, &presented.proof) {
        (None, _) => Ok(None),
        (Some(server), Proof::Basic(secret) | Proof::Post(secret)) if server.secret.matches(&secret.hash()) => {
            Ok(Some(server))
        }
        (Some(_), _) => Err(Error::invalid_client("The secret of the resource server is wrong.")),
    }
}

fn present(authorization: Option<&str>, params: &Params) -> Result<Presented, Error> {
    let bad_id = || Error::invalid_client("client_id is not a client identifier.");
    let in_body = params.one("client_id")?.map(|id| ClientId::from_stored(id).ok_or_else(bad_id)).transpose()?;
    let secret = params.one("client_secret")?;
    let assertion = assertion::parse(params)?;
    if [authorization.is_some(), secret.is_some(), assertion.is_some()].iter().filter(|sent| **sent).count() > 1 {
        return Err(Error::invalid_request("The client authenticates by two methods at once (RFC 6749 section 2.3)."));
    }
    if let Some(assertion) = assertion {
        let id = assertion.client.clone();
        if in_body.is_some_and(|in_body| in_body != id) {
            return Err(Error::invalid_request("client_id differs between the assertion and the body."));
        }
        return Ok(Presented { id, proof: Proof::Assertion(assertion) });
    }
    let Some(authorization) = authorization else {
        let id = in_body.ok_or_else(|| Error::invalid_client("client_id is missing."))?;
        let proof = secret.map_or(Proof::Nothing, |secret| Proof::Post(ClientSecret::presented(secret)));
        return Ok(Presented { id, proof });
    };
    let BasicCredentials { id, secret } = BasicCredentials::parse(authorization).ok_or_else(|| {
        Error::invalid_client("The Authorization header is not well-formed Basic (RFC 6749 section 2.3.1).")
    })?;
    let id = ClientId::from_stored(&id).ok_or_else(bad_id)?;
    if in_body.is_some_and(|in_body| in_body != id) {
        return Err(Error::invalid_request("client_id differs between the header and the body."));
    }
    Ok(Presented { id, proof: Proof::Basic(ClientSecret::presented(secret)) })
}

/// The content of the Authorization header (RFC 6749 section 2.3.1): id and secret are form-urlencoded, joined by a colon,
/// and base64-encoded.
struct BasicCredentials {
    id: String,
    secret: String,
}

impl BasicCredentials {
    fn parse(authorization: &str) -> Option<Self> {
        let (scheme, credentials) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Basic") {
            return None;
        }
        let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
        let (id, secret) = credentials.split_once(':')?;
        Some(BasicCredentials { id: decode(id)?, secret: decode(secret)? })
    }
}

fn decode(text: &str) -> Option<String> {
    // A lone value decodes as the name of a form's only field; `=` and `&` cannot stand in it unescaped.
    let plain = text.replace('=', "%3D").replace('&', "%26");
    Some(url::form_urlencoded::parse(plain.as_bytes()).next().map_or_else(String::new, |(name, _)| name.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(credentials: &str) -> String {
        format!("basic {}", STANDARD.encode(credentials))
    }

    fn basic(authorization: &str) -> Option<(String, String)> {
        BasicCredentials::parse(authorization).map(|credentials| (credentials.id, credentials.secret))
    }

    #[test]
    fn basic_is_read_in_any_case_and_form_decoded() {
        assert_eq!(basic(&header("id:secret")), Some(("id".into(), "secret".into())));
        assert_eq!(basic(&header("a%3Ab:s%2Bs+t")), Some(("a:b".into(), "s+s t".into())));
        assert_eq!(basic(&header("id:a=b&c")), Some(("id".into(), "a=b&c".into())));
        assert_eq!(basic(&header("id:")), Some(("id".into(), String::new())));
    }

    #[test]
    fn a_malformed_header_is_refused() {
        for bad in ["", "Basic", "Basic !!!", "Bearer abc", &header("nocolon"), "Basic /////w=="] {
            assert_eq!(basic(bad), None, "{bad}");
        }
        let params = Params::parse("client_id=a&client_secret=b");
        assert!(present(Some(&header("a:b")), &params).is_err());
        assert!(present(Some(&header("a:b")), &Params::parse("client_id=c")).is_err());
        assert!(present(Some(&header("a:b")), &Params::parse("client_id=a")).is_ok());
        assert!(present(None, &Params::default()).is_err());
    }
}
