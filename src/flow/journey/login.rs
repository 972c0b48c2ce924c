//! The way through an upstream: from the person's yes to the client's answer.
//!
//! A journey has a row, and its browser a cookie with 256 random bits. State, nonce and PKCE verifier of each attempt are
//! computed from the cookie, and only their hashes are stored: neither the database nor a stolen callback URL can complete
//! a login. [`next`] is the dispatcher: every step writes the row and comes back to it.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::app::App;
use crate::clock::UnixTime;
use crate::flow::grant::code;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::{PersonId, RowId};
use crate::oauth::masked::Hidden;
use crate::oauth::name::Headline;
use crate::oauth::token::{AuthorizationCode, TokenHash};
use crate::random;
use crate::store::{Bounds, LoginRow, Stage};
use crate::upstream::Attempt;

use super::consent::{Form, Pressed, VerifiedForm, denied};
use super::past::Past;
use super::request::{self, AuthorizationRequest, Refusal, SignedIn};

/// How long a journey may take.
pub const LOGIN_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// How long a browser stays signed in.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(8 * 3600);

/// How long the look at an upstream's answer may take before it counts as crashed, in seconds.
const EXCHANGE_TIMEOUT: i64 = 30;

/// The name of the forms on a journey's pages.
const PURPOSE: &str = "login";

/// The 256 random bits that bind a journey to its browser, in base64url: the cookie's value.
#[derive(Clone)]
pub struct Binding(String);

impl Binding {
    fn new() -> Self {
        Binding(random::text::<32>())
    }

    /// Reads the cookie.
    pub fn from_cookie(value: &str) -> Self {
        Binding(value.to_owned())
    }

    /// The cookie's value.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }

    fn derive(&self, purpose: &str, attempt: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, format!("{purpose}/{attempt}").as_bytes()))
    }

    fn state(&self, id: RowId, attempt: i64) -> String {
        format!("{id}.{}", self.derive("state", attempt))
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binding(redacted)")
    }
}

/// Why the last attempt came to nothing; kept in the row, told on the page in our own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The upstream could not be reached, or says that it cannot answer.
    Unreachable,
    /// The person said no at the upstream.
    Declined,
    /// The upstream refused, with a known code.
    Refused(String),
    /// What the upstream said cannot be trusted.
    Invalid,
    /// The client asked for a recent sign-in, and the upstream does not tell when this one was.
    Undated,
    /// The client asked for a recent sign-in, and this one was longer ago.
    Old,
    /// The client asked for a new sign-in (`prompt=login`), and the upstream does not show that there was one.
    NotFresh,
    /// This account may not come in.
    NotAllowed(Hidden<String>),
    /// The attempt was interrupted.
    Interrupted,
}

impl Notice {
    /// Whether another try at the same upstream comes to the same.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Notice::Undated | Notice::NotFresh)
    }

    /// What the client gets if the person gives up here: `login_required` if the sign-in that it asked for cannot be had
    /// (OpenID Connect Core sections 3.1.2.1 and 3.1.2.6).
    fn when_cancelled(&self) -> Error {
        match self {
            Notice::Undated | Notice::Old | Notice::NotFresh => {
                Error::new(ErrorCode::LoginRequired, "The person could not be signed in as recently as that.")
            }
            _ => denied(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        match self {
            Notice::Unreachable => "unreachable".into(),
            Notice::Declined => "declined".into(),
            Notice::Refused(code) => format!("refused:{code}"),
            Notice::Invalid => "invalid".into(),
            Notice::Undated => "undated".into(),
            Notice::Old => "old".into(),
            Notice::NotFresh => "not_fresh".into(),
            Notice::NotAllowed(Hidden(account)) => format!("not_allowed:{account}"),
            Notice::Interrupted => "interrupted".into(),
        }
    }

    /// The reason for the log, which does not tell whose account it is.
    pub fn reason(&self) -> String {
        match self {
            Notice::NotAllowed(_) => "not_allowed".into(),
            other => other.to_text(),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        Some(match text.split_once(':').unwrap_or((text, "")) {
            ("unreachable", _) => Notice::Unreachable,
            ("declined", _) => Notice::Declined,
            ("refused", code) => Notice::Refused(code.to_owned()),
            ("invalid", _) => Notice::Invalid,
            ("undated", _) => Notice::Undated,
            ("old", _) => Notice::Old,
            ("not_fresh", _) => Notice::NotFresh,
            ("not_allowed", account) => Notice::NotAllowed(Hidden(account.to_owned())),
            ("interrupted", _) => Notice::Interrupted,
            _ => return None,
        })
    }
}

/// The browser leaves for an upstream, or for the journey's own page where there is no way.
pub struct Departure {
    /// The journey.
    pub login: RowId,
    /// The cookie to set, where the journey is new.
    pub binding: Option<Binding>,
    /// The upstream's authorization URL; `None` where it cannot be reached, which the journey's page tells.
    pub url: Option<String>,
    /// What the upstream is called.
    pub label: String,
}

/// What a journey begins with.
pub struct Start<'a> {
    /// The request that the person answered.
    pub request: &'a AuthorizationRequest,
    /// The form by which they did.
    pub form: &'a VerifiedForm,
    /// Where they sign in.
    pub upstream: &'a str,
    /// Whether they asked for another account.
    pub select_account: bool,
}

/// Begins a journey at an upstream. The person said yes: only now there is a row, and an attempt. `None` if the form has
/// begun as many as it may.
pub async fn begin(app: &App, start: Start<'_>, now: UnixTime) -> Result<Option<Departure>, Error> {
    let Start { request, form, upstream, select_account } = start;
    let binding = Binding::new();
    for id in form.journeys() {
        let login = LoginRow {
            id,
            stage: Stage::Allowed { notice: String::new() },
            request: request.raw.clone(),
            bounds: Some(request.bounds()),
            client: request.client.id.clone(),
            upstream: upstream.to_owned(),
            attempt: 0,
            state_hash: TokenHash::of(binding.state(id, 0).as_bytes()),
            cookie_hash: binding.hash(),
            created_at: now,
            expires_at: now + LOGIN_LIFETIME,
        };
        if app.store.insert_login(&login).await? {
            let (url, label) = departure(app, request, &login, &binding, select_account).await;
            return Ok(Some(Departure { login: id, binding: Some(binding), url, label }));
        }
    }
    Ok(None)
}

/// The authorization URL of the login's current attempt.
async fn departure(
    app: &App,
    request: &AuthorizationRequest,
    login: &LoginRow,
    binding: &Binding,
    select_account: bool,
) -> (Option<String>, String) {
    let Some(upstream) = app.upstream(&login.upstream) else { return (None, login.upstream.clone()) };
    let mut attempt = attempt(login, binding, request.bounds());
    // Where no page of ours asks for the account afterwards, the upstream's has to.
    let offers_accounts = upstream.settings().is_google();
    attempt.select_account = select_account || request.prompt.select_account || offers_accounts;
    let mut url = upstream.authorization_url(&attempt);
    if url.is_err() {
        // Never discovered: the upstream may be up again by now. If it is not, the log has said so.
        let _ = upstream.discover().await;
        url = upstream.authorization_url(&attempt);
    }
    (url.ok(), upstream.settings().label.clone())
}

/// What the request of a journey demands of the sign-in: by its row, or by the request itself if an older version wrote
/// the row. A request that is not valid any more demands what nobody can tell, so nothing comes of the journey.
pub(crate) async fn bounds(app: &App, login: &LoginRow, now: UnixTime) -> Result<Bounds, Refusal> {
    match login.bounds {
        Some(bounds) => Ok(bounds),
        None => request::parse(app, &login.request, now).await.map(|request| request.bounds()),
    }
}

pub(crate) fn attempt(login: &LoginRow, binding: &Binding, bounds: Bounds) -> Attempt {
    Attempt {
        state: binding.state(login.id, login.attempt),
        nonce: binding.derive("nonce", login.attempt),
        pkce_verifier: binding.derive("pkce", login.attempt),
        select_account: false,
        login: bounds.prompt.login.then_some(login.created_at),
        max_age: bounds.max_age,
    }
}

/// Where a journey stands, for its page.
pub enum Next {
    /// The person has to go to the upstream, again or at last.
    SignIn(Box<AuthorizationRequest>, Option<Notice>, String),
    /// The upstream's answer is being looked at: one moment.
    Wait,
    /// First time for this person and client, or more than the last time: "Continue as …?"
    Confirm(Box<AuthorizationRequest>, Box<Confirm>),
    /// The client has its answer: send the browser here; and what the client is called.
    Answer(String, Headline),
    /// All is said and done.
    Done(Headline),
    /// The request is not valid any more.
    Refuse(Refusal),
    /// There is no such journey, or not in this browser, or it is over.
    Unknown,
}

/// What the page after the sign-in shows.
#[derive(Debug)]
pub struct Confirm {
    /// Who signed in.
    pub signed_in: SignedIn,
    /// What they allowed this client before.
    pub past: Past,
}

/// The dispatcher: where the journey stands and what comes next, from its row alone.
pub async fn next(app: &App, id: RowId, binding: Option<&Binding>, now: UnixTime) -> Result<Next, Error> {
    let Some(login) = bound(app, id, binding, now).await? else { return Ok(Next::Unknown) };
    let request = match request::parse(app, &login.request, now).await {
        Ok(request) => Box::new(request),
        Err(refusal) => return Ok(Next::Refuse(refusal)),
    };
    match &login.stage {
        Stage::Allowed { notice } => Ok(Next::SignIn(request, Notice::from_text(notice), login.upstream)),
        Stage::Exchanging { claimed_at } if now.since(*claimed_at) < EXCHANGE_TIMEOUT => Ok(Next::Wait),
        Stage::Exchanging { .. } => {
            app.store.release_login(&login, &Notice::Interrupted.to_text()).await?;
            Ok(Next::SignIn(request, Some(Notice::Interrupted), login.upstream))
        }
        Stage::Identified { sign_in } => {
            let Some(signed_in) = request::signed_in(app, Some(*sign_in), now).await? else {
                return Ok(Next::Unknown);
            };
            let past = Past::of(app, &request, &signed_in.person.id).await?;
            if past.exact(&request).is_some_and(|before| request::covers(before, &request)) {
                return answer(app, &login, &request, &signed_in, now).await;
            }
            Ok(Next::Confirm(request, Box::new(Confirm { signed_in, past })))
        }
        Stage::Answered { grant: Some(grant) } => {
            // The answer was lost on its way to the browser: another code for the same grant, if nobody used the first.
            let code = AuthorizationCode::new(*grant);
            let expires_at = now + app.settings.tokens.code_lifetime;
            if app.store.renew_code(*grant, &code.hash(), expires_at, now).await? {
                return Ok(Next::Answer(request.return_to.with_code(&code.expose()), app.headline(&request.client)));
            }
            Ok(Next::Done(app.headline(&request.client)))
        }
        // Cancelled: there is nothing to go on with.
        Stage::Answered { grant: None } => Ok(Next::Unknown),
    }
}

/// The journey, where the browser is the one that began it.
async fn bound(app: &App, id: RowId, binding: Option<&Binding>, now: UnixTime) -> Result<Option<LoginRow>, Error> {
    let Some(binding) = binding else { return Ok(None) };
    let login = app.store.find_login(id, now).await?;
    Ok(login.filter(|login| binding.hash().matches(&login.cookie_hash)))
}

/// identified -> answered: the grant, the consent, and the code for the client.
async fn answer(
    app: &App,
    login: &LoginRow,
    request: &AuthorizationRequest,
    signed_in: &SignedIn,
    now: UnixTime,
) -> Result<Next, Error> {
    let (grant, consent, code) = code::grant(app, request, &signed_in.sign_in, now);
    if app.store.answer_login(login, &grant, &consent, now).await? {
        return Ok(Next::Answer(request.return_to.with_code(&code.expose()), app.headline(&request.client)));
    }
    // Another request was faster; the row tells what it did.
    Ok(Next::Wait)
}

/// What comes of a button on a journey's page.
pub enum Decided {
    /// The client has its answer: this URL, and what the client is called.
    Answer(String, Headline),
    /// The browser goes to the upstream.
    Depart(Departure),
    /// The journey's page again.
    Page,
    /// There is no such journey, or not in this browser.
    Unknown,
}

/// Takes a button of the journey's pages: go on as the person shown, use another account, try again, or cancel.
pub async fn decide(
    app: &App,
    id: RowId,
    binding: Option<&Binding>,
    submitted: Submitted<'_>,
    now: UnixTime,
) -> Result<Decided, Error> {
    let (Some(login), Some(binding)) = (bound(app, id, binding, now).await?, binding) else {
        return Ok(Decided::Unknown);
    };
    let Ok(request) = request::parse(app, &login.request, now).await else { return Ok(Decided::Page) };
    let signed_in = match login.stage {
        Stage::Identified { sign_in } => request::signed_in(app, Some(sign_in), now).await?,
        _ => None,
    };
    let person = signed_in.as_ref().map(|signed_in| &signed_in.person.id);
    let form = form(&request, id, submitted.browser, person);
    if submitted.browser.is_empty() || form.verify(app, submitted.token, now).is_none() {
        return Ok(Decided::Page);
    }
    match (submitted.pressed, &login.stage, signed_in) {
        (Some(Pressed::Allow), Stage::Identified { .. }, Some(signed_in)) => {
            match answer(app, &login, &request, &signed_in, now).await? {
                Next::Answer(url, client) => Ok(Decided::Answer(url, client)),
                _ => Ok(Decided::Page),
            }
        }
        (Some(Pressed::Switch), Stage::Identified { .. } | Stage::Allowed { .. }, _) => {
            again(app, &login, &request, (binding, &login.upstream, true)).await
        }
        (Some(Pressed::Upstream(name)), Stage::Allowed { .. }, _) if app.upstream(&name).is_some() => {
            again(app, &login, &request, (binding, &name, false)).await
        }
        (Some(Pressed::Cancel), Stage::Identified { .. } | Stage::Allowed { .. }, _) => {
            app.store.spend_login(id).await?;
            let notice = match &login.stage {
                Stage::Allowed { notice } => Notice::from_text(notice),
                _ => None,
            };
            let error = notice.as_ref().map_or_else(denied, Notice::when_cancelled);
            Ok(Decided::Answer(request.return_to.with_error(&error), app.headline(&request.client)))
        }
        _ => Ok(Decided::Page),
    }
}

/// The fields of a submitted form.
pub struct Submitted<'a> {
    /// The button; `None` where it is none of ours.
    pub pressed: Option<Pressed>,
    /// The hidden token.
    pub token: &'a str,
    /// The browser's own random cookie, or empty.
    pub browser: &'a str,
}

/// The form of a journey's page.
pub fn form<'a>(
    request: &'a AuthorizationRequest,
    id: RowId,
    browser: &'a str,
    person: Option<&'a PersonId>,
) -> Form<'a> {
    Form { purpose: PURPOSE, browser, person, request, login: Some(id) }
}

/// Another attempt, with values of its own.
async fn again(
    app: &App,
    login: &LoginRow,
    request: &AuthorizationRequest,
    (binding, upstream, select_account): (&Binding, &str, bool),
) -> Result<Decided, Error> {
    let next = LoginRow { attempt: login.attempt + 1, upstream: upstream.to_owned(), ..login.clone() };
    let state = TokenHash::of(binding.state(next.id, next.attempt).as_bytes());
    if !app.store.begin_attempt(login, upstream, &state).await? {
        return Ok(Decided::Page);
    }
    let (url, label) = departure(app, request, &next, binding, select_account).await;
    Ok(Decided::Depart(Departure { login: login.id, binding: None, url, label }))
}

/// The upstream of this name, or the first one where it is configured no more.
pub fn upstream_of(app: &App, name: &str) -> String {
    let known = app.upstream(name).or_else(|| app.upstreams.first());
    known.map_or_else(String::new, |upstream| upstream.settings().name.clone())
}
