//! `/oauth/authorize` (RFC 6749 section 3.1): the consent page, or the client's answer if no page is needed. Writes nothing
//! unless a stored consent replaces the page.

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::flow::journey::consent::{self, Next, PURPOSE, Question};
use crate::flow::journey::form::Form;
use crate::flow::journey::reply::Rejection;
use crate::flow::journey::request::{self, AuthorizationRequest};
use crate::http::error_page::error_page;
use crate::http::extract::{Browser, Form as Parameters};
use crate::http::pages;
use crate::http::web::{self, Web};
use crate::oauth::error::Error;
use crate::wire::error::ErrorBody;
use crate::wire::record::note_client;

use super::leave::found;
use super::rejection::reject;
use super::session::signed_in;

/// `GET`: the request in the query.
pub(crate) async fn show(State(web): State<Web>, browser: Browser, RawQuery(query): RawQuery) -> Response {
    let request = match request::parse(&web.app, &query.unwrap_or_default(), browser.now).await {
        Ok(request) => request,
        Err(refusal) => return reject(&web, refusal),
    };
    note_client(request.client.id.as_str());
    let signed_in = match signed_in(&web, &browser).await {
        Ok(signed_in) => signed_in,
        Err(error) => return error_page(&web, error),
    };
    match consent::next(&web.app, &request, signed_in, browser.now).await {
        Ok(Next::Ask(question)) => render(&web, &request, &question, Showing { notice: None, browser: &browser }),
        Ok(Next::Answer(url)) => found(&url),
        Ok(Next::Refuse(answer)) => reject(&web, Rejection::Answer(answer)),
        Err(error) => error_page(&web, error),
    }
}

/// `POST`: the same request in a form (OpenID Connect Core section 3.1.2.1). The browser is sent to the same request by GET,
/// since it sends none of our cookies with the form of another site.
pub(crate) async fn redirect_to_get(State(web): State<Web>, form: Result<Parameters, ErrorBody>) -> Response {
    let query = match form {
        Ok(Parameters(params)) => params.to_string(),
        Err(ErrorBody { error, .. }) => return error_page(&web, error),
    };
    if query.len() > request::MAX_REQUEST {
        return error_page(&web, Error::invalid_request("The authorization request is longer than 8 KB."));
    }
    found(&format!("{}?{query}", web.path("/oauth/authorize")))
}

/// How to show the consent page.
pub(crate) struct Showing<'a> {
    /// Why it is shown again, in one sentence.
    pub(crate) notice: Option<&'a str>,
    pub(crate) browser: &'a Browser,
}

/// Renders the consent page.
pub(crate) fn render(web: &Web, request: &AuthorizationRequest, question: &Question, showing: Showing<'_>) -> Response {
    let Showing { notice, browser } = showing;
    let cookie = web.cookies.keep_browser(&browser.headers);
    let person = question.signed_in.as_ref().map(|signed_in| &signed_in.person);
    let form = Form {
        purpose: PURPOSE,
        browser: &cookie.value,
        person: person.map(|person| &person.id),
        request,
        login: None,
    };
    let asked = web.asked(request, &question.past);
    let page = pages::Consent {
        layout: web.layout(),
        client: web.app.headline(&request.client),
        source: web::source(&request.client),
        destination: web::destination(request.return_to.redirect_uri()),
        scopes: asked.scopes,
        learns: asked.learns,
        seen: person.map(|_| asked.seen),
        lasts: web::lasts(web.app.settings(), &request.client),
        account: person.map(web::account),
        upstreams: web.upstreams(),
        notice: notice.map(str::to_owned),
        action: web.path("/oauth/consent"),
        request: request.raw.clone(),
        token: form.token(&web.app, browser.now),
        details: web::details(request),
    };
    let mut response = web.page(StatusCode::OK, &page);
    response.headers_mut().append(header::SET_COOKIE, cookie.header);
    response
}
