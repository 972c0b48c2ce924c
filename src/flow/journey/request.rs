//! The authorization request (RFC 6749 section 4.1.1), and what comes of it before anything is written.
//!
//! [`parse`] is the one function that validates a request; every step of the journey runs the raw query through it again.
//! [`next`] decides what the person sees first.

use crate::app::App;
use crate::clock::UnixTime;
use crate::flow::client::authenticate::{self, Need, NotFound};
use crate::flow::grant::{code, issue};
use crate::flow::person::admission;
use crate::oauth::client::{Client, ClientId, ClientOrigin};
use crate::oauth::client_document::Unusable;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{Person, RowId};
use crate::oauth::name::Headline;
use crate::oauth::params::Params;
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::prompt::{Prompt, max_age};
use crate::oauth::redirect::{RedirectKind, RedirectUri, ReturnTo};
use crate::oauth::resource::{Resource, Resources};
use crate::oauth::scope::Scopes;
use crate::store::{Bounds, Consent, SignIn};

use super::past::Past;

/// The longest query that is read, in bytes; it travels through forms.
pub const MAX_REQUEST: usize = 8 * 1024;

/// The longest `nonce`, in bytes.
const MAX_NONCE: usize = 512;

/// A valid authorization request.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// The query as it came, which every later step parses again.
    pub raw: String,
    /// The client that asks.
    pub client: Client,
    /// Where the answer goes.
    pub return_to: ReturnTo,
    /// What the code will be bound to (RFC 7636).
    pub challenge: CodeChallenge,
    /// What will be granted, if the person allows it: known words only.
    pub scopes: Scopes,
    /// What it will be granted for.
    pub resources: Resources,
    /// `nonce`, or empty.
    pub nonce: String,
    /// `prompt`.
    pub prompt: Prompt,
    /// `max_age` in seconds.
    pub max_age: Option<u32>,
}

impl AuthorizationRequest {
    /// What it demands of the sign-in.
    pub fn bounds(&self) -> Bounds {
        Bounds { prompt: self.prompt, max_age: self.max_age }
    }
}

/// Why there is no valid request, and whom to tell.
#[derive(Debug)]
pub enum Refusal {
    /// The client is not known: a page for the person, never a redirect.
    UnknownClient {
        /// What came as `client_id`.
        client_id: String,
        /// What came as `redirect_uri`, by which the page may recognise the app.
        redirect_uri: String,
    },
    /// The client is known by a document (CIMD) that cannot be had or that breaks a rule: a page, never a redirect.
    Document {
        /// What came as `client_id`: the document's address.
        client_id: String,
        /// What came as `redirect_uri`, by which the page may recognise the app.
        redirect_uri: String,
        /// What is wrong.
        unusable: Unusable,
    },
    /// The client did not register this redirect URI: a page, never a redirect.
    UnknownRedirectUri {
        /// The client.
        client: Box<Client>,
        /// What came as `redirect_uri`.
        redirect_uri: String,
    },
    /// Nothing to answer to: a page.
    Page(Error),
    /// The client can be told.
    Answer(Box<Answer>),
}

/// An error for the client.
#[derive(Debug)]
pub struct Answer {
    /// Where it goes.
    pub return_to: ReturnTo,
    /// What it says.
    pub error: Error,
    /// The client's id, for the log.
    pub client_id: ClientId,
    /// What the page calls the client.
    pub client: Headline,
    /// Whether the target is trusted enough to send a browser there at once (RFC 9700 section 4.11.2): http on this
    /// computer, where nothing but a program that listens is started; the operator's own choice; or the very address to
    /// which the code of a grant went that still lives. Else a page says where it leads and has a link: a registration
    /// names any address, and a scheme of its own may start an app with a stranger's arguments.
    pub at_once: bool,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Page(error)
    }
}

/// Validates the raw query of an authorization request. Writes nothing.
pub async fn parse(app: &App, raw: &str, now: UnixTime) -> Result<AuthorizationRequest, Refusal> {
    if raw.len() > MAX_REQUEST {
        return Err(Refusal::Page(Error::invalid_request("The authorization request is longer than 8 KB.")));
    }
    let params = Params::parse(raw);
    let asked_uri = params.one("redirect_uri")?.map(str::to_owned);
    let client_id = params.required("client_id")?;
    let found = match ClientId::parse(client_id) {
        Some(id) => authenticate::find(app, &id, Need::Current, now).await,
        None => Err(NotFound::unfit(client_id)),
    };
    let client = found.map_err(|missing| match missing {
        NotFound::Fault(error) => Refusal::Page(error),
        NotFound::Document(unusable) => Refusal::Document {
            client_id: client_id.to_owned(),
            redirect_uri: asked_uri.clone().unwrap_or_default(),
            unusable,
        },
        NotFound::Unknown => Refusal::UnknownClient {
            client_id: client_id.to_owned(),
            redirect_uri: asked_uri.clone().unwrap_or_default(),
        },
    })?;
    let redirect_uri = redirect_uri(&client, asked_uri.as_deref()).ok_or_else(|| Refusal::UnknownRedirectUri {
        client: Box::new(client.clone()),
        redirect_uri: asked_uri.unwrap_or_default(),
    })?;
    let state = params.one("state").ok().flatten().map(str::to_owned);
    let return_to = ReturnTo::validated(redirect_uri, state, app.settings.issuer.as_str());

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
        Err(error) => Err(Refusal::Answer(Box::new(answer(app, &client, return_to, error, now).await?))),
    }
}

/// An error for the client, with the judgement how to send it.
async fn answer(app: &App, client: &Client, return_to: ReturnTo, error: Error, now: UnixTime) -> Result<Answer, Error> {
    let redirect_uri = return_to.redirect_uri();
    let at_once = redirect_uri.kind() == RedirectKind::Loopback
        || client.origin == ClientOrigin::Configured
        || app.settings.clients.documents.pinned.contains_key(&client.id)
        // Anybody can have a grant, and a scheme starts a program with arguments of their choice.
        || redirect_uri.kind() != RedirectKind::PrivateUse
            && app.store.grant_went_to(&client.id, redirect_uri, now).await?;
    Ok(Answer { return_to, error, client_id: client.id.clone(), client: app.headline(client), at_once })
}

/// The redirect URI of the request: one that the client registered, or its only one where the request names none
/// (RFC 6749 section 3.1.2.3). One of an earlier day that is too long for a key is as good as unregistered.
fn redirect_uri(client: &Client, asked: Option<&str>) -> Option<RedirectUri> {
    match (asked, client.metadata.redirect_uris.as_slice()) {
        (Some(asked), _) => RedirectUri::parse(asked).ok().filter(|asked| client.allows(asked)),
        (None, [only]) => Some(only.clone()).filter(RedirectUri::fits),
        (None, _) => None,
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

/// All that is checked once there is somebody to answer to.
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
    let scopes = scopes(app, params.one("scope")?, &resources, client)?;
    Ok(Rest {
        challenge,
        scopes,
        resources,
        nonce: nonce(params)?,
        prompt: Prompt::parse(params.one("prompt")?)?,
        max_age: max_age(params.one("max_age")?)?,
    })
}

/// `nonce`, which is kept until the token request.
fn nonce(params: &Params) -> Result<String, Error> {
    let nonce = params.one("nonce")?.unwrap_or_default();
    if nonce.len() > MAX_NONCE {
        return Err(Error::invalid_request(format!("nonce is longer than {MAX_NONCE} bytes.")));
    }
    Ok(nonce.to_owned())
}

/// The resources that were asked for, each one of ours; the default mount's where none was named, as clients of revision
/// 2025-03-26 do (RFC 8707 section 2).
fn resources(app: &App, params: &Params) -> Result<Resources, Error> {
    let asked: Resources = params.all("resource").map(Resource::parse).collect::<Result<_, _>>()?;
    if asked.iter().any(|resource| app.settings.mount(resource).is_none()) {
        return Err(issue::invalid_target("The resource is not one of this server's."));
    }
    if !asked.fits() {
        return Err(issue::invalid_target("The request names too many resources at once: ask for fewer."));
    }
    if asked.iter().next().is_some() {
        return Ok(asked);
    }
    Ok([app.settings.default_mount().resource.clone()].into_iter().collect())
}

/// The scopes that will be granted: the known ones of those that were asked for, else the default ones of each resource.
/// Our own words permit nothing at a resource, so they are granted in addition, and no limit is about them.
///
/// What a registered client wrote into its own registration does not narrow this: anybody may register anew, and the
/// person decides. What the operator wrote for a client does.
fn scopes(app: &App, asked: Option<&str>, resources: &Resources, client: &Client) -> Result<Scopes, Error> {
    let mounts = || resources.iter().filter_map(|resource| app.settings.mount(resource));
    let limit = match (&client.origin, &client.metadata.scope) {
        (ClientOrigin::Configured, Some(scope)) => Some(Scopes::parse(scope)?),
        _ => None,
    };
    let within = |scopes: Scopes| limit.as_ref().map_or(scopes.clone(), |limit| scopes.narrow(limit));

    let asked = Scopes::parse(asked.unwrap_or_default())?;
    let known = mounts().fold(Scopes::default(), |all, mount| all.union(&mount.known_scopes()));
    let own = asked.narrow(&app.settings.own_scopes());
    let asked = within(asked.narrow(&known));
    if !asked.is_empty() {
        return Ok(asked.union(&own));
    }
    let default = within(mounts().fold(Scopes::default(), |all, mount| all.union(&mount.default_scopes)));
    if default.is_empty() && !known.is_empty() {
        return Err(Error::new(ErrorCode::InvalidScope, "None of the scopes is known, and there is no default one."));
    }
    Ok(default.union(&own))
}

/// Every scope that means something here.
pub fn known_scopes(app: &App) -> Scopes {
    app.settings.mounts.iter().fold(app.settings.own_scopes(), |all, mount| all.union(&mount.known_scopes()))
}

/// Somebody who is signed in, in this browser.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// When and where.
    pub sign_in: SignIn,
    /// Who.
    pub person: Person,
}

/// Who is signed in by this session, if the sign-in still holds and the person may still come in.
pub async fn signed_in(app: &App, sign_in: Option<RowId>, now: UnixTime) -> Result<Option<SignedIn>, Error> {
    let Some(id) = sign_in else { return Ok(None) };
    let found = app.store.find_sign_in(id, now).await?;
    Ok(found
        .filter(|(_, person)| admission::is_admitted(&app.settings, person))
        .map(|(sign_in, person)| SignedIn { sign_in, person }))
}

/// Whoever is signed in, where the request is content with that: `prompt=login`, `prompt=select_account` and `max_age`
/// may ask for the upstream anew (OpenID Connect Core section 3.1.2.1, by which `max_age=0` is as `prompt=login`). A sign-in
/// of which the upstream did not tell when it was may be of any age.
pub fn content_with(request: &AuthorizationRequest, signed_in: Option<SignedIn>, now: UnixTime) -> Option<SignedIn> {
    signed_in.filter(|signed_in| {
        let auth_time = signed_in.sign_in.auth_time;
        let is_younger = |age: u32| age > 0 && auth_time.is_some_and(|at| now.since(at) <= i64::from(age));
        let fresh = request.max_age.is_none_or(is_younger);
        fresh && !request.prompt.login && !request.prompt.select_account
    })
}

/// What comes next for a valid request.
pub enum Next {
    /// The consent page.
    Ask(Box<Question>),
    /// The client has its answer: send the browser here.
    Answer(String),
    /// The client has its answer, which goes by page or by redirect.
    Refuse(Box<Answer>),
}

/// What the consent page asks.
#[derive(Debug)]
pub struct Question {
    /// Who is signed in, if anybody.
    pub signed_in: Option<SignedIn>,
    /// What the person allowed the same client before.
    pub past: Past,
}

/// The dispatcher: decides from the request and who is signed in alone, so that reload, two tabs and the back button are
/// safe.
pub async fn next(
    app: &App,
    request: &AuthorizationRequest,
    signed_in: Option<SignedIn>,
    now: UnixTime,
) -> Result<Next, Error> {
    let question = question(app, request, signed_in, now).await?;
    if let (Some(signed_in), Some(before)) = (&question.signed_in, question.past.exact(request))
        && is_remembered(app, request, before)
    {
        return code::give(app, request, &signed_in.sign_in, now).await.map(Next::Answer);
    }
    if request.prompt.none {
        let error = match question.signed_in {
            None => Error::new(ErrorCode::LoginRequired, "Nobody is signed in."),
            Some(_) => Error::new(ErrorCode::ConsentRequired, "The person has to be asked."),
        };
        let answer = answer(app, &request.client, request.return_to.clone(), error, now).await?;
        return Ok(Next::Refuse(Box::new(answer)));
    }
    Ok(Next::Ask(Box::new(question)))
}

/// What the consent page would ask now.
pub async fn question(
    app: &App,
    request: &AuthorizationRequest,
    signed_in: Option<SignedIn>,
    now: UnixTime,
) -> Result<Question, Error> {
    let signed_in = content_with(request, signed_in, now);
    let past = match &signed_in {
        Some(signed_in) => Past::of(app, request, &signed_in.person.id).await?,
        None => Past::default(),
    };
    Ok(Question { signed_in, past })
}

/// Whether a consent covers the request, as long as the client is what it was.
pub fn covers(consent: &Consent, request: &AuthorizationRequest) -> bool {
    request.scopes.is_subset(&consent.scopes) && consent.client_version.matches(&request.client.version())
}

/// Whether a consent answers for the person: only where the operator turned that on, never for an app on a computer or in
/// a private network, which anything there can pretend to be (RFC 8252 section 8.6).
fn is_remembered(app: &App, request: &AuthorizationRequest, before: &Consent) -> bool {
    app.settings.clients.remember_consent
        && !request.return_to.redirect_uri().kind().is_native()
        && !request.prompt.consent
        && covers(before, request)
}
