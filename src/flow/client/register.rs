//! Dynamic client registration (RFC 7591).

use serde_json::{Map, Value};

use crate::clock::UnixTime;
use crate::flow::app::App;
use crate::oauth::auth_method::AuthMethod;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_id::ClientId;
use crate::oauth::client_metadata::ClientMetadata;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::token::{ClientSecret, RegistrationToken};
use crate::random;
use crate::store;

/// A new registration, with the secret, which is shown once.
pub(crate) struct Registered {
    /// The client as it is stored.
    pub client: Client,
    /// Its secret, if it has one.
    pub secret: Option<ClientSecret>,
    /// The registration access token (RFC 7592).
    pub token: RegistrationToken,
}

/// Registers the client that `request`, a JSON object, describes.
pub(crate) async fn register(app: &App, request: &Value, now: UnixTime) -> Result<Registered, Error> {
    if !app.settings.clients.registration {
        return Err(Error::new(
            ErrorCode::AccessDenied,
            "Registration is turned off. Ask the operator for a client id.",
        ));
    }
    let metadata = metadata(object(request)?)?;
    make_room(app, now).await?;
    let secret = needs_secret(&metadata).then(ClientSecret::generate);
    let token = RegistrationToken::generate();
    let id = format!("jci_{}", random::text::<16>());
    let client = Client {
        id: ClientId::parse(&id).ok_or_else(|| Error::server("a generated client id does not parse"))?,
        origin: ClientOrigin::Registered,
        metadata,
        secret: secret.as_ref().map(ClientSecret::hash),
        registration: Some(token.hash()),
        created_at: now,
    };
    app.store.insert_client(&client).await?;
    app.registrations.add();
    Ok(Registered { client, secret, token })
}

/// Rejects if the number of unused registrations has reached the limit. Apps with a document still work then.
async fn make_room(app: &App, now: UnixTime) -> Result<(), Error> {
    let most = app.settings.clients.registrations.most;
    if app.registrations.unused() < most {
        return Ok(());
    }
    if app.registrations.may_count(now) {
        count(app).await?;
        if app.registrations.unused() >= most {
            tracing::warn!(
                most,
                "too many registrations were never used: no app can register until the sweep deletes some"
            );
        }
    }
    if app.registrations.unused() < most {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::TooManyRegistrations,
        "Too many registrations wait here to be used. Try again later, or come with a client ID metadata document.",
    ))
}

/// Counts the unused registrations, up to the limit.
pub(crate) async fn count(app: &App) -> Result<(), store::Error> {
    let made = app.registrations.made();
    let unused = app.store.count_unused_clients(app.settings.clients.registrations.most).await?;
    app.registrations.set_count(unused, made);
    Ok(())
}

/// The largest registration, in bytes as it is stored.
const MAX_STORED: usize = 8 * 1024;

/// Parses the metadata that a client registers, or updates.
pub(crate) fn metadata(request: &Map<String, Value>) -> Result<ClientMetadata, Error> {
    let metadata = ClientMetadata::parse(request)?;
    let size = serde_json::to_string(&metadata).map_err(Error::server)?.len();
    if size <= MAX_STORED {
        return Ok(metadata);
    }
    let stored = serde_json::to_value(&metadata).map_err(Error::server)?;
    let members = stored.as_object().into_iter().flatten();
    let largest = members.map(|(name, value)| (value.to_string().len(), name)).max();
    let largest = largest.map(|(size, name)| format!(" The largest part is {name}, with {size} bytes."));
    let description = format!(
        "The registration takes {size} bytes as it is kept, and {MAX_STORED} is the most.{}",
        largest.unwrap_or_default()
    );
    Err(Error::new(ErrorCode::InvalidClientMetadata, description))
}

/// The JSON object of a request (RFC 7591 section 3.1).
pub(crate) fn object(request: &Value) -> Result<&Map<String, Value>, Error> {
    request.as_object().ok_or_else(|| {
        Error::new(ErrorCode::InvalidClientMetadata, "The request must be a JSON object (RFC 7591 section 3.1).")
    })
}

/// Whether the client authenticates by a secret that the server issues.
pub(crate) fn needs_secret(metadata: &ClientMetadata) -> bool {
    match metadata.token_endpoint_auth_method {
        AuthMethod::None | AuthMethod::PrivateKeyJwt => false,
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => true,
    }
}
