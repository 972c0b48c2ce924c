//! `GET /oauth/authorize` (RFC 6749 section 3.1): the consent page, or an answer where none is needed. Writes nothing
//! unless a consent is remembered.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use crate::clock::UnixTime;
use crate::flow::authorize::{self, Answer, AuthorizationRequest, Next, Question, Refusal};
use crate::flow::consent::{Form, PURPOSE};
use crate::oauth::client::{Client, ClientOrigin};

use super::apps::{self, Recognised};
use super::error::page_of;
use super::extract::{Now, signed_in};
use super::layers::request_id;
use super::pages::{self, Advice};
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
    let page = pages::Consent {
        layout: web.layout(),
        client_name: request.client.headline(),
        source: view::source(&request.client),
        destination: view::destination(request.return_to.redirect_uri()),
        scopes: web.scope_lines(request, &question.past),
        learns: view::learns(request, &question.past),
        seen: person.map(|_| view::seen(request, &question.past)),
        lasts: view::lasts(&web.app.settings, &request.client),
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
            next: format!("Connect the app anew: it then introduces itself again. {BY_A_LINK}"),
            advice: advice(web, client_id, redirect_uri),
            details: vec![("client_id", &ascii(client_id)), ("redirect_uri", &ascii(redirect_uri))],
            link: None,
        },
    )
}

/// What to do with a link that leads to such a page.
const BY_A_LINK: &str = "If you came here by a link that somebody sent you, close this page.";

/// An app that wants the answer somewhere else than it registered.
fn unknown_redirect_uri(web: &Web, client: &Client, redirect_uri: &str) -> Response {
    let (next, advice) = match client.origin {
        ClientOrigin::Registered => (
            "Connect the app anew: it then registers the address that it uses now.",
            advice(web, client.id.as_str(), redirect_uri),
        ),
        ClientOrigin::Configured => (
            "Tell whoever runs this server: the address is missing in the configuration of the app, or is another one there.",
            Vec::new(),
        ),
        ClientOrigin::Document => {
            ("Update the app, and connect again. If that does not help, tell whoever makes it.", Vec::new())
        }
    };
    problem(
        web,
        Words {
            title: "The answer would go to the wrong place",
            message: format!(
                "{} asks for the answer at an address that it did not register, so nothing is sent there.",
                client.headline()
            ),
            next: format!("{next} {BY_A_LINK}"),
            advice,
            details: vec![("client_id", client.id.as_str()), ("redirect_uri", &ascii(redirect_uri))],
            link: None,
        },
    )
}

/// Which buttons to press, in the app that asks or in those that may be meant.
fn advice(web: &Web, client_id: &str, redirect_uri: &str) -> Vec<Advice> {
    let server = match web.app.settings.mounts.as_slice() {
        [only] => Some((web.mount_name(only), only.resource.to_string())),
        _ => None,
    };
    let steps = |app: &apps::App| app.steps(server.as_ref().map(|(name, url)| (name.as_str(), url.as_str())));
    let of = |words: &str, app: &apps::App| Advice { title: format!("{words} {}", app.name), steps: steps(app) };
    let mut advice: Vec<Advice> = match apps::recognise(client_id, redirect_uri) {
        Recognised::One(app) => return vec![of("In", app)],
        Recognised::Perhaps(apps) => apps.into_iter().map(|app| of("If this is", app)).collect(),
    };
    let title = if advice.is_empty() { "In the app" } else { "In another app" }.to_owned();
    let words = "Remove the connection to this server, add it again, and sign in.";
    let url = server.as_ref().map_or_else(String::new, |(_, url)| url.clone());
    advice.push(Advice { title, steps: vec![(words.to_owned(), url)] });
    advice
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
            next: "Go back to the app only if you came from there.".into(),
            advice: Vec::new(),
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
    next: String,
    advice: Vec<Advice>,
    details: Vec<(&'a str, &'a str)>,
    link: Option<(String, String)>,
}

fn problem(web: &Web, words: Words<'_>) -> Response {
    let details = words.details.into_iter().filter(|(_, value)| !value.is_empty());
    let page = pages::Problem {
        layout: web.layout(),
        title: words.title.to_owned(),
        message: words.message,
        next: Some(words.next),
        advice: words.advice,
        link: words.link,
        details: details.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        request_id: request_id(),
    };
    web.page(StatusCode::BAD_REQUEST, &page)
}
