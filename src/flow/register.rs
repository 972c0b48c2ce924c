//! Dynamic client registration (RFC 7591).

use serde_json::{Map, Value};

use crate::app::App;
use crate::clock::UnixTime;
use crate::oauth::client::{AuthMethod, Client, ClientId, ClientOrigin};
use crate::oauth::client_metadata::ClientMetadata;
use crate::oauth::error::{Error, ErrorCode};
use crate::oauth::token::{ClientSecret, RegistrationToken};
use crate::random;

/// A registration, with the secret that is told once.
pub struct Registered {
    /// The client as it is kept.
    pub client: Client,
    /// Its secret, where it has one.
    pub secret: Option<ClientSecret>,
    /// By what it manages its registration (RFC 7592).
    pub token: RegistrationToken,
}

/// Registers the client that `request`, a JSON object, describes.
pub async fn register(app: &App, request: &Value, now: UnixTime) -> Result<Registered, Error> {
    if !app.settings.clients.registration {
        return Err(Error::new(
            ErrorCode::AccessDenied,
            "Registration is turned off. Ask the operator for a client id.",
        ));
    }
    let metadata = ClientMetadata::parse(object(request)?)?;
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
    Ok(Registered { client, secret, token })
}

/// The JSON object of a request (RFC 7591 section 3.1).
pub(super) fn object(request: &Value) -> Result<&Map<String, Value>, Error> {
    request.as_object().ok_or_else(|| {
        Error::new(ErrorCode::InvalidClientMetadata, "The request must be a JSON object (RFC 7591 section 3.1).")
    })
}

/// Whether the client authenticates by a secret that the server gives it.
pub(super) fn needs_secret(metadata: &ClientMetadata) -> bool {
    match metadata.token_endpoint_auth_method {
        AuthMethod::None | AuthMethod::PrivateKeyJwt => false,
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => true,
    }
}
