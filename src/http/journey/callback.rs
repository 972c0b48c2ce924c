//! `GET /oauth/callback/{upstream}`: the upstream's answer (OpenID Connect Core section 3.1.2.5). Each upstream has its own
//! path, so that none can impersonate another (RFC 9700 section 4.4).

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use tower_sessions::Session;

use crate::flow::journey::callback::{self, Arrival, Returned};
use crate::flow::to_the_end;
use crate::http::error_page::error_page;
use crate::http::extract::Browser;
use crate::http::web::Web;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::grant::RowId;
use crate::oauth::params::Params;
use crate::wire::record::note_client;

use super::leave::found;
use super::session::SIGN_IN;

pub(crate) async fn receive(
    State(web): State<Web>,
    browser: Browser,
    upstream: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    let Ok(Path(upstream)) = upstream else { return unknown(&web) };
    let Browser { headers, session, now } = browser;
    let params = Params::parse(&query.unwrap_or_default());
    // In a task of its own: if the browser disconnects, the upstream's code must not stay half spent.
    let (app, cookies) = (web.app.clone(), web.cookies.clone());
    let work = async move {
        let binding = |id| cookies.login(&headers, id);
        callback::callback(&app, Arrival { upstream: &upstream, params: &params }, binding, now).await
    };
    let returned = to_the_end(work).await.unwrap_or_else(|error| Err(Error::server(error)));
    match returned {
        Ok(Returned::Journey { login, sign_in }) => {
            if let Some(sign_in) = sign_in
                && let Err(error) = sign_in_session(&session, sign_in).await
            {
                return error_page(&web, error);
            }
            found(&web.path(&format!("/oauth/login/{login}")))
        }
        Ok(Returned::Unknown) => unknown(&web),
        Ok(Returned::OtherBrowser { client }) => {
            note_client(client.as_str());
            other_browser(&web)
        }
        Err(error) if error.code == ErrorCode::InvalidRequest => unknown(&web),
        Err(error) => error_page(&web, error),
    }
}

/// Sets a new session id for each sign-in, against session fixation.
async fn sign_in_session(session: &Session, sign_in: RowId) -> Result<(), Error> {
    session.cycle_id().await.map_err(Error::unavailable)?;
    session.insert(SIGN_IN, sign_in.to_string()).await.map_err(Error::unavailable)
}

/// The page for a callback without a live journey.
pub(crate) fn unknown(web: &Web) -> Response {
    let page = web.problem(
        "This sign-in is over",
        "It was finished or cancelled, or it took longer than half an hour.",
        "Go back to the app and connect again.",
    );
    web.refusal(StatusCode::BAD_REQUEST, &page, "no such journey in this browser, or it is over")
}

/// The page for a genuine answer in a browser that did not begin the journey.
fn other_browser(web: &Web) -> Response {
    let page = web.problem(
        "This sign-in began in another browser",
        "It can end only in the browser where it began. Nothing was shared.",
        "Go back to the app and start again there. If you get a link by email, copy it into the browser that the app \
         opened.",
    );
    web.refusal(StatusCode::FORBIDDEN, &page, "the journey began in another browser")
}
