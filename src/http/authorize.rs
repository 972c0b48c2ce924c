//! `GET /oauth/authorize` (RFC 6749 section 3.1): the consent page, or an answer where none is needed. Writes nothing
//! unless a consent is remembered.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use crate::clock::UnixTime;
use crate::flow::authorize::{self, Answer, AuthorizationRequest, Next, Question, Refusal};
use crate::flow::consent::{Form, PURPOSE};
use crate::oauth::client::Client;
use crate::oauth::client_document::Unusable;

use super::error::page_of;
use super::extract::{Now, signed_in};
use super::layers::request_id;
use super::pages;
use super::view::{self, Web};

pub(super) async fn show(
    State(web): State<Web>,
    Now(now): Now,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    session: Session,
) -> Response {
    let request = match authorize::parse(&web.app, &query.unwrap_or_default(), now).await {
        Ok(request) => request,
        Err(refusal) => return refused(&web, refusal),
    };
    let signed_in = match signed_in(&web, &session, now).await {
        Ok(signed_in) => signed_in,
        Err(error) => return page_of(&web, error),
    };
    match authorize::next(&web.app, &request, signed_in, now).await {
        Ok(Next::Ask(question)) => ask(&web, &request, (&question, None), (&headers, now)),
        Ok(Next::Answer(url)) => found(&url),
        Ok(Next::Refuse(answer)) => refused(&web, Refusal::Answer(answer)),
        Err(error) => page_of(&web, error),
    }
}

/// The consent page, with one line why it is shown again.
pub(super) fn ask(
    web: &Web,
    request: &AuthorizationRequest,
    (question, notice): (&Question, Option<&str>),
    (headers, now): (&HeaderMap, UnixTime),
) -> Response {
    let (browser, cookie) = web.names.keep_browser(headers);
    let person = question.signed_in.as_ref().map(|signed_in| &signed_in.person);
    let form =
        Form { purpose: PURPOSE, browser: &browser, person: person.map(|person| &person.id), request, login: None };
    let token = match form.token(&web.app, now) {
        Ok(token) => token,
        Err(error) => return page_of(web, error),
    };
    let before = question.before.as_ref();
    let page = pages::Consent {
        layout: web.layout(),
        client_name: request.client.name().to_owned(),
        source: view::source(&request.client),
        destination: view::destination(request.return_to.redirect_uri()),
        native_only: request.client.metadata.is_native_only(),
        scopes: web.scope_lines(&request.scopes, &request.resources, before),
        seen: person.map(|_| view::seen(before)),
        lasts: view::lasts(&web.app.settings),
        account: person.map(view::account),
        upstreams: web.upstreams(),
        notice: notice.map(str::to_owned),
        action: web.path("/oauth/consent"),
        request: request.raw.clone(),
        token,
        details: view::details(request),
    };
    let mut response = web.page(StatusCode::OK, &page);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// See Other: the browser goes there with a GET (RFC 9110 section 15.4.4). In answer to a form only to our own pages.
pub(super) fn found(url: &str) -> Response {
    (
        StatusCode::SEE_OTHER,
        [(header::LOCATION, url), (header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "same-origin")],
    )
        .into_response()
}

/// Why there is no valid request, told to whoever can be told.
pub(super) fn refused(web: &Web, refusal: Refusal) -> Response {
    match refusal {
        Refusal::Page(error) => page_of(web, error),
        Refusal::UnknownClient { client_id, redirect_uri } => unknown_client(web, &client_id, &redirect_uri),
        Refusal::Document { client_id, why } => unusable_document(web, &client_id, &why),
        Refusal::UnknownRedirectUri { client, redirect_uri } => unknown_redirect_uri(web, &client, &redirect_uri),
        Refusal::Answer(answer) if answer.at_once => found(&answer.return_to.with_error(&answer.error)),
        Refusal::Answer(answer) => with_link(web, &answer),
    }
}

/// An app that asks with a client id that is not, or not any more, known here.
fn unknown_client(web: &Web, client_id: &str, redirect_uri: &str) -> Response {
    problem(
        web,
        Words {
            title: "This app is not known here",
            message:
                "The app asks with a registration that this server does not have. It may have been made on another \
                  server, or long ago."
                    .into(),
            next: "Remove this connection in the app and add it again: it then registers anew. In Claude: Settings, \
               Connectors, remove, then add the custom connector again. In Claude Code: /mcp, then clear the \
               authentication and sign in again.",
            details: vec![("client_id", &ascii(client_id)), ("redirect_uri", &ascii(redirect_uri))],
            link: None,
        },
    )
}

/// An app whose metadata document cannot be used.
fn unusable_document(web: &Web, client_id: &str, unusable: &Unusable) -> Response {
    let Unusable { host, why, passes, .. } = unusable;
    let (status, title, next) = if *passes {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The app's description cannot be read just now",
            "Wait a moment and reload this page. If that does not help, tell whoever makes the app.",
        )
    } else {
        (
            StatusCode::BAD_REQUEST,
            "The app's description does not work",
            "Go back to the app and try to connect again. If that does not help, tell whoever makes the app.",
        )
    };
    let shown_id = ascii(client_id);
    let words = Words {
        title,
        message: format!("The app describes itself in a document at {host}, which this server cannot use: {why}."),
        next,
        details: vec![("client_id", &shown_id)],
        link: None,
    };
    let mut response = problem(web, words);
    *response.status_mut() = status;
    response
}

/// An app that wants the answer somewhere else than it registered.
fn unknown_redirect_uri(web: &Web, client: &Client, redirect_uri: &str) -> Response {
    problem(
        web,
        Words {
            title: "The answer would go to the wrong place",
            message: format!(
                "{} asks for the answer at an address that it did not register, so nothing is sent there.",
                client.name()
            ),
            next: "If you came here from the app itself, remove the connection there and add it again. If you came here by \
               a link that somebody sent you, close this page.",
            details: vec![("client_id", client.id.as_str()), ("redirect_uri", &ascii(redirect_uri))],
            link: None,
        },
    )
}

/// An error for a client that nobody here has allowed anything yet: a page instead of a redirect, so that a link to this
/// server leads nowhere else by itself (RFC 9700 section 4.11.2).
fn with_link(web: &Web, answer: &Answer) -> Response {
    let host = answer.return_to.redirect_uri().host();
    let url = answer.return_to.with_error(&answer.error);
    problem(
        web,
        Words {
            title: "The app's request does not work",
            message: format!("{} asked for something that this server cannot give.", answer.client_name),
            next: "Go back to the app only if you came from there.",
            details: vec![("Error", answer.error.code.as_str()), ("Description", &answer.error.description)],
            link: Some((format!("Back to {host}"), url)),
        },
    )
}

/// What came as an id or a URI, both of which are ASCII: anything else, invisible and bidirectional characters too, is
/// shown as a sign of its own.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

struct Words<'a> {
    title: &'a str,
    message: String,
    next: &'a str,
    details: Vec<(&'a str, &'a str)>,
    link: Option<(String, String)>,
}

fn problem(web: &Web, words: Words<'_>) -> Response {
    let details = words.details.into_iter().filter(|(_, value)| !value.is_empty());
    let page = pages::Problem {
        layout: web.layout(),
        title: words.title.to_owned(),
        message: words.message,
        next: Some(words.next.to_owned()),
        link: words.link,
        details: details.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        request_id: request_id(),
    };
    web.page(StatusCode::BAD_REQUEST, &page)
}
