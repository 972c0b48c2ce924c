//! The journey's own page: [`next`] is the dispatcher, which decides from the row alone what comes next, so that every step
//! writes the row and comes back to it; [`decide`] takes the page's buttons.

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

/// How long the look at an upstream's answer may take before it counts as crashed, in seconds.
const EXCHANGE_TIMEOUT: i64 = 30;

/// The name of the forms on a journey's pages.
const PURPOSE: &str = "login";

/// Where a journey stands, for its page.
pub(crate) enum Next {
    /// The person has to go to the upstream, again or at last.
    SignIn {
        /// The request of the journey.
        request: Box<AuthorizationRequest>,
        /// Why they are not signed in yet, if they tried.
        notice: Option<Notice>,
        /// The upstream of the last attempt.
        upstream: String,
    },
    /// The upstream's answer is being looked at: one moment.
    Wait,
    /// First time for this person and client, or more than the last time: "Continue as …?"
    Confirm(Box<AuthorizationRequest>, Box<Confirm>),
    /// The client has its answer: send the browser there.
    Answer(Answered),
    /// All is said and done.
    Done(Headline),
    /// The request is not valid any more.
    Refuse(Rejection),
    /// There is no such journey, or not in this browser, or it is over.
    Unknown,
}

/// What the page after the sign-in shows.
#[derive(Debug)]
pub(crate) struct Confirm {
    /// Who signed in.
    pub signed_in: SignedIn,
    /// What they allowed this client before.
    pub past: Past,
}

/// The dispatcher: where the journey stands and what comes next, from its row alone.
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
            // The answer was lost on its way to the browser: another code for the same grant, if nobody used the first.
            let code = AuthorizationCode::new(grant);
            if app.store.renew_code(grant, &give::new_code(app, &code, now), now).await? {
                return Ok(Next::Answer(Answered { url: journey.reply().with_code(&code.expose()), client }));
            }
            Ok(Next::Done(client))
        }
        // Cancelled: there is nothing to go on with.
        Stage::Answered { grant: None } => Ok(Next::Unknown),
    }
}

impl Journey {
    fn sign_in(self, notice: Option<Notice>) -> Next {
        let Purpose::Authorize(request) = self.purpose;
        Next::SignIn { request, notice, upstream: self.bound.row().upstream.clone() }
    }

    /// What pages call the client that it is for.
    fn client(&self, app: &App) -> Headline {
        let Purpose::Authorize(request) = &self.purpose;
        app.headline(&request.client)
    }
}

/// The answer to a client.
pub(crate) struct Answered {
    /// Where the browser goes with it.
    pub url: String,
    /// What pages call the client.
    pub client: Headline,
}

/// identified -> answered: the grant, the consent, and the code for the client. `None` if another request was faster; then
/// the row tells what it did.
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

/// What comes of a button on a journey's page.
pub(crate) enum Decided {
    /// The client has its answer.
    Answer(Answered),
    /// The browser goes to the upstream.
    Depart(Departure),
    /// The journey's page again.
    Page,
    /// There is no such journey, or not in this browser.
    Unknown,
}

/// Takes a button of the journey's pages: go on as the person shown, use another account, try again, or cancel.
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
        let departure = begin::begin_again(app, request, &journey.bound, account).await?;
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
    /// The button; `None` where it is none of ours.
    pub pressed: Option<Pressed>,
    /// The hidden token.
    pub token: &'a str,
    /// The browser's own random cookie, or empty.
    pub browser: &'a str,
    /// The journey's cookie, if the browser has it.
    pub binding: Option<Binding>,
}

/// The form of a journey's page.
pub(crate) fn form<'a>(
    request: &'a AuthorizationRequest,
    id: RowId,
    browser: &'a str,
    person: Option<&'a PersonId>,
) -> Form<'a> {
    Form { purpose: PURPOSE, browser, person, request, login: Some(id) }
}
