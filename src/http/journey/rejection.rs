//! The pages for a rejected authorization request: what happened, and which button to press in which app. The answer is
//! always a page, whatever `Accept` says, because a person reads it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::flow::journey::reply::{Answer, Rejection};
use crate::http::error_page::error_page;
use crate::http::pages::{Advice, Destination, Link, Problem, Step};
use crate::http::web::{Web, destination};
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_document::{Fault, Unusable};
use crate::oauth::masked::without_addresses;
use crate::wire::record::note_client;

use super::apps::{self, Recognised, Server};
use super::leave::found;

/// What the request says about its client; none of it is verified.
#[derive(Clone, Copy)]
struct Sent<'a> {
    client_id: &'a str,
    redirect_uri: &'a str,
}

/// Renders a rejection: a page for the person, or an error for the client.
pub(crate) fn reject(web: &Web, rejection: Rejection) -> Response {
    match rejection {
        Rejection::Page(error) => error_page(web, error),
        Rejection::UnknownClient { client_id, redirect_uri } => {
            unknown_client(web, Sent { client_id: &client_id, redirect_uri: &redirect_uri })
        }
        Rejection::UnknownRedirectUri { client, redirect_uri } => unknown_redirect_uri(web, &client, &redirect_uri),
        // Without a host, the page for documents has no name to show.
        Rejection::Document { client_id, redirect_uri, unusable } if unusable.host.is_empty() => {
            unknown_client(web, Sent { client_id: &client_id, redirect_uri: &redirect_uri })
        }
        Rejection::Document { client_id, redirect_uri, unusable } => {
            unusable_document(web, Sent { client_id: &client_id, redirect_uri: &redirect_uri }, &unusable)
        }
        Rejection::Answer(answer) if answer.at_once => found(&answer.return_to.with_error(&answer.error)),
        Rejection::Answer(answer) => with_link(web, &answer),
    }
}

/// The client id is not known here, or not any more.
fn unknown_client(web: &Web, sent: Sent<'_>) -> Response {
    let Sent { client_id, redirect_uri } = sent;
    let WayOn { next, advice } = reconnect(web, "It will register again.", sent);
    let message = "The app uses a registration that this server does not have. It may be from another server, or it \
                   may have expired.";
    let details = details([("client_id", &ascii(client_id)), ("redirect_uri", &ascii(redirect_uri))]);
    let page = web.problem("This app is not known here", message, format!("{next} {BY_A_LINK}"));
    note_client(&ascii(client_id));
    web.refusal(StatusCode::BAD_REQUEST, &Problem { advice, details, ..page }, "the client is not known")
}

const BY_A_LINK: &str = "If you followed a link that someone sent you, close this page.";

/// The client wants the answer at an address that it did not register.
fn unknown_redirect_uri(web: &Web, client: &Client, redirect_uri: &str) -> Response {
    let WayOn { next, advice } = match client.origin {
        ClientOrigin::Registered => {
            let sent = Sent { client_id: client.id.as_str(), redirect_uri };
            reconnect(web, "It will register the address that it uses now.", sent)
        }
        ClientOrigin::Configured => WayOn::without_advice(
            "Tell the operator of this server: the app's configuration here lacks this address, or has a different one.",
        ),
        ClientOrigin::Document => WayOn::without_advice(
            "Update the app and connect again. If that does not help, tell the makers of the app.",
        ),
    };
    let message = format!(
        "{} wants the answer at an address that it did not register, so this server does not send it there.",
        web.app.headline(client)
    );
    let details = details([("client_id", client.id.as_str()), ("redirect_uri", &ascii(redirect_uri))]);
    let page = web.problem("The answer would go to the wrong place", message, format!("{next} {BY_A_LINK}"));
    note_client(client.id.as_str());
    let reason = format!("the client did not register the redirect URI {}", for_log(redirect_uri));
    web.refusal(StatusCode::BAD_REQUEST, &Problem { advice, details, ..page }, reason)
}

/// The client's metadata document (CIMD) cannot be fetched, breaks a rule, or is on a host that is not allowed. The details
/// tell the makers of the app what is wrong. If the document is gone, the app may come with another address when it is
/// reconnected.
fn unusable_document(web: &Web, sent: Sent<'_>, unusable: &Unusable) -> Response {
    let Unusable { host, why, fault } = unusable;
    let is_absent = matches!(fault, Fault::Host | Fault::Gone);
    let advice = if is_absent { advice(web, sent) } else { Vec::new() };
    let Explanation { status, title, message, next } = explain(host, *fault);
    let description = format!("The client's metadata document cannot be used: {why}.");
    let details = details([("client_id", &ascii(sent.client_id)), ("Description", &description)]);
    let page = web.problem(title, message, format!("{next} {BY_A_LINK}"));
    note_client(&ascii(sent.client_id));
    let mut response = web.refusal(status, &Problem { advice, details, ..page }, for_log(&description));
    if *fault == Fault::Busy {
        // Longer than a failure is remembered, so that the next try fetches again.
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("15"));
    }
    response
}

struct Explanation {
    status: StatusCode,
    title: String,
    message: String,
    next: &'static str,
}

fn explain(host: &str, fault: Fault) -> Explanation {
    match fault {
        Fault::Passing => Explanation {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: format!("{host} cannot be reached just now"),
            message: format!("The app says that it is from {host}. This server cannot reach {host} to confirm that."),
            next: "Wait a minute and connect again. If that does not help, tell the operator of this server.",
        },
        Fault::Busy => Explanation {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: format!("{host} cannot be asked just now"),
            message: format!(
                "The app says that it is from {host}. This server has too many requests for {host} at the moment, so \
                 this one has to wait."
            ),
            next: "Keep this page open: it tries again by itself every 15 seconds.",
        },
        Fault::Operator => Explanation {
            status: StatusCode::FORBIDDEN,
            title: format!("Apps from {host} cannot connect here"),
            message: format!("The operator of this server has not allowed apps from {host}."),
            next: "If you need this app here, ask the operator of this server to allow it.",
        },
        Fault::Host | Fault::Gone => Explanation {
            status: StatusCode::BAD_REQUEST,
            title: format!("{host} does not describe the app"),
            message: format!(
                "The app says that it is from {host}. This server cannot read a description of the app there."
            ),
            next: "Update the app and connect again. If that does not help, tell the makers of the app.",
        },
        Fault::Address => Explanation {
            status: StatusCode::BAD_REQUEST,
            title: format!("This server does not ask {host} about the app"),
            message: format!("The app says that it is from {host}, but the address that it gives breaks a rule."),
            next: "Update the app and connect again. If that does not help, tell the makers of the app.",
        },
        Fault::Document => Explanation {
            status: StatusCode::BAD_REQUEST,
            title: format!("This server cannot accept what {host} says about the app"),
            message: format!("The app says that it is from {host}, but its description there breaks a rule."),
            next: "Update the app and connect again. If that does not help, tell the makers of the app.",
        },
    }
}

/// What the person can do next.
struct WayOn {
    next: String,
    /// The steps, for each app that the request may come from.
    advice: Vec<Advice>,
}

impl WayOn {
    fn without_advice(next: &str) -> Self {
        WayOn { next: next.to_owned(), advice: Vec::new() }
    }
}

/// What helps if the registration cannot be used: reconnect the app, which has the `effect`, or ask the operator if apps
/// cannot register.
fn reconnect(web: &Web, effect: &str, sent: Sent<'_>) -> WayOn {
    let clients = &web.app.settings().clients;
    let next = match (clients.registration, clients.documents.on) {
        (true, _) => format!("Reconnect the app. {effect}"),
        (false, true) => "Reconnect the app. It may identify itself in another way. If this page comes back, ask the \
                          operator of this server to set the app up."
            .to_owned(),
        (false, false) => {
            let closed = "Only apps that the operator of this server has set up can connect. Ask the operator to set this one up.";
            return WayOn::without_advice(closed);
        }
    };
    WayOn { next, advice: advice(web, sent) }
}

/// Which buttons to press, in the recognised app or in each app that it may be.
fn advice(web: &Web, sent: Sent<'_>) -> Vec<Advice> {
    let server = match web.app.settings().mounts.as_slice() {
        [only] => Some(Server { name: web.mount_name(only), url: only.resource.to_string() }),
        _ => None,
    };
    let of = |words: &str, app: &apps::App| Advice {
        title: format!("{words} {}", app.name),
        steps: app.steps(server.as_ref()),
    };
    let mut advice: Vec<Advice> = match apps::recognise(sent.client_id, sent.redirect_uri) {
        Recognised::One(app) => return vec![of("In", app)],
        Recognised::Perhaps(apps) => apps.into_iter().map(|app| of("If this is", app)).collect(),
    };
    let title = if advice.is_empty() { "In the app" } else { "In another app" }.to_owned();
    let words = "Remove the connection to this server, add it again, and sign in.".to_owned();
    let copy = server.map_or_else(String::new, |server| server.url);
    advice.push(Advice { title, steps: vec![Step { words, copy }] });
    advice
}

/// An error for a redirect URI that is not trusted: a page instead of a redirect, so that a link to this server never leads
/// to another site by itself (RFC 9700 section 4.11.2).
fn with_link(web: &Web, answer: &Answer) -> Response {
    let label = match destination(answer.return_to.redirect_uri()) {
        Destination::Site(host) => format!("Back to {host}"),
        Destination::App(scheme) => format!("Open the app for {scheme}: links"),
        Destination::ThisComputer => "Back to the app on this computer".to_owned(),
        Destination::Network(host) => format!("Back to {host} in your network"),
    };
    let link = Some(Link { label, url: answer.return_to.with_error(&answer.error) });
    let message = format!("{} asked for something that this server cannot do.", answer.client);
    let details = details([("Error", answer.error.code.as_str()), ("Description", &answer.error.description)]);
    let next = "Go back to the app only if you came from it.";
    let page = web.problem("The app's request does not work", message, next);
    note_client(answer.client_id.as_str());
    web.refusal(StatusCode::BAD_REQUEST, &Problem { link, details, ..page }, answer.error.to_string())
}

/// The longest reason in the log, in characters.
const MAX_REASON: usize = 300;

/// Text that the client may have chosen, safe for the log.
fn for_log(text: &str) -> String {
    without_addresses(&ascii(text)).chars().take(MAX_REASON).collect()
}

/// Ids and URIs are ASCII. Any other character, such as an invisible or bidirectional one, becomes the replacement
/// character.
fn ascii(text: &str) -> String {
    text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Names and values for the people who give support, without empty ones.
fn details(of: [(&str, &str); 2]) -> Vec<(String, String)> {
    let told = of.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
