//! The beginning of an attempt at an upstream: the person said yes, so there is a row, and the browser leaves.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::RowId;

use super::form::VerifiedForm;
use super::load::{Binding, Bound};
use super::request::AuthorizationRequest;

/// The browser leaves for an upstream, or for the journey's own page where there is no way.
pub(crate) struct Departure {
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
pub(crate) struct Start<'a> {
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
pub(crate) async fn begin(app: &App, start: Start<'_>, now: UnixTime) -> Result<Option<Departure>, Error> {
    let Start { request, form, upstream, select_account } = start;
    for id in form.journeys() {
        let bound = Bound::begin(id, request, upstream, now);
        if app.store.insert_login(bound.row()).await? {
            let departure = departure(app, request, &bound, select_account).await;
            return Ok(Some(Departure { binding: Some(bound.binding().clone()), ..departure }));
        }
    }
    Ok(None)
}

/// Begins another attempt, with values of its own; `None` if the journey has moved on meanwhile.
pub(crate) async fn begin_again(
    app: &App,
    request: &AuthorizationRequest,
    bound: &Bound,
    account: Account<'_>,
) -> Result<Option<Departure>, Error> {
    let Account { upstream, select } = account;
    let next = bound.with_next_attempt(upstream);
    if !app.store.begin_attempt(bound.row(), upstream, &next.row().state_hash).await? {
        return Ok(None);
    }
    Ok(Some(departure(app, request, &next, select).await))
}

/// Where the person signs in next.
pub(crate) struct Account<'a> {
    /// The upstream.
    pub(crate) upstream: &'a str,
    /// Whether they asked for another account.
    pub(crate) select: bool,
}

/// The departure of a known browser to the upstream of the journey's current attempt.
async fn departure(app: &App, request: &AuthorizationRequest, bound: &Bound, select_account: bool) -> Departure {
    let (login, name) = (bound.row().id, &bound.row().upstream);
    let Some(upstream) = app.upstream(name) else {
        return Departure { login, binding: None, url: None, label: name.clone() };
    };
    let mut attempt = bound.attempt(request.bounds());
    // Where no page of ours asks for the account afterwards, the upstream's has to.
    let offers_accounts = upstream.settings().is_google();
    attempt.select_account = select_account || request.prompt.select_account || offers_accounts;
    let mut url = upstream.authorization_url(&attempt);
    if url.is_err() {
        // Never discovered: the upstream may be up again by now. If it is not, the log has said so.
        let _ = upstream.discover().await;
        url = upstream.authorization_url(&attempt);
    }
    Departure { login, binding: None, url: url.ok(), label: upstream.settings().label.clone() }
}

/// The upstream of this name, or the first one where it is configured no more.
pub(crate) fn upstream_of(app: &App, name: &str) -> String {
    let known = app.upstream(name).or_else(|| app.upstreams.first());
    known.map_or_else(String::new, |upstream| upstream.settings().name.clone())
}
