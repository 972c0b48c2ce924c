//! Begins an attempt at an upstream: after the person agreed, stores the journey's row and sends the browser away.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::error::Error;
use crate::oauth::grant::RowId;

use super::form::VerifiedForm;
use super::load::{Binding, Bound};
use super::request::AuthorizationRequest;

/// The browser leaves for an upstream, or for the journey's own page if the upstream cannot be reached.
pub(crate) struct Departure {
    pub login: RowId,
    /// The cookie to set, if the journey is new.
    pub binding: Option<Binding>,
    /// The upstream's authorization URL; `None` if the upstream cannot be reached. The journey's page then says so.
    pub url: Option<String>,
    /// The upstream's name for people.
    pub label: String,
}

/// Input of [`begin`].
pub(crate) struct Start<'a> {
    /// The request that the person agreed to.
    pub request: &'a AuthorizationRequest,
    /// The form by which they agreed.
    pub form: &'a VerifiedForm,
    pub upstream: &'a str,
    /// Whether the person asked for another account.
    pub select_account: bool,
}

/// Begins a journey at an upstream. Before the person agrees there is neither a row nor an attempt. If the form
/// is posted again, another journey begins, with a cookie of its own; `None` if the form has begun as many as it may.
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

/// Begins another attempt with its own state, nonce and PKCE verifier; `None` if the journey has moved on meanwhile.
/// The state of the attempt before is no longer valid: an answer to it, from another tab, only leads to the journey's
/// page.
pub(crate) async fn retry(
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
    pub(crate) upstream: &'a str,
    /// Whether the person asked for another account.
    pub(crate) select: bool,
}

/// Sends the journey's browser to the upstream of the current attempt.
async fn departure(app: &App, request: &AuthorizationRequest, bound: &Bound, select_account: bool) -> Departure {
    let (login, name) = (bound.row().id, &bound.row().upstream);
    let Some(upstream) = app.upstream(name) else {
        return Departure { login, binding: None, url: None, label: name.clone() };
    };
    let mut attempt = bound.attempt(request.bounds());
    // If no page of ours asks for the account afterwards, the upstream's page must.
    let offers_accounts = upstream.settings().is_google();
    attempt.select_account = select_account || request.prompt.select_account || offers_accounts;
    let mut url = upstream.authorization_url(&attempt);
    if url.is_err() {
        // The upstream was never discovered. It may be up by now; if it is not, `discover` has logged it.
        let _ = upstream.discover().await;
        url = upstream.authorization_url(&attempt);
    }
    Departure { login, binding: None, url: url.ok(), label: upstream.settings().label.clone() }
}

/// The upstream of this name, or the first one if it is no longer configured.
pub(crate) fn upstream_of(app: &App, name: &str) -> String {
    let known = app.upstream(name).or_else(|| app.upstreams.first());
    known.map_or_else(String::new, |upstream| upstream.settings().name.clone())
}
