//! `GET` and `POST /oauth/login/{id}`: the journey's own page. The dispatcher alone decides what it shows.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::Response;

use crate::flow::journey::form::{OUT_OF_DATE, Pressed};
use crate::flow::journey::login::{self, Answered, Confirm, Decided, Next, Submitted};
use crate::flow::journey::notice::Notice;
use crate::flow::journey::reply::Rejection;
use crate::flow::journey::request::AuthorizationRequest;
use crate::http::error_page::error_page;
use crate::http::extract::{Browser, PageForm};
use crate::http::pages;
use crate::http::web::{self, Web};
use crate::oauth::grant::RowId;
use crate::oauth::masked::Hidden;
use crate::oauth::name::Headline;
use crate::wire::record::{note_client, request_id};

use super::callback::unknown;
use super::leave::{depart, found, to_client};
use super::rejection::reject;

pub(crate) async fn show(
    State(web): State<Web>,
    browser: Browser,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let Some(id) = id.ok().and_then(|Path(id)| RowId::parse(&id)) else { return unknown(&web) };
    Page { web: &web, id, browser: &browser, notice: None }.show().await
}

pub(crate) async fn decide(
    State(web): State<Web>,
    browser: Browser,
    id: Result<Path<String>, PathRejection>,
    form: PageForm,
) -> Response {
    let Some(id) = id.ok().and_then(|Path(id)| RowId::parse(&id)) else { return unknown(&web) };
    let cookie = web.cookies.browser(&browser.headers).unwrap_or_default();
    let binding = web.cookies.login(&browser.headers, id);
    let pressed = Pressed::parse(form.field("answer"));
    let submitted = Submitted { pressed, token: form.field("token"), browser: &cookie, binding };
    match login::decide(&web.app, id, submitted, browser.now).await {
        Ok(Decided::Answer(Answered { url, client })) => to_client(&web, &url, client),
        Ok(Decided::Depart(departure)) => depart(&web, &browser.headers, departure),
        Ok(Decided::Page) => Page { web: &web, id, browser: &browser, notice: Some(OUT_OF_DATE) }.show().await,
        Ok(Decided::Unknown) => unknown(&web),
        Err(error) => error_page(&web, error),
    }
}

/// How to show a journey's page. In answer to a form it has a notice.
struct Page<'a> {
    web: &'a Web,
    id: RowId,
    browser: &'a Browser,
    notice: Option<&'static str>,
}

impl Page<'_> {
    /// Shows what the dispatcher decides.
    async fn show(&self) -> Response {
        let web = self.web;
        let binding = web.cookies.login(&self.browser.headers, self.id);
        match login::next(&web.app, self.id, binding, self.browser.now).await {
            Ok(Next::SignIn { request, notice, upstream }) => self.sign_in(&request, notice, &upstream),
            Ok(Next::Confirm(request, confirm)) => self.confirm(&request, &confirm),
            Ok(Next::Wait) => web.page(StatusCode::OK, &pages::Wait::new(web.layout(), &self.path())),
            Ok(Next::Answer(Answered { url, client })) => self.leave(&url, client),
            Ok(Next::Done(client)) => {
                let page = pages::Done { layout: web.layout(), client };
                web.page(StatusCode::OK, &page)
            }
            Ok(Next::Refuse(Rejection::Answer(answer))) if answer.at_once => {
                self.leave(&answer.return_to.with_error(&answer.error), answer.client)
            }
            Ok(Next::Refuse(rejection)) => reject(web, rejection),
            Ok(Next::Unknown) => unknown(web),
            Err(error) => error_page(web, error),
        }
    }

    /// Leaves for the client: by redirect after a GET, by a page after a form.
    fn leave(&self, url: &str, client: Headline) -> Response {
        if self.notice.is_some() { to_client(self.web, url, client) } else { found(url) }
    }

    fn path(&self) -> String {
        self.web.path(&format!("/oauth/login/{}", self.id))
    }

    /// "Continue as ada@example.com?"
    fn confirm(&self, request: &AuthorizationRequest, confirm: &Confirm) -> Response {
        let person = &confirm.signed_in.person;
        self.with_form(request, Some(&person.id), |token| {
            let asked = self.web.asked(request, &confirm.past);
            let page = pages::Confirm {
                layout: self.web.layout(),
                account: web::account(person),
                client: self.web.app.headline(&request.client),
                source: web::source(&request.client),
                destination: web::destination(request.return_to.redirect_uri()),
                scopes: asked.scopes,
                learns: asked.learns,
                seen: Some(asked.seen),
                action: self.path(),
                token,
                can_switch: true,
                notice: self.notice.map(str::to_owned),
                details: web::details(request),
            };
            self.web.page(StatusCode::OK, &page)
        })
    }

    /// Shows why the person is not signed in yet, and the choices.
    fn sign_in(&self, request: &AuthorizationRequest, notice: Option<Notice>, upstream: &str) -> Response {
        let label = self.web.upstream_label(upstream);
        let notice = notice.or_else(|| {
            let failing = !self.web.app.is_answering(upstream);
            failing.then_some(Notice::Unreachable)
        });
        let Explanation { status, title, message } = explain(notice.as_ref(), &label, &self.web.layout().brand);
        let can_switch = matches!(notice, Some(Notice::NotAllowed(_)));
        let mut upstreams = if can_switch { Vec::new() } else { self.web.upstreams() };
        if notice.as_ref().is_some_and(Notice::is_lasting) {
            upstreams.retain(|button| button.name != upstream);
        }
        let reason = notice.as_ref().map_or_else(|| "not signed in yet".to_owned(), Notice::reason);
        self.with_form(request, None, |token| {
            let page = pages::Retry {
                layout: self.web.layout(),
                title,
                message,
                client: self.web.app.headline(&request.client),
                action: self.path(),
                token,
                upstreams,
                tried: upstream.to_owned(),
                can_switch,
                request_id: request_id(),
            };
            self.web.refusal(status, &page, format!("sign-in with {upstream}: {reason}"))
        })
    }

    fn with_form(
        &self,
        request: &AuthorizationRequest,
        person: Option<&crate::oauth::grant::PersonId>,
        page: impl FnOnce(String) -> Response,
    ) -> Response {
        note_client(request.client.id.as_str());
        let cookie = self.web.cookies.keep_browser(&self.browser.headers);
        let token = login::form(request, self.id, &cookie.value, person).token(&self.web.app, self.browser.now);
        let mut response = page(token);
        response.headers_mut().append(header::SET_COOKIE, cookie.header);
        response
    }
}

struct Explanation {
    status: StatusCode,
    title: String,
    message: String,
}

impl Explanation {
    fn new(status: StatusCode, title: impl Into<String>, message: impl Into<String>) -> Self {
        Explanation { status, title: title.into(), message: message.into() }
    }
}

/// Explains what happened in our own words; an upstream's text is never shown. The status is never 502 or 504, since content
/// delivery networks replace such pages by their own.
fn explain(notice: Option<&Notice>, label: &str, brand: &str) -> Explanation {
    let ok = StatusCode::OK;
    match notice {
        None => Explanation::new(ok, format!("Sign in with {label}"), "One more step: sign in there to go on."),
        Some(Notice::Unreachable) => Explanation::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{label} cannot be reached just now"),
            "Wait a moment and try again. If that does not help, tell the operator of this server.",
        ),
        Some(Notice::Declined) => {
            Explanation::new(ok, format!("You are not signed in with {label}"), "You can try again, or cancel.")
        }
        Some(Notice::Refused(code)) => Explanation::new(
            StatusCode::FORBIDDEN,
            format!("{label} would not sign you in"),
            format!(
                "It answered with the error {code}. Try again. If that does not help, tell the operator of this server."
            ),
        ),
        Some(Notice::Invalid) => Explanation::new(
            StatusCode::FORBIDDEN,
            format!("The answer from {label} could not be trusted"),
            "It did not pass this server's checks, so you are not signed in. Try again. If that does not help, tell the \
             operator of this server.",
        ),
        Some(Notice::Undated) => Explanation::new(
            StatusCode::FORBIDDEN,
            format!("{label} does not say when you signed in"),
            format!(
                "The app wants a recent sign-in, and without the time this server cannot confirm one. Another try with \
                 {label} will not help. Tell the operator of this server, or the makers of the app."
            ),
        ),
        Some(Notice::Old) => Explanation::new(
            ok,
            format!("Your sign-in with {label} was too long ago"),
            format!("The app wants a more recent one. Sign out at {label}, then sign in there again."),
        ),
        Some(Notice::NotFresh) => Explanation::new(
            StatusCode::FORBIDDEN,
            format!("{label} cannot ask you to sign in again"),
            format!(
                "The app wants you to sign in now, and {label} does not show that you did. Another try with {label} will \
                 not help. If you cancel, the app learns why."
            ),
        ),
        Some(Notice::NotAllowed(Hidden(account))) if account.is_empty() => Explanation::new(
            StatusCode::FORBIDDEN,
            format!("This account may not use {brand}"),
            "Use another account, or ask the operator of this server to let this one in.",
        ),
        Some(Notice::NotAllowed(Hidden(account))) => Explanation::new(
            StatusCode::FORBIDDEN,
            format!("{account} may not use {brand}"),
            "Use another account, or ask the operator of this server to let this one in.",
        ),
        Some(Notice::Interrupted) => {
            Explanation::new(ok, "The sign-in was interrupted", format!("Please sign in with {label} once more."))
        }
    }
}
