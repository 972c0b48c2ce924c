//! The authorization request (RFC 6749 section 4.1.1), validated by one function: [`parse`]. The journey keeps the raw
//! query, and each of its pages and forms parses it again, since the client may have changed meanwhile.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::client::find::{self, Need};
use crate::flow::client::not_found::NotFound;
use crate::flow::scopes;
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::prompt::{Prompt, max_age};
use crate::oauth::resource::{Resource, Resources};
use crate::oauth::return_to::ReturnTo;
use crate::oauth::scope::Scopes;
use crate::store::Bounds;

use super::reply::{self, Recipient, Rejection};

/// The longest query that is parsed, in bytes; pages repeat it in forms.
pub(crate) const MAX_REQUEST: usize = 8 * 1024;

/// The longest `nonce`, in bytes.
const MAX_NONCE: usize = 512;

/// A valid authorization request.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationRequest {
    /// The query as received, which later pages and forms parse again.
    pub raw: String,
    pub client: Client,
    /// The verified redirect URI and `state`.
    pub return_to: ReturnTo,
    /// The PKCE challenge that the code will be bound to (RFC 7636).
    pub challenge: CodeChallenge,
    /// The scopes that will be granted if the person allows it: known ones only.
    pub scopes: Scopes,
    /// The resources that they will be granted for.
    pub resources: Resources,
    /// `nonce`, or empty.
    pub nonce: String,
    pub prompt: Prompt,
    /// `max_age` in seconds.
    pub max_age: Option<u32>,
}

impl AuthorizationRequest {
    /// What the request demands of the sign-in.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { prompt: self.prompt, max_age: self.max_age }
    }
}

/// Validates the raw query of an authorization request. Writes nothing.
pub(crate) async fn parse(app: &App, raw: &str, now: UnixTime) -> Result<AuthorizationRequest, Rejection> {
    if raw.len() > MAX_REQUEST {
        return Err(Rejection::Page(Error::invalid_request("The authorization request is longer than 8 KB.")));
    }
    let params = Params::parse(raw);
    let asked_uri = params.one("redirect_uri")?.map(str::to_owned);
    let client_id = params.required("client_id")?;
    let found = match ClientId::parse(client_id) {
        Some(id) => find::find(app, &id, Need::Current, now).await,
        None => Err(NotFound::unfit(client_id)),
    };
    let client = found.map_err(|missing| match missing {
        NotFound::Fault(error) => Rejection::Page(error),
        NotFound::Document(unusable) => Rejection::Document {
            client_id: client_id.to_owned(),
            redirect_uri: asked_uri.clone().unwrap_or_default(),
            unusable,
        },
        NotFound::Unknown => Rejection::UnknownClient {
            client_id: client_id.to_owned(),
            redirect_uri: asked_uri.clone().unwrap_or_default(),
        },
    })?;
    let state = params.one("state").ok().flatten().map(str::to_owned);
    let return_to = ReturnTo::of(&client, asked_uri.as_deref(), state, app.settings.issuer.as_str());
    let return_to = return_to.ok_or_else(|| Rejection::UnknownRedirectUri {
        client: Box::new(client.clone()),
        redirect_uri: asked_uri.unwrap_or_default(),
    })?;

    match parse_rest(app, &params, &client) {
        Ok(rest) => Ok(AuthorizationRequest {
            raw: raw.to_owned(),
            client,
            return_to,
            challenge: rest.challenge,
            scopes: rest.scopes,
            resources: rest.resources,
            nonce: rest.nonce,
            prompt: rest.prompt,
            max_age: rest.max_age,
        }),
        Err(error) => {
            let to = Recipient { client: &client, return_to };
            Err(Rejection::Answer(Box::new(reply::reject(app, to, error, now).await?)))
        }
    }
}

struct Rest {
    challenge: CodeChallenge,
    scopes: Scopes,
    resources: Resources,
    nonce: String,
    prompt: Prompt,
    max_age: Option<u32>,
}

/// Parses the rest: from here on errors go to the client.
fn parse_rest(app: &App, params: &Params, client: &Client) -> Result<Rest, Error> {
    params.refuse_repeated(&["resource"])?;
    for (name, code) in
        [("request", ErrorCode::RequestNotSupported), ("request_uri", ErrorCode::RequestUriNotSupported)]
    {
        if params.one(name)?.is_some() {
            return Err(Error::new(code, format!("The parameter {name} is not supported.")));
        }
    }
    match params.one("response_type")? {
        Some("code") => {}
        None => return Err(Error::invalid_request("The parameter response_type is missing.")),
        Some(_) => return Err(Error::new(ErrorCode::UnsupportedResponseType, "response_type must be code.")),
    }
    if params.one("response_mode")?.is_some_and(|mode| mode != "query") {
        return Err(Error::invalid_request("response_mode must be query."));
    }
    let challenge = CodeChallenge::parse(params.one("code_challenge")?, params.one("code_challenge_method")?)?;
    let resources = resources(app, params)?;
    let scopes = scopes::of_request(app, params.one("scope")?, &resources, client)?;
    Ok(Rest {
        challenge,
        scopes,
        resources,
        nonce: nonce(params)?,
        prompt: Prompt::parse(params.one("prompt")?)?,
        max_age: max_age(params.one("max_age")?)?,
    })
}

/// `nonce`, which is stored until the token request.
fn nonce(params: &Params) -> Result<String, Error> {
    let nonce = params.one("nonce")?.unwrap_or_default();
    if nonce.len() > MAX_NONCE {
        return Err(Error::invalid_request(format!("nonce is longer than {MAX_NONCE} bytes.")));
    }
    Ok(nonce.to_owned())
}

/// The requested resources, each one of this server's. If the request names none, the default mount's: clients of revision
/// 2025-03-26 name none (RFC 8707 section 2).
fn resources(app: &App, params: &Params) -> Result<Resources, Error> {
    let asked: Resources = params.all("resource").map(Resource::parse).collect::<Result<_, _>>()?;
    if asked.iter().any(|resource| app.settings.mount(resource).is_none()) {
        return Err(Error::invalid_target("The resource is not one of this server's."));
    }
    if !asked.fits() {
        return Err(Error::invalid_target("The request names too many resources at once: ask for fewer."));
    }
    if asked.iter().next().is_some() {
        return Ok(asked);
    }
    Ok([app.settings.default_mount().resource.clone()].into_iter().collect())
}
