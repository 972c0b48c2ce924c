//! `POST /oauth/consent`: the person's answer to the consent page.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::flow::journey::consent::{self, Decided, Submitted};
use crate::flow::journey::form::Pressed;
use crate::flow::journey::reply::Rejection;
use crate::flow::journey::request;
use crate::http::error_page::error_page;
use crate::http::extract::{Browser, PageForm};
use crate::http::web::Web;
use crate::wire::record::note_client;

use super::authorize::{Showing, render};
use super::leave::{depart, to_client};
use super::rejection::reject;
use super::session::signed_in;

pub(crate) async fn decide(State(web): State<Web>, browser: Browser, form: PageForm) -> Response {
    let request = match request::parse(&web.app, form.field("request"), browser.now).await {
        Ok(request) => request,
        Err(Rejection::Answer(answer)) if answer.at_once => {
            return to_client(&web, &answer.return_to.with_error(&answer.error), answer.client);
        }
        Err(rejection) => return reject(&web, rejection),
    };
    note_client(request.client.id.as_str());
    let cookie = web.cookies.browser(&browser.headers).unwrap_or_default();
    let decided = async {
        let submitted = Submitted {
            pressed: Pressed::parse(form.field("answer")),
            token: form.field("token"),
            browser: &cookie,
            signed_in: signed_in(&web, &browser).await?,
        };
        consent::decide(&web.app, &request, submitted, browser.now).await
    };
    match decided.await {
        Ok(Decided::Answer(url)) => to_client(&web, &url, web.app.headline(&request.client)),
        Ok(Decided::Depart(departure)) => depart(&web, &browser.headers, departure),
        Ok(Decided::UsedUp) => used_up(&web),
        Ok(Decided::AskAgain(question, notice)) => {
            render(&web, &request, &question, Showing { notice: Some(notice), browser: &browser })
        }
        Err(error) => error_page(&web, error),
    }
}

/// The form was sent too often, and begins no more journeys.
fn used_up(web: &Web) -> Response {
    let page = web.problem(
        "This page was used too often",
        "It has begun eight sign-ins already, and that is the limit. Nothing was shared this time.",
        "Go back to the app and start again from there.",
    );
    web.refusal(StatusCode::TOO_MANY_REQUESTS, &page, "the form has begun as many journeys as it may")
}
