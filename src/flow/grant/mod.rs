//! The token endpoint (RFC 6749 section 3.2): one pipeline for all grant types.
//!
//! [`exchange`] runs the phases in order. It parses the parameters, authenticates the client, parses what the client
//! presents and asks for, judges the request ([`judge`]), spends what was presented in one guarded statement, and issues
//! the tokens ([`issue`]). A grant type ([`code`], [`refresh`]) has two steps of its own: what is presented, and how it
//! is spent. [`revoke`] ends a grant.
//!
//! A grant and all tokens that came from it are a *family*: both have the same id, and codes and refresh tokens contain
//! it. Whatever is revoked is a whole family.
//!
//! A rejected request has spent neither code nor refresh token. The exception is a person whose provider does not admit
//! them any more: this may be noticed after spending, and then the family is revoked. A statement that has begun is
//! carried out even if the client closes the connection. The lost answer of a refresh can be repeated ([`refresh`]),
//! that of a code cannot: a second use of the code revokes the family.

pub(crate) mod issue;
pub(crate) mod revoke;

mod code;
mod id_token;
mod judge;
mod presented;
mod refresh;

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::client::authenticate;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::params::Params;
use crate::oauth::scope::Scopes;
use crate::store::OwnedGrant;

use self::issue::{Issued, Order};
use self::presented::{Asked, Presented, Request, Spent};

/// Exchanges what a client presents for tokens.
///
/// # Errors
///
/// Those of RFC 6749 section 5.2 and RFC 8707 section 2. The code or refresh token stays valid, unless the grant is
/// revoked: if the code or token was used before (a repeated refresh within the grace period is no error), or if the
/// person may no longer come in.
pub(crate) async fn exchange(
    app: &App,
    authorization: Option<&str>,
    params: &Params,
    now: UnixTime,
) -> Result<Issued, Error> {
    params.refuse_repeated(&["resource"])?;
    let grant_type = params.required("grant_type")?;
    let client = &authenticate::authenticate(app, authorization, params, now).await?;
    match grant_type {
        "authorization_code" => {
            let code = code::Code::parse(params)?;
            let asked = Asked { scopes: None, resource: Asked::resource(params)? };
            run(app, &code, Request { client, asked, now }).await
        }
        "refresh_token" => {
            let token = refresh::Token::parse(client, params)?;
            let scopes = params.one("scope")?.map(Scopes::parse).transpose()?;
            let asked = Asked { scopes, resource: Asked::resource(params)? };
            run(app, &token, Request { client, asked, now }).await
        }
        _ => {
            let description = "grant_type must be authorization_code or refresh_token.";
            Err(Error::new(ErrorCode::UnsupportedGrantType, description))
        }
    }
}

/// The phases that all grant types share.
async fn run(app: &App, presented: &impl Presented, request: Request<'_>) -> Result<Issued, Error> {
    issue::ready(app, request.now)?;
    let only = judge::by_the_statement_alone(app, &request.asked);
    if only.is_none() {
        judge::before_spending(app, presented, &request).await?;
    }
    let Spent { owned: OwnedGrant { grant, origin }, refresh_token, id_token } =
        presented.spend(app, &request, only).await?;
    judge::origin(app, &grant, origin.as_ref(), request.now).await?;
    let resource = judge::resource(app, &grant, request.asked.resource.as_ref())?;
    let scopes = judge::scopes(app, &grant, request.asked.scopes.as_ref())?;
    let order = Order { grant: &grant, scopes: &scopes, resource, refresh_token, id_token };
    issue::issue(app, order, request.now).await
}
