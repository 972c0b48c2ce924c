//! The journey's own page. [`next`] is the dispatcher: it decides by the row's [`Stage`] what comes next, so every step
//! writes the row and returns to it. [`decide`] takes the page's buttons.
//!
//! The stages are allowed, exchanging, identified, answered. A failed sign-in leads from exchanging back to allowed,
//! another account from identified to allowed, and cancelling to answered. Each change is one guarded statement: if two
//! tabs try the same, one succeeds, and the other sees the stage that follows.
//!
//! This GET writes: in stage identified it makes the grant if the person allowed the same before, and in stage
//! answered, after a reload, it replaces a code that the client has not used. The replaced code is no longer valid.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::person::sign_in::{self, SignedIn};
use crate::oauth::error::Error;
use crate::oauth::grant::{PersonId, RowId};
use crate::oauth::name::Headline;
use crate::oauth::token::AuthorizationCode;
use crate::store::Stage;

use super::begin::{self, Account, Departure};
use super::consent;
use super::form::{Form, Pressed};
use super::give::{self, Given};
use super::load::{Binding, Journey, Loaded, Purpose};
use super::notice::{Notice, denied};
use super::past::Past;
use super::reply::Rejection;
use super::request::AuthorizationRequest;

/// How long the exchange with an upstream may take before it counts as crashed, in seconds.
const EXCHANGE_TIMEOUT: i64 = 30;

/// The name of the forms on a journey's pages.
const PURPOSE: &str = "login";

/// What the journey's page shows or does next.
pub(crate) enum Next {
    /// The person must sign in at the upstream, for the first time or again.
    SignIn {
        request: Box<AuthorizationRequest>,
        /// Why the last attempt failed, if there was one.
        notice: Option<Notice>,
        /// The upstream of the last attempt.
        upstream: String,
    },
    /// Another request is processing the upstream's answer, or was faster to answer the client: look again in a moment.
    Wait,
    /// "Continue as …?": the person never allowed this client before, or the request has something new.
    Confirm(Box<AuthorizationRequest>, Box<Confirm>),
    /// The answer for the client: send the browser there.
    Answer(Answered),
    /// The journey is finished: its code was used, has expired, or was revoked.
    Done(Headline),
    /// The request is no longer valid.
    Refuse(Rejection),
    /// There is no such journey, it belongs to another browser, it is over, or its person may no longer come in.
    Unknown,
}

/// What the page after the sign-in shows.
#[derive(Debug)]
pub(crate) struct Confirm {
    pub signed_in: SignedIn,
    /// What this person allowed this client before.
    pub past: Past,
}

/// The dispatcher: decides by the row's stage what comes next. After the sign-in it also needs what the person allowed
/// before.
pub(crate) async fn next(app: &App, id: RowId, binding: Option<Binding>, now: UnixTime) -> Result<Next, Error> {
    let journey = match Journey::load(app, id, binding, now).await? {
        Loaded::Journey(journey) => journey,
        Loaded::Rejected(rejection) => return Ok(Next::Refuse(rejection)),
        Loaded::Unknown => return Ok(Next::Unknown),
    };
    let row = journey.bound.row();
    match row.stage.clone() {
        Stage::Allowed { notice } => Ok(journey.sign_in(Notice::from_text(&notice))),
        Stage::Exchanging { claimed_at } if now.since(claimed_at) < EXCHANGE_TIMEOUT => Ok(Next::Wait),
        Stage::Exchanging { .. } => {
            app.store.release_login(row, &Notice::Interrupted.to_text()).await?;
            Ok(journey.sign_in(Some(Notice::Interrupted)))
        }
        Stage::Identified { sign_in } => {
            let Some(signed_in) = sign_in::find(app, Some(sign_in), now).await? else {
                return Ok(Next::Unknown);
            };
            let Purpose::Authorize(request) = &journey.purpose;
            let past = Past::of(app, request, &signed_in.person.id).await?;
            if past.exact(request).is_some_and(|before| consent::covers(before, request)) {
                let answered = issue_code(app, &journey, &signed_in, now).await?;
                return Ok(answered.map_or(Next::Wait, Next::Answer));
            }
            let Purpose::Authorize(request) = journey.purpose;
            Ok(Next::Confirm(request, Box::new(Confirm { signed_in, past })))
        }
        Stage::Answered { grant: Some(grant) } => {
            let client = journey.client(app);
            // The browser did not get the answer: make another code for the same grant, if the client has not used the
            // first.
            let code = AuthorizationCode::new(grant);
            if app.store.renew_code(grant, &give::new_code(app, &code, now), now).await? {
                return Ok(Next::Answer(Answered { url: journey.reply().with_code(&code.expose()), client }));
            }
            Ok(Next::Done(client))
        }
        // Cancelled: the journey cannot go on.
        Stage::Answered { grant: None } => Ok(Next::Unknown),
    }
}

impl Journey {
    fn sign_in(self, notice: Option<Notice>) -> Next {
        let Purpose::Authorize(request) = self.purpose;
        Next::SignIn { request, notice, upstream: self.bound.row().upstream.clone() }
    }

    /// What pages call the client of the journey.
    fn client(&self, app: &App) -> Headline {
        let Purpose::Authorize(request) = &self.purpose;
        app.headline(&request.client)
    }
}

pub(crate) struct Answered {
    /// The client's redirect URI with the answer in it.
    pub url: String,
    /// What pages call the client.
    pub client: Headline,
}

/// identified -> answered: stores the grant and the consent, and returns the URL with the code. `None` if another request
/// was faster; the row then says what that request did.
async fn issue_code(
    app: &App,
    journey: &Journey,
    signed_in: &SignedIn,
    now: UnixTime,
) -> Result<Option<Answered>, Error> {
    let Purpose::Authorize(request) = &journey.purpose;
    let Given { permission, code } = give::grant(app, request, &signed_in.sign_in, now);
    let is_first = app.store.answer_login(journey.bound.row(), &permission, now).await?;
    let url = journey.reply().with_code(&code.expose());
    Ok(is_first.then(|| Answered { url, client: journey.client(app) }))
}

/// The outcome of a button on a journey's page.
pub(crate) enum Decided {
    /// The answer for the client.
    Answer(Answered),
    /// The browser goes to the upstream.
    Depart(Departure),
    /// Show the journey's page again.
    Page,
    /// There is no such journey, or it belongs to another browser.
    Unknown,
}

/// Takes a button of the journey's pages: continue as the person shown, use another account, try again, or cancel.
pub(crate) async fn decide(app: &App, id: RowId, submitted: Submitted<'_>, now: UnixTime) -> Result<Decided, Error> {
    let journey = match Journey::load(app, id, submitted.binding, now).await? {
        Loaded::Journey(journey) => journey,
        Loaded::Rejected(_) => return Ok(Decided::Page),
        Loaded::Unknown => return Ok(Decided::Unknown),
    };
    let (Purpose::Authorize(request), row) = (&journey.purpose, journey.bound.row());
    let signed_in = match row.stage {
        Stage::Identified { sign_in } => sign_in::find(app, Some(sign_in), now).await?,
        _ => None,
    };
    let person = signed_in.as_ref().map(|signed_in| &signed_in.person.id);
    let form = form(request, id, submitted.browser, person);
    if submitted.browser.is_empty() || form.verify(app, submitted.token, now).is_none() {
        return Ok(Decided::Page);
    }
    let depart = async |account| {
        let departure = begin::retry(app, request, &journey.bound, account).await?;
        Ok(departure.map_or(Decided::Page, Decided::Depart))
    };
    match (submitted.pressed, &row.stage, signed_in) {
        (Some(Pressed::Allow), Stage::Identified { .. }, Some(signed_in)) => {
            let answered = issue_code(app, &journey, &signed_in, now).await?;
            Ok(answered.map_or(Decided::Page, Decided::Answer))
        }
        (Some(Pressed::Switch), Stage::Identified { .. } | Stage::Allowed { .. }, _) => {
            depart(Account { upstream: &row.upstream, select: true }).await
        }
        (Some(Pressed::Upstream(name)), Stage::Allowed { .. }, _) if app.upstream(&name).is_some() => {
            depart(Account { upstream: &name, select: false }).await
        }
        (Some(Pressed::Cancel), Stage::Identified { .. } | Stage::Allowed { .. }, _) => {
            app.store.spend_login(id).await?;
            let notice = match &row.stage {
                Stage::Allowed { notice } => Notice::from_text(notice),
                _ => None,
            };
            let error = notice.as_ref().map_or_else(denied, Notice::when_cancelled);
            Ok(Decided::Answer(Answered { url: journey.reply().with_error(&error), client: journey.client(app) }))
        }
        _ => Ok(Decided::Page),
    }
}

/// The fields of a submitted form.
pub(crate) struct Submitted<'a> {
    /// The button; `None` if the value is unknown.
    pub pressed: Option<Pressed>,
    /// The form token.
    pub token: &'a str,
    /// The value of the `browser` cookie, or empty.
    pub browser: &'a str,
    /// The journey's cookie, if the browser has it.
    pub binding: Option<Binding>,
}

pub(crate) fn form<'a>(
    request: &'a AuthorizationRequest,
    id: RowId,
    browser: &'a str,
    person: Option<&'a PersonId>,
) -> Form<'a> {
    Form { purpose: PURPOSE, browser, person, request, login: Some(id) }
}
