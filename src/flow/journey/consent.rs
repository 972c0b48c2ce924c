//! The consent page: what comes next for a valid request, and the person's answer.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::person::sign_in::SignedIn;
use crate::oauth::error::{Error, ErrorCode};
use crate::store::Consent;

use super::begin::{self, Departure, Start};
use super::form::{Form, OUT_OF_DATE, Pressed};
use super::give;
use super::notice::denied;
use super::past::Past;
use super::reply::{self, Answer, Recipient};
use super::request::AuthorizationRequest;

/// The signed-in person, if their sign-in satisfies the request. `prompt=login`, `prompt=select_account` and `max_age` may
/// require a new sign-in (OpenID Connect Core section 3.1.2.1, by which `max_age=0` means `prompt=login`). If the upstream
/// sent no `auth_time`, the sign-in counts as too old for any `max_age`.
fn content_with(request: &AuthorizationRequest, signed_in: Option<SignedIn>, now: UnixTime) -> Option<SignedIn> {
    signed_in.filter(|signed_in| {
        let auth_time = signed_in.sign_in.auth_time;
        let is_younger = |age: u32| age > 0 && auth_time.is_some_and(|at| now.since(at) <= i64::from(age));
        let fresh = request.max_age.is_none_or(is_younger);
        fresh && !request.prompt.login && !request.prompt.select_account
    })
}

/// What comes next for a valid request.
pub(crate) enum Next {
    Ask(Box<Question>),
    /// The answer for the client: send the browser to this URL.
    Answer(String),
    /// An error for the client, sent by page or by redirect.
    Refuse(Box<Answer>),
}

/// What the consent page shows.
#[derive(Debug)]
pub(crate) struct Question {
    /// The signed-in person, if any.
    pub signed_in: Option<SignedIn>,
    /// What this person allowed this client before.
    pub past: Past,
}

/// Decides what comes first: by the request, the signed-in person and what they allowed before. It writes nothing, so
/// reload, two tabs and the back button are safe; only if a stored consent replaces the question does it store a grant,
/// a new one each time.
pub(crate) async fn next(
    app: &App,
    request: &AuthorizationRequest,
    signed_in: Option<SignedIn>,
    now: UnixTime,
) -> Result<Next, Error> {
    let question = question(app, request, signed_in, now).await?;
    if let (Some(signed_in), Some(before)) = (&question.signed_in, question.past.exact(request))
        && is_remembered(app, request, before)
    {
        return give::complete(app, request, &signed_in.sign_in, now).await.map(Next::Answer);
    }
    if request.prompt.none {
        let error = match question.signed_in {
            None => Error::new(ErrorCode::LoginRequired, "Nobody is signed in."),
            Some(_) => Error::new(ErrorCode::ConsentRequired, "The person has to be asked."),
        };
        let to = Recipient { client: &request.client, return_to: request.return_to.clone() };
        let answer = reply::reject(app, to, error, now).await?;
        return Ok(Next::Refuse(Box::new(answer)));
    }
    Ok(Next::Ask(Box::new(question)))
}

/// What the consent page would show now.
async fn question(
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

/// Whether a consent covers the request and the client has not changed since.
pub(crate) fn covers(consent: &Consent, request: &AuthorizationRequest) -> bool {
    request.scopes.is_subset(&consent.scopes) && consent.client_version.matches(&request.client.version())
}

/// Whether a stored consent replaces the question to the person: only if the operator turned that on, and never for an app
/// on a computer or in a private network, since any program there can pretend to be that app (RFC 8252 section 8.6).
fn is_remembered(app: &App, request: &AuthorizationRequest, before: &Consent) -> bool {
    app.settings.clients.remember_consent
        && !request.return_to.redirect_uri().kind().is_native()
        && !request.prompt.consent
        && covers(before, request)
}

/// The outcome of the person's answer.
pub(crate) enum Decided {
    /// The answer for the client: send the browser to this URL.
    Answer(String),
    /// The browser goes to the upstream.
    Depart(Departure),
    /// Show the page again, with the reason.
    AskAgain(Box<Question>, &'static str),
    /// The form has begun as many journeys as it may.
    UsedUp,
}

/// The name of the consent page's form.
pub(crate) const PURPOSE: &str = "consent";

/// Takes the person's answer to the consent page. If the form does not match what the page would show now, the page is
/// shown again: never an error, never a grant.
///
/// If the signed-in person allows the request, the answer has the code. If they choose an upstream, or another account,
/// a journey begins.
pub(crate) async fn decide(
    app: &App,
    request: &AuthorizationRequest,
    answer: Submitted<'_>,
    now: UnixTime,
) -> Result<Decided, Error> {
    let question = Box::new(question(app, request, answer.signed_in, now).await?);
    let form = Form {
        purpose: PURPOSE,
        browser: answer.browser,
        person: question.signed_in.as_ref().map(|signed_in| &signed_in.person.id),
        request,
        login: None,
    };
    let Some(form) = form.verify(app, answer.token, now).filter(|_| !answer.browser.is_empty()) else {
        return Ok(Decided::AskAgain(question, OUT_OF_DATE));
    };
    let begin = async |upstream: &str, select_account| {
        let start = Start { request, form: &form, upstream, select_account };
        let departure = begin::begin(app, start, now).await?;
        Ok(departure.map_or(Decided::UsedUp, Decided::Depart))
    };
    match (answer.pressed, question.signed_in.as_ref()) {
        (Some(Pressed::Cancel), _) => Ok(Decided::Answer(request.return_to.with_error(&denied()))),
        (Some(Pressed::Allow), Some(signed_in)) => {
            give::complete(app, request, &signed_in.sign_in, now).await.map(Decided::Answer)
        }
        (Some(Pressed::Upstream(name)), _) if app.upstream(&name).is_some() => begin(&name, false).await,
        (Some(Pressed::Switch), Some(signed_in)) => {
            let upstream = begin::upstream_of(app, &signed_in.sign_in.upstream);
            begin(&upstream, true).await
        }
        _ => Ok(Decided::AskAgain(question, "Please choose one of the buttons.")),
    }
}

/// The fields of a submitted form, and its sender.
pub(crate) struct Submitted<'a> {
    /// The button; `None` if the value is unknown.
    pub pressed: Option<Pressed>,
    /// The form token.
    pub token: &'a str,
    /// The value of the `browser` cookie, or empty.
    pub browser: &'a str,
    pub signed_in: Option<SignedIn>,
}
