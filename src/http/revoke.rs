//! `POST /oauth/revoke` (RFC 7009).

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::flow::{client_auth, revoke as flow};

use super::error::{Refused, no_store};
use super::extract::{Form, Now, authorization};
use super::view::Web;

pub(super) async fn revoke(
    State(web): State<Web>,
    Now(now): Now,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, Refused> {
    params.refuse_repeated(&[])?;
    let client = client_auth::authenticate(&web.app, authorization(&headers)?, &params, now).await?;
    flow::request(&web.app, &client, &params, now).await?;
    Ok((StatusCode::OK, no_store()).into_response())
}
