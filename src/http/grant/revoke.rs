//! `POST /oauth/revoke` (RFC 7009).

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::flow::client::authenticate;
use crate::flow::grant::revoke as flow;
use crate::http::extract::{Form, Now};
use crate::http::web::Web;
use crate::wire::error::{ErrorBody, no_store};
use crate::wire::headers::authorization;

pub(crate) async fn revoke(
    State(web): State<Web>,
    Now(now): Now,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, ErrorBody> {
    params.refuse_repeated(&[])?;
    let client = authenticate::authenticate(&web.app, authorization(&headers)?, &params, now).await?;
    flow::request(&web.app, &client, &params, now).await?;
    Ok((StatusCode::OK, no_store()).into_response())
}
