//! The upstream's answer: claimed once, checked, and turned into somebody who may come in (OpenID Connect Core section
//! 3.1.2.5). What comes next is the dispatcher's word, [`next`](super::login::next).

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

/// What came of the upstream's answer.
#[derive(Debug)]
pub(crate) enum Returned {
    /// Go on with the journey's own page; somebody may be newly signed in.
    Journey {
        /// The journey.
        login: RowId,
        /// The sign-in that the browser's session now rests on.
        sign_in: Option<RowId>,
    },
    /// The state is not one of ours, or its journey is over.
    Unknown,
    /// A genuine answer in a browser that did not begin the journey. The one that did can still finish it.
    OtherBrowser {
        /// The client of the journey.
        client: ClientId,
    },
}

/// A request to the callback of an upstream.
pub(crate) struct Arrival<'a> {
    /// The upstream whose callback it is.
    pub upstream: &'a str,
    /// Its query.
    pub params: &'a Params,
}

/// Takes the answer of the upstream at its own callback. `binding` finds the cookie of a journey.
///
/// The order matters: an unverified state spends nothing, since ids can be guessed; nor does a genuine one in the wrong
/// browser, where a link from an email may have opened: the provider's code is not even looked at, and the first browser
/// goes on. Only one request may claim an attempt.
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
        // A reload, or a second delivery: the row tells what comes next.
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
        (Err(error), ..) => Err(failed(upstream, error)),
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

/// Redeems the upstream's code for an identity that may come in.
async fn exchange(
    app: &App,
    provider: &upstream::Upstream,
    bound: &Bound,
    presented: Presented<'_>,
) -> Result<Identity, Notice> {
    let Presented { code, now } = presented;
    let bounds = bound.bounds(app, now).await.map_err(|_| Notice::Invalid)?;
    let exchanged = provider.exchange(code, &bound.attempt(bounds), now).await;
    exchanged.map_err(|error| failed(&bound.row().upstream, error))
}

/// The upstream's code, and when it came.
struct Presented<'a> {
    code: &'a str,
    now: UnixTime,
}

/// Logs why the upstream's answer came to nothing, and what the person is told of it.
fn failed(upstream: &str, error: upstream::Error) -> Notice {
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

/// Who signed in, and the provider that says so.
struct Vouched<'a> {
    provider: &'a upstream::Upstream,
    identity: Identity,
}

/// Keeps who it is, if they may come in.
///
/// If they may not, what is known of them is brought up to date all the same: what they have from earlier sign-ins is judged
/// by it, and ends when it is used next.
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

/// Tells the operator what the upstream says of its refusal, of which the person is shown a known code at most.
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

/// A refusal by a known code (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8707 section 2): what else an upstream says is not shown.
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
