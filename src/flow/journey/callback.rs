//! Takes the upstream's answer: claims it once, verifies it, and admits or rejects the person (OpenID Connect Core section
//! 3.1.2.5). [`next`](super::login::next), the dispatcher, then decides what the browser sees.

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::person::admission;
use crate::flow::person::sign_in::SESSION_LIFETIME;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::Error;
use crate::oauth::grant::{Origin, Person, PersonId, RowId};
use crate::oauth::masked::{Hidden, without_addresses};
use crate::oauth::name::showable;
use crate::oauth::params::Params;
use crate::oauth::provider_claims::ProviderClaims;
use crate::oauth::token::TokenHash;
use crate::random;
use crate::store::{LoginRow, SignIn, SignedIn};
use crate::upstream::{self, Identity};

use super::load::{Binding, Bound};
use super::notice::Notice;

/// The longest `sub` of an upstream, in bytes (OpenID Connect Core section 2).
const MAX_SUB: usize = 255;

/// The longest `sid` of an upstream that is kept, in bytes: it is a key in rows.
const MAX_SID: usize = 512;

/// The outcome of the upstream's answer.
#[derive(Debug)]
pub(crate) enum Returned {
    /// The browser goes on to the journey's own page. The person may have just signed in.
    Journey {
        login: RowId,
        /// The new sign-in, which the browser's session must refer to from now on.
        sign_in: Option<RowId>,
    },
    /// No journey has this state, or it has expired; the state is an old one, in a browser that did not begin the
    /// journey; or the current attempt is at another upstream than this callback's.
    Unknown,
    /// The answer is genuine, but this browser did not begin the journey. The browser that did can still finish it.
    OtherBrowser {
        /// For the log.
        client: ClientId,
    },
}

/// A request to the callback of an upstream.
pub(crate) struct Arrival<'a> {
    /// The upstream whose callback was requested.
    pub upstream: &'a str,
    /// The query of the request.
    pub params: &'a Params,
}

/// Takes the upstream's answer at that upstream's own callback. `binding` finds the cookie of a journey.
///
/// The order matters. An unverified state spends nothing, since ids can be guessed. A genuine state in the wrong
/// browser, which may have opened a link from an email, spends nothing either: the provider's code is not read, and the
/// first browser can go on. Only one request may claim an attempt. In the right browser, an old state (a reload, or the
/// answer to an earlier attempt) and a lost claim lead to the journey's page.
pub(crate) async fn callback(
    app: &App,
    arrival: Arrival<'_>,
    binding: impl Fn(RowId) -> Option<Binding>,
    now: UnixTime,
) -> Result<Returned, Error> {
    let Arrival { upstream, params } = arrival;
    let Some(state) = params.one("state")? else { return Ok(Returned::Unknown) };
    let id = state.split_once('.').and_then(|(id, _)| RowId::parse(id));
    let Some(id) = id else { return Ok(Returned::Unknown) };
    let Some(login) = app.store.find_login(id, now).await? else { return Ok(Returned::Unknown) };
    let state_hash = TokenHash::of(state.as_bytes());
    let is_current = state_hash.matches(&login.state_hash);
    let client = login.client.clone();
    let Some(bound) = binding(id).and_then(|binding| Bound::new(login, binding)) else {
        return Ok(if is_current { Returned::OtherBrowser { client } } else { Returned::Unknown });
    };
    let login = bound.row();
    let journey = Returned::Journey { login: id, sign_in: None };
    if !is_current {
        // A reload, or a second delivery: the dispatcher decides by the row what comes next.
        return Ok(journey);
    }
    let Some(provider) = app.upstream(upstream).filter(|_| login.upstream == upstream) else {
        return Ok(Returned::Unknown);
    };
    let iss = params.one("iss")?;
    let code = params.one("code")?;
    let error = params.one("error")?;
    if !app.store.claim_login(login, &state_hash, now).await? {
        return Ok(journey);
    }
    let identity = match (provider.verify_iss(iss).await, error, code) {
        (Err(error), ..) => Err(log_failure(upstream, error)),
        (Ok(()), Some(error), _) => {
            let notice = notice_of(error);
            if notice != Notice::Declined {
                log_refusal(upstream, params);
            }
            Err(notice)
        }
        (Ok(()), None, None) => {
            tracing::warn!(upstream, "the upstream's answer has neither a code nor an error");
            Err(Notice::Invalid)
        }
        (Ok(()), None, Some(code)) => exchange(app, provider, &bound, Presented { code, now }).await,
    };
    match identity {
        Ok(identity) => identify(app, login, Vouched { provider, identity }, now).await,
        Err(notice) => {
            app.store.release_login(login, &notice.to_text()).await?;
            Ok(journey)
        }
    }
}

/// Redeems the upstream's code for a verified identity.
async fn exchange(
    app: &App,
    provider: &upstream::Upstream,
    bound: &Bound,
    presented: Presented<'_>,
) -> Result<Identity, Notice> {
    let Presented { code, now } = presented;
    let bounds = bound.bounds(app, now).await.map_err(|_| Notice::Invalid)?;
    let exchanged = provider.exchange(code, &bound.attempt(bounds), now).await;
    exchanged.map_err(|error| log_failure(&bound.row().upstream, error))
}

/// The upstream's code, and when it came.
struct Presented<'a> {
    code: &'a str,
    now: UnixTime,
}

/// Logs why the upstream's answer failed. Returns what the person is told.
fn log_failure(upstream: &str, error: upstream::Error) -> Notice {
    tracing::warn!(upstream, error = error.for_log(), "the upstream's answer came to nothing");
    match error {
        upstream::Error::Unreachable { .. } => Notice::Unreachable,
        upstream::Error::Refused { code, .. } => notice_of_code(&code),
        upstream::Error::UndatedSignIn => Notice::Undated,
        upstream::Error::OldSignIn { .. } => Notice::Old,
        upstream::Error::NotFresh { .. } => Notice::NotFresh,
        upstream::Error::Invalid { .. } => Notice::Invalid,
    }
}

/// A verified identity, and the provider that vouches for it.
struct Vouched<'a> {
    provider: &'a upstream::Upstream,
    identity: Identity,
}

/// Stores the person and the sign-in, if the person may come in.
///
/// If they may not, the stored claims are updated all the same: grants and sessions from earlier sign-ins are judged by
/// them, and end when they are used next.
async fn identify(app: &App, login: &LoginRow, vouched: Vouched<'_>, now: UnixTime) -> Result<Returned, Error> {
    let Vouched { provider, identity } = vouched;
    let person = Person {
        id: PersonId::new(&identity.issuer, &identity.sub),
        origin: Origin { issuer: identity.issuer, claims: Some(ProviderClaims { google: identity.google }) },
        sub: identity.sub,
        email: identity.email.filter(|email| !email.contains(char::is_control)),
        email_verified: identity.email_verified,
        name: identity.name.and_then(|name| showable(&name)),
    };
    if person.sub.contains('\0') || person.sub.len() > MAX_SUB {
        tracing::warn!(upstream = login.upstream, "the upstream's sub cannot be kept");
        app.store.release_login(login, &Notice::Invalid.to_text()).await?;
        return Ok(Returned::Journey { login: login.id, sign_in: None });
    }
    if !admission::is_admitted_by(&app.settings, provider.settings(), &person) {
        tracing::info!(person = %person.id, "refused by the access rules");
        app.store.renew_person(&person, now).await?;
        app.store.release_login(login, &Notice::NotAllowed(Hidden(person.label().to_owned())).to_text()).await?;
        return Ok(Returned::Journey { login: login.id, sign_in: None });
    }
    let sign_in = SignIn {
        id: RowId::new(now, random::bytes()),
        person: person.id.clone(),
        upstream: login.upstream.clone(),
        upstream_sid: identity.sid.filter(|sid| !sid.contains('\0') && sid.len() <= MAX_SID).unwrap_or_default(),
        auth_time: identity.auth_time,
        created_at: now,
        expires_at: now + SESSION_LIFETIME,
    };
    let signed_in = SignedIn { sign_in, person };
    let identified = app.store.identify_login(login, &signed_in, now).await?;
    Ok(Returned::Journey { login: login.id, sign_in: identified.then_some(signed_in.sign_in.id) })
}

/// Logs the upstream's own words for the operator. The person sees a known code at most.
fn log_refusal(upstream: &str, params: &Params) {
    let said = |name| {
        let said: String = params.one(name).ok().flatten().unwrap_or_default().chars().take(300).collect();
        without_addresses(&said).into_owned()
    };
    let (error, description) = (said("error"), said("error_description"));
    tracing::warn!(upstream, error, description, "the upstream answered with an error");
}

/// What an upstream's error at the authorization endpoint means for the person.
fn notice_of(error: &str) -> Notice {
    match error {
        "access_denied"
        | "consent_required"
        | "login_required"
        | "interaction_required"
        | "account_selection_required" => Notice::Declined,
        "temporarily_unavailable" | "server_error" => Notice::Unreachable,
        _ => notice_of_code(error),
    }
}

/// A refusal by a known code (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707 section 2). Other texts of an upstream are not
/// shown.
fn notice_of_code(error: &str) -> Notice {
    Notice::Refused(
        match error {
            "invalid_request"
            | "invalid_client"
            | "invalid_grant"
            | "unauthorized_client"
            | "unsupported_grant_type"
            | "unsupported_response_type"
            | "invalid_scope"
            | "invalid_target" => error,
            _ => "unknown_error",
        }
        .to_owned(),
    )
}
