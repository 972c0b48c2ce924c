//! One configured upstream, and the requests to it.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use openidconnect::core::{CoreAuthPrompt, CoreClientAuthMethod, CoreResponseType};
use openidconnect::{
    AuthType, AuthenticationFlow, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    IssuerUrl, JsonWebKeySet, LocalizedClaim, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, SignatureVerificationError,
};
use secrecy::ExposeSecret as _;

use crate::clock::UnixTime;
use crate::config::settings::{UpstreamKind, UpstreamSettings};
use crate::oauth::error::with_causes;
use crate::oauth::provider_claims::GoogleAccount;

use super::attempt::{Attempt, Identity};
use super::error::{Error, because, invalid};
use super::http::{Http, check_url};
use super::id_token::{self, Expected};
use super::library::{Client, IdTokenClaims, Metadata, Tokens, UserInfo, discovery_error, token_error};

/// The shortest time between two fetches of the key set because of an unknown key, in seconds.
const KEYS_INTERVAL: i64 = 10;

/// A `max_age` that no sign-in of a journey exceeds.
const LONG_ENOUGH: Duration = Duration::from_secs(3600);

/// One configured upstream. All requests share it.
pub(crate) struct Upstream {
    settings: UpstreamSettings,
    redirect_uri: String,
    http: Http,
    state: RwLock<State>,
    /// When the key set was last fetched because of an unknown key. Held during that fetch, so that all requests that
    /// wait for the same new key share one.
    keys_fetched: tokio::sync::Mutex<Option<UnixTime>>,
    /// Whether the upstream rejected the client secret in the Authorization header and accepted it in the body.
    secret_in_body: AtomicBool,
}

#[derive(Default)]
struct State {
    provider: Option<Arc<Provider>>,
    /// Why the last discovery failed. For the log only, since it may name hosts of an internal network.
    failure: Option<String>,
}

/// The outcome of the last discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// There was no discovery yet.
    Unasked,
    /// It succeeded.
    Answers,
    /// It failed; the log says why.
    Away,
}

/// The result of discovery.
struct Provider {
    metadata: Metadata,
    client: Client,
}

/// A code from the callback, with the values to redeem it.
struct Redemption<'a> {
    provider: &'a Provider,
    code: &'a str,
    attempt: &'a Attempt,
}

impl Upstream {
    /// An upstream before any request to it. `http` must come from [`http_client`](super::http_client), since it must
    /// follow no redirects.
    pub(crate) fn new(settings: UpstreamSettings, redirect_uri: String, http: reqwest::Client) -> Self {
        Upstream {
            settings,
            redirect_uri,
            http: Http::new(http),
            state: RwLock::default(),
            keys_fetched: tokio::sync::Mutex::default(),
            secret_in_body: AtomicBool::new(false),
        }
    }

    pub(crate) fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// Fetches the discovery document and the key set. If that fails, the last good ones stay in use. Logs once when the
    /// provider stops answering, and once when it answers again.
    pub(crate) async fn discover(&self) -> Result<(), Error> {
        let found = self.fetch_provider().await;
        let mut state = self.state_mut();
        let was_away = state.failure.is_some();
        let upstream = &self.settings.name;
        match found {
            Ok(provider) => {
                *state = State { provider: Some(Arc::new(provider)), failure: None };
                match was_away {
                    true => tracing::info!(upstream, "the provider answers again"),
                    false => tracing::debug!(upstream, "discovered"),
                }
                Ok(())
            }
            Err(error) => {
                let failure = with_causes(&error);
                match was_away {
                    true => tracing::debug!(upstream, error = failure, "the provider is still away"),
                    false => tracing::warn!(
                        upstream,
                        error = failure,
                        "the provider is away: it does not answer as it must, and is asked again until it does"
                    ),
                }
                state.failure = Some(failure);
                Err(error)
            }
        }
    }

    /// The outcome of the last discovery.
    pub(crate) fn health(&self) -> Health {
        let state = self.state();
        match (&state.failure, &state.provider) {
            (Some(_), _) => Health::Away,
            (None, None) => Health::Unasked,
            (None, Some(_)) => Health::Answers,
        }
    }

    /// Whether the last discovery succeeded.
    pub(crate) fn is_answering(&self) -> bool {
        self.health() == Health::Answers
    }

    /// Verifies the `iss` of an authorization response (RFC 9207 section 2.4): if present, it must be this issuer, and it
    /// must be present if the upstream's metadata says that it always is.
    pub(crate) async fn verify_iss(&self, iss: Option<&str>) -> Result<(), Error> {
        match iss {
            Some(iss) if iss == self.settings.issuer => Ok(()),
            Some(iss) => Err(invalid(format!("the answer came from the issuer {iss:?}"))),
            // Fetch its metadata first, if that was not done since the start.
            None => match self.known_provider().await? {
                provider if provider.metadata.additional_metadata().authorization_response_iss_parameter_supported => {
                    Err(invalid(NO_ISS))
                }
                _ => Ok(()),
            },
        }
    }

    /// The URL to send the browser to. Fails if the upstream was never discovered.
    ///
    /// # Panics
    /// If the PKCE verifier does not have 43 to 128 characters.
    pub(crate) fn authorization_url(&self, attempt: &Attempt) -> Result<String, Error> {
        let provider = self.provider().ok_or_else(|| self.undiscovered())?;
        let (state, nonce) = (attempt.state.clone(), attempt.nonce.clone());
        let verifier = PkceCodeVerifier::new(attempt.pkce_verifier.clone());
        let scopes = self.settings.scopes.iter().filter(|scope| *scope != "openid");
        let mut request = provider
            .client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(scopes.cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        if let Some(prompt) = self.prompt(attempt) {
            request = request.add_prompt(prompt);
        }
        if let Some(age) = self.max_age(attempt) {
            request = request.set_max_age(age);
        }
        if let Some(domain) = &self.settings.hosted_domain {
            request = request.add_extra_param("hd", domain.as_str());
        }
        let (url, _, _) = request.url();
        Ok(url.into())
    }

    /// Redeems the code of the callback. Returns the verified identity.
    pub(crate) async fn exchange(&self, code: &str, attempt: &Attempt, now: UnixTime) -> Result<Identity, Error> {
        let mut provider = self.known_provider().await?;
        let tokens = self.redeem(&Redemption { provider: &provider, code, attempt }).await?;
        // A client must not use a token whose type it does not know (RFC 6749 section 7.1); types ignore case (section 5.1).
        if !tokens.token_type().as_ref().eq_ignore_ascii_case("bearer") {
            return Err(invalid("the answer's token_type is not Bearer"));
        }
        let id_token = tokens.extra_fields().id_token().ok_or_else(|| invalid("the answer carries no id_token"))?;
        let verify = |provider: &Provider| {
            let expected = Expected { metadata: &provider.metadata, client_id: &self.settings.client_id, attempt };
            id_token::verify(id_token, &expected, now)
        };
        let mut claims = verify(&provider);
        if let Err(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
        )) = claims
        {
            provider = self.newer_keys(&provider, now).await?;
            claims = verify(&provider);
        }
        let claims = claims.map_err(|error| because("the id_token is not valid", error))?;
        id_token::check_age(claims, attempt, now)?;
        self.identity(&provider, &tokens, claims).await
    }

    /// The identity by verified claims. An email and whether it is verified always come from the same response.
    async fn identity(&self, provider: &Provider, tokens: &Tokens, claims: &IdTokenClaims) -> Result<Identity, Error> {
        let text = |claim: &Option<serde_json::Value>| claim.as_ref()?.as_str().map(str::to_owned);
        let extra = claims.additional_claims();
        let mut identity = Identity {
            issuer: claims.issuer().to_string(),
            sub: claims.subject().to_string(),
            email: claims.email().map(|email| email.to_string()).filter(|email| !email.is_empty()),
            email_verified: claims.email_verified().unwrap_or(false),
            name: claims.name().and_then(any_language),
            google: self.settings.is_google().then(|| match text(&extra.hd).filter(|domain| !domain.is_empty()) {
                Some(domain) => GoogleAccount::Workspace(domain),
                None => GoogleAccount::Consumer,
            }),
            auth_time: claims.auth_time().map(|time| UnixTime(time.timestamp())),
            sid: text(&extra.sid),
        };
        if identity.email.is_none() {
            identity.email_verified = false;
            match self.userinfo(provider, tokens, claims).await {
                Ok(Some(info)) => {
                    identity.email = info.email().map(|email| email.to_string()).filter(|email| !email.is_empty());
                    identity.email_verified = identity.email.is_some() && info.email_verified().unwrap_or(false);
                    identity.name = identity.name.or_else(|| info.name().and_then(any_language));
                }
                Ok(None) => {}
                Err(error) => {
                    let error = error.for_log();
                    tracing::warn!(upstream = self.settings.name, error, "no email: the userinfo endpoint failed");
                }
            }
        }
        Ok(identity)
    }

    /// `max_age` for the upstream. It makes the ID token contain `auth_time` (OpenID Connect Core section 2), without
    /// which a new sign-in cannot be proved; `prompt=login` alone does not.
    fn max_age(&self, attempt: &Attempt) -> Option<Duration> {
        let for_auth_time = attempt.login.filter(|_| !self.settings.is_google()).map(|_| LONG_ENOUGH);
        attempt.max_age.map(|seconds| Duration::from_secs(seconds.into())).or(for_auth_time)
    }

    /// The one `prompt` that makes this upstream do what the attempt needs. Google does not support `login`; Auth0 does not
    /// support `select_account` for its own accounts.
    fn prompt(&self, attempt: &Attempt) -> Option<CoreAuthPrompt> {
        let login = attempt.login.is_some();
        if !login && !attempt.select_account {
            return None;
        }
        Some(match self.settings.kind {
            _ if self.settings.is_google() => CoreAuthPrompt::SelectAccount,
            UpstreamKind::Auth0 => CoreAuthPrompt::Login,
            _ if login => CoreAuthPrompt::Login,
            _ => CoreAuthPrompt::SelectAccount,
        })
    }

    async fn fetch_provider(&self) -> Result<Provider, Error> {
        let issuer = IssuerUrl::new(self.settings.issuer.clone())
            .map_err(|error| because(format!("the issuer {:?} is not a URL", self.settings.issuer), error))?;
        let metadata = Metadata::discover_async(issuer, &self.http).await.map_err(discovery_error)?;
        let endpoints = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(|endpoint| endpoint.url()),
            metadata.userinfo_endpoint().map(|endpoint| endpoint.url()),
        ];
        endpoints.into_iter().flatten().try_for_each(check_url)?;
        self.provider_of(metadata)
    }

    fn provider_of(&self, metadata: Metadata) -> Result<Provider, Error> {
        let redirect_uri = RedirectUrl::new(self.redirect_uri.clone())
            .map_err(|error| because(format!("the redirect URI {:?} is not a URL", self.redirect_uri), error))?;
        let secret = self.settings.client_secret.as_ref();
        let client = Client::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.settings.client_id.clone()),
            secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned())),
        );
        Ok(Provider { metadata, client: client.set_redirect_uri(redirect_uri) })
    }

    /// Redeems the code. Upstreams that support both ways of sending the secret may still bind a client to the one that it
    /// registered (Supabase and Authelia do), and discovery does not say which. So if the secret is rejected in one way, the
    /// other is tried: the code is not spent before the client is authenticated.
    async fn redeem(&self, redemption: &Redemption<'_>) -> Result<Tokens, Error> {
        let methods = redemption.provider.metadata.token_endpoint_auth_methods_supported();
        let offered = |method| methods.is_none_or(|methods| methods.contains(&method));
        let basic = offered(CoreClientAuthMethod::ClientSecretBasic);
        let post = methods.is_some() && offered(CoreClientAuthMethod::ClientSecretPost);
        let in_body = post && (!basic || self.secret_in_body.load(Ordering::Relaxed));
        let first = self.redeem_by(redemption, in_body).await;
        if !(basic && post && self.settings.client_secret.is_some() && refuses_client(&first)) {
            return first;
        }
        let second = self.redeem_by(redemption, !in_body).await;
        if second.is_err() {
            return if refuses_client(&second) { first } else { second };
        }
        self.secret_in_body.store(!in_body, Ordering::Relaxed);
        second
    }

    async fn redeem_by(&self, redemption: &Redemption<'_>, in_body: bool) -> Result<Tokens, Error> {
        let Redemption { provider, code, attempt } = redemption;
        let client = provider.client.clone().set_auth_type(match in_body {
            true => AuthType::RequestBody,
            false => AuthType::BasicAuth,
        });
        client
            .exchange_code(AuthorizationCode::new((*code).to_owned()))
            .map_err(|error| because("the discovery document names no token endpoint", error))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.pkce_verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(token_error)
    }

    /// The claims of the UserInfo endpoint, if there is one. Fails if they have another `sub`.
    async fn userinfo(
        &self,
        provider: &Provider,
        tokens: &Tokens,
        claims: &IdTokenClaims,
    ) -> Result<Option<UserInfo>, Error> {
        let Some(endpoint) = provider.metadata.userinfo_endpoint() else { return Ok(None) };
        let request = openidconnect::http::Request::get(endpoint.as_str())
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", tokens.access_token().secret()))
            .body(Vec::new())
            .map_err(|error| because("the access token cannot be sent", error))?;
        let response = self.http.send(request).await?;
        if !response.status().is_success() {
            return Err(invalid(format!("the userinfo endpoint answered {}", response.status())));
        }
        UserInfo::from_json::<Error>(response.body(), Some(claims.subject()))
            .map(Some)
            .map_err(|error| because("the userinfo answer is not valid", error))
    }

    /// The provider with newer keys than those of `used`, or the same keys if they were fetched just now.
    async fn newer_keys(&self, used: &Arc<Provider>, now: UnixTime) -> Result<Arc<Provider>, Error> {
        let mut fetched = self.keys_fetched.lock().await;
        let current = self.provider().ok_or_else(|| self.undiscovered())?;
        let too_soon = fetched.is_some_and(|fetched| (0..KEYS_INTERVAL).contains(&now.since(fetched)));
        if !Arc::ptr_eq(&current, used) || too_soon {
            return Ok(current);
        }
        *fetched = Some(now);
        let keys = JsonWebKeySet::fetch_async(used.metadata.jwks_uri(), &self.http).await.map_err(discovery_error)?;
        let provider = Arc::new(self.provider_of(used.metadata.clone().set_jwks(keys))?);
        self.state_mut().provider = Some(Arc::clone(&provider));
        Ok(provider)
    }

    /// The provider, discovered now if it has not been before.
    async fn known_provider(&self) -> Result<Arc<Provider>, Error> {
        if let Some(provider) = self.provider() {
            return Ok(provider);
        }
        self.discover().await?;
        self.provider().ok_or_else(|| self.undiscovered())
    }

    fn provider(&self) -> Option<Arc<Provider>> {
        self.state().provider.clone()
    }

    fn undiscovered(&self) -> Error {
        let failure = self.state().failure.clone();
        let failure = failure.unwrap_or_else(|| "it has not been asked for its discovery document yet".into());
        Error::Unreachable { at: self.settings.issuer.clone(), source: failure.into() }
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The fault, and what the operator can change at the provider.
const NO_ISS: &str = "the answer lacks the iss parameter, which the provider's metadata promises \
                      (authorization_response_iss_parameter_supported); turn it on for this client at the provider. In \
                      Keycloak: Clients, Advanced, OpenID Connect Compatibility Modes, Exclude Issuer From \
                      Authentication Response: off";

fn any_language<T: std::ops::Deref<Target = String>>(claim: &LocalizedClaim<T>) -> Option<String> {
    let text = claim.get(None).or_else(|| claim.iter().next().map(|(_, text)| text))?;
    Some(text.to_string()).filter(|text| !text.is_empty())
}

/// Whether the upstream rejected the client's authentication: by RFC 6749 section 5.2, or by Supabase's own error.
fn refuses_client<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Refused { code, .. }) if code == "invalid_client" || code == "invalid_credentials")
}
