//! `POST /oauth/introspect` (RFC 7662 section 2).

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::flow::token::introspect as flow;
use crate::http::extract::{Form, Now};
use crate::http::web::Web;
use crate::wire::error::{ErrorBody, no_store};
use crate::wire::headers::authorization;

pub(crate) async fn introspect(
    State(web): State<Web>,
    Now(now): Now,
    headers: HeaderMap,
    Form(params): Form,
) -> Result<Response, ErrorBody> {
    params.refuse_repeated(&[])?;
    let asker = flow::authenticate(&web.app, authorization(&headers)?, &params, now).await?;
    Ok(match flow::introspect(&web.app, &asker, &params, now).await? {
        Some(introspection) => (no_store(), Json(introspection)).into_response(),
        None => (no_store(), Json(json!({ "active": false }))).into_response(),
    })
}
