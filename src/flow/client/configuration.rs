//! The client configuration endpoint (RFC 7592): a registered client reads, replaces and deletes its own registration.
//!
//! Only the registration access token authenticates the client here. A wrong token, a deleted client, and a client that
//! never registered itself get the same error.

use serde_json::{Map, Value};

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::flow::revocations;
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::token::{ClientSecret, RegistrationToken};

use super::register::{metadata, needs_secret, object};

/// Fields that only the server sets: an update must not contain them (RFC 7592 section 2.2).
const SERVERS_OWN: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

pub(crate) struct Updated {
    /// The client after the update.
    pub client: Client,
    /// Its secret, if it has one now and had none before.
    pub new_secret: Option<ClientSecret>,
}

/// The client of this id, if `token` is its registration access token (RFC 7592 section 3).
pub(crate) async fn authenticate(app: &App, id: &str, token: &RegistrationToken) -> Result<Client, Error> {
    let refused = || Error::new(ErrorCode::InvalidToken, "The registration access token is not one of this client.");
    let id = ClientId::parse(id).ok_or_else(refused)?;
    let client = app.store.find_client(&id).await?.ok_or_else(refused)?;
    match &client.registration {
        Some(known) if known.matches(&token.hash()) => Ok(client),
        _ => Err(refused()),
    }
}

/// Replaces all of a client's metadata by `request`, a JSON object; fields that are left out are deleted (RFC 7592 section
/// 2.2). From then on no stored consent replaces the question to a person.
pub(crate) async fn update(app: &App, client: Client, request: &Value, now: UnixTime) -> Result<Updated, Error> {
    let request = object(request)?;
    check_identity(&client, request)?;
    let metadata = metadata(request)?;
    let needs_secret = needs_secret(&metadata);
    let new_secret = (needs_secret && client.secret.is_none()).then(ClientSecret::generate);
    let secret = match &new_secret {
        Some(secret) => Some(secret.hash()),
        None => client.secret.clone().filter(|_| needs_secret),
    };
    let updated = Client { metadata, secret, ..client.clone() };
    if !app.store.update_client(&client, &updated, now).await? {
        return Err(Error::try_later("the registration was changed while it was being updated"));
    }
    Ok(Updated { client: updated, new_secret })
}

/// RFC 7592 section 2.2: the request must name this client, the right secret if it names one, and no field of the server's.
fn check_identity(client: &Client, request: &Map<String, Value>) -> Result<(), Error> {
    let refuse = |description: String| Err(Error::new(ErrorCode::InvalidClientMetadata, description));
    let sent = |name: &str| request.get(name).filter(|value| !value.is_null());
    if sent("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        return refuse("client_id must be the one of this registration.".to_owned());
    }
    if let Some(name) = SERVERS_OWN.into_iter().find(|name| sent(name).is_some()) {
        return refuse(format!("{name} must not be sent (RFC 7592 section 2.2)."));
    }
    let is_current = |secret: &Value| match (secret.as_str(), &client.secret) {
        (Some(secret), Some(known)) => known.matches(&ClientSecret::presented(secret).hash()),
        _ => false,
    };
    if sent("client_secret").is_some_and(|secret| !is_current(secret)) {
        return refuse("client_secret must be the current one, or be left out.".to_owned());
    }
    Ok(())
}

/// Deletes a client and revokes its grants (RFC 7592 section 2.3).
pub(crate) async fn delete(app: &App, client: &Client, now: UnixTime) -> Result<(), Error> {
    revocations::delete_client(app, client, now).await?;
    tracing::info!(client = %client.id, "deleted its registration");
    Ok(())
}
