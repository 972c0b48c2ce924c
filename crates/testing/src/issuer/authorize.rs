//! The issuer's authorization endpoint (OpenID Connect Core section 3.1.2) and its one page.
//!
//! The page asks for a name; there is no password. A cookie remembers the last account, so that the next login does not
//! ask, unless `prompt` or `max_age` requires it. The form's answer leaves the origin by a 303, so the page's policy has no
//! `form-action`: Chromium would apply it to every redirect that follows.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use serde::{Deserialize, Serialize};
use url::Url;

use super::account::Account;
use super::answer::header_text;
use super::fault::Fault;
use super::state::{CODE_LIFETIME, Code, Shared, secret};
use crate::form::Form;

/// The cookie of the last account. Cookies ignore ports, so the name must not collide with those of other servers.
const COOKIE: &str = "jean_dev_account";

/// The only page: a form with `name` and `email`, whose answer is `sign-in` or `cancel`.
#[derive(Debug, Template)]
#[template(path = "login.html")]
struct Login<'a> {
    /// Where the form goes.
    action: String,
    /// The client that the person signs in for.
    client: &'a str,
    /// The name that was typed, or that of the last account.
    name: &'a str,
    /// The problem with the last answer.
    error: Option<&'a str>,
}

/// The last account, as the cookie stores it.
#[derive(Deserialize, Serialize)]
struct Remembered {
    name: String,
    email: String,
    at: i64,
}

/// An authorization request with a valid redirect URI.
struct AuthorizationRequest {
    redirect_uri: Url,
    state: Option<String>,
    params: Form,
}

/// `GET /authorize`.
pub(super) async fn page(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = query.unwrap_or_default();
    let request = match AuthorizationRequest::parse(&shared, &query) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    let param = |name| request.params.one(name);
    let account = shared.memory().account.clone();
    if let Some(account) = account {
        return request.grant(&shared, account, shared.now());
    }
    let prompts: Vec<&str> = param("prompt").unwrap_or_default().split(' ').collect();
    let max_age = param("max_age").and_then(|seconds| seconds.parse::<u32>().ok());
    let remembered = remembered(&headers);
    let fresh =
        |last: &Remembered| max_age.is_none_or(|max_age| shared.now().saturating_sub(last.at) <= i64::from(max_age));
    match &remembered {
        Some(last) if fresh(last) && !prompts.iter().any(|prompt| matches!(*prompt, "login" | "select_account")) => {
            request.grant(&shared, account_of(&last.name, &last.email), last.at)
        }
        _ if prompts.contains(&"none") => request.reject(&shared, "login_required", None),
        _ => {
            let name = remembered.as_ref().map_or("", |last| last.name.as_str());
            login_page(StatusCode::OK, &Login { name, ..request.login(&shared, &query) })
        }
    }
}

/// `POST /authorize`: the form's answer.
pub(super) async fn sign_in(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery, body: Bytes) -> Response {
    let query = query.unwrap_or_default();
    let request = match AuthorizationRequest::parse(&shared, &query) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    let form = Form::parse(&body);
    let field = |name| form.one(name).map(str::trim).unwrap_or_default();
    if field("answer") == "cancel" {
        return request.reject(&shared, "access_denied", Some("The person cancelled."));
    }
    let (name, email) = (field("name"), field("email"));
    let problem = match () {
        () if name.is_empty() => "Type a name.",
        () if name.len() > 200 || email.len() > 200 => "That is too long.",
        () if !email.is_empty() && !email.contains('@') => "An email address has an @ in it.",
        () => "",
    };
    if !problem.is_empty() {
        let page = Login { name, error: Some(problem), ..request.login(&shared, &query) };
        return login_page(StatusCode::BAD_REQUEST, &page);
    }
    let now = shared.now();
    let last = Remembered { name: name.to_owned(), email: email.to_owned(), at: now };
    let value = URL_SAFE_NO_PAD.encode(serde_json::to_string(&last).unwrap_or_default());
    let cookie = Cookie::build((COOKIE, value)).path("/").http_only(true).same_site(SameSite::Lax).build();
    let mut response = request.grant(&shared, account_of(name, email), now);
    if let Ok(cookie) = cookie.to_string().parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// `GET /style.css`.
pub(super) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../templates/style.css")).into_response()
}

impl AuthorizationRequest {
    /// Validates a request. The error is the response.
    fn parse(shared: &Shared, query: &str) -> Result<Self, Box<Response>> {
        let params = Form::parse(query.as_bytes());
        let param = |name| params.one(name);
        let refused = |reason: String| Box::new((StatusCode::BAD_REQUEST, reason).into_response());
        if param("client_id") != Some(&shared.options.client_id) {
            return Err(refused("This issuer does not know that client_id.\n".into()));
        }
        let uri = param("redirect_uri").unwrap_or_default();
        if !shared.memory().redirect_uris.iter().any(|known| known == uri) {
            return Err(refused(format!("The redirect_uri {uri:?} is not registered for this client.\n")));
        }
        let redirect_uri =
            Url::parse(uri).map_err(|error| refused(format!("The redirect_uri is not a URL: {error}\n")))?;
        let state = param("state").map(str::to_owned);
        let missing = [
            ("state", param("state").is_some()),
            ("nonce", param("nonce").is_some()),
            ("response_type=code", param("response_type") == Some("code")),
            ("scope=openid", param("scope").is_some_and(|scope| scope.split(' ').any(|word| word == "openid"))),
            ("code_challenge", param("code_challenge").is_some()),
            ("code_challenge_method=S256", param("code_challenge_method") == Some("S256")),
        ];
        let missing = missing.into_iter().find(|(_, present)| !present).map(|(name, _)| name);
        let request = AuthorizationRequest { redirect_uri, state, params };
        if let Some(Fault::AuthorizeError(code, description)) = shared.fault() {
            return Err(Box::new(request.reject(shared, &code, Some(&description))));
        }
        if let Some(name) = missing {
            return Err(Box::new(request.reject(shared, "invalid_request", Some(&format!("{name} is missing")))));
        }
        Ok(request)
    }

    /// The page that asks for the account, still empty.
    fn login<'a>(&self, shared: &'a Shared, query: &str) -> Login<'a> {
        Login { action: format!("/authorize?{query}"), client: &shared.options.client_id, name: "", error: None }
    }

    fn reject(&self, shared: &Shared, code: &str, description: Option<&str>) -> Response {
        let mut answer = vec![("error", code)];
        answer.extend(description.map(|text| ("error_description", text)));
        self.redirect(shared, &answer)
    }

    fn grant(&self, shared: &Shared, account: Account, auth_time: i64) -> Response {
        let param = |name| self.params.one(name).unwrap_or_default().to_owned();
        let now = shared.now();
        let code = secret();
        {
            let codes = &mut shared.memory().codes;
            codes.retain(|_, code| code.expires_at > now);
            codes.insert(
                code.clone(),
                Code {
                    account,
                    auth_time,
                    nonce: param("nonce"),
                    redirect_uri: param("redirect_uri"),
                    challenge: param("code_challenge"),
                    scope: param("scope"),
                    expires_at: now + CODE_LIFETIME,
                },
            );
        }
        self.redirect(shared, &[("code", &code)])
    }

    fn redirect(&self, shared: &Shared, answer: &[(&str, &str)]) -> Response {
        let iss = match shared.fault() {
            Some(Fault::WrongIssuerInCallback) => "https://idp.example",
            _ => &shared.url,
        };
        let mut url = self.redirect_uri.clone();
        url.query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(self.state.iter().map(|state| ("state", state)))
            .append_pair("iss", iss);
        let headers = [(header::LOCATION, url.as_str()), (header::CACHE_CONTROL, "no-store")];
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

fn login_page(status: StatusCode, page: &Login<'_>) -> Response {
    let page = match page.render() {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, "the dev issuer cannot show its page");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(page)).into_response()
}

fn remembered(headers: &HeaderMap) -> Option<Remembered> {
    let cookies = header_text(headers, header::COOKIE)?;
    let cookie = Cookie::split_parse(cookies).filter_map(Result::ok).find(|cookie| cookie.name() == COOKIE)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cookie.value()).ok()?).ok()
}

fn account_of(name: &str, email: &str) -> Account {
    let account = Account::named(name);
    if email.is_empty() { account } else { Account { email: Some(email.to_owned()), ..account } }
}
