//! `[clients]`: registration, and the clients of the operator's own.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::mounts::ReadMount;
use super::pass::{CENTURY, DAY, Pass};
use crate::clock::UnixTime;
use crate::config::secret;
use crate::config::settings::{ClientSettings, DocumentSettings, RegistrationBounds};
use crate::config::tables::{ClientTable, Tables};
use crate::oauth::auth_method::AuthMethod;
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_id::{ClientId, MAX_CLIENT_ID};
use crate::oauth::client_metadata::{ApplicationType, ClientMetadata, GrantType, ResponseType};
use crate::oauth::name::showable;
use crate::oauth::redirect::RedirectUri;
use crate::oauth::scope::Scopes;
use crate::oauth::token::ClientSecret;

/// The shortest secret of a client of the operator's own.
pub(super) const MIN_SECRET: usize = 16;

impl Pass<'_> {
    pub(super) fn clients(
        &mut self,
        tables: &Tables,
        mounts: &[ReadMount],
        documents: DocumentSettings,
    ) -> ClientSettings {
        let table = &tables.clients;
        let known = mounts.iter().fold(Scopes::default(), |all, read| all.union(&read.scopes));
        let mut ids = BTreeSet::new();
        let mut preregistered = Vec::new();
        for (i, client) in table.preregistered.iter().enumerate() {
            let base = format!("clients.preregistered.{i}");
            if let Some(id) = &client.id
                && !ids.insert(id)
            {
                self.report(&format!("{base}.id"), "is also the id of another client");
            }
            preregistered.extend(self.client(&base, client, &known));
        }
        ClientSettings {
            registration: table.registration,
            openid: table.openid,
            remember_consent: table.remember_consent,
            unused_lifetime: self.span("clients.unused_lifetime", table.unused_lifetime, DAY..=CENTURY),
            idle_lifetime: self.span("clients.idle_lifetime", table.idle_lifetime, DAY..=CENTURY),
            registrations: RegistrationBounds::default(),
            documents,
            preregistered,
        }
    }

    /// The id by which the operator lets a client or a server name itself; `example` for where it is missing.
    pub(super) fn client_id(&mut self, key: &str, id: Option<&str>, example: &str) -> Option<ClientId> {
        let id = match id {
            None => Err(format!("is missing; choose one, such as {example:?}")),
            Some(id) => {
                ClientId::parse(id).ok_or_else(|| format!("must be 1 to {MAX_CLIENT_ID} printable ASCII characters"))
            }
        };
        self.ok_or_report(key, id)
    }

    fn client(&mut self, base: &str, table: &ClientTable, known: &Scopes) -> Option<Client> {
        let key = |key: &str| format!("{base}.{key}");
        let id = self.client_id(&key("id"), table.id.as_deref(), "my-app");
        if table.redirect_uris.0.is_empty() {
            self.report(&key("redirect_uris"), "must name at least one address");
        }
        let mut redirect_uris = Vec::new();
        for (i, uri) in table.redirect_uris.0.iter().enumerate() {
            let parsed = RedirectUri::parse(uri).map_err(|error| error.description.into_owned());
            redirect_uris.extend(self.ok_or_report(&key(&format!("redirect_uris.{i}")), parsed));
        }
        let secret_key = if table.secret.is_some() { key("secret") } else { key("secret_file") };
        let secret = self.ok_or_report(&secret_key, secret::load(table.secret.as_ref(), table.secret_file.as_deref()));
        let has_secret = !matches!(secret, Some(None));
        if let Some(Some(secret)) = &secret
            && secret.expose_secret().chars().count() < MIN_SECRET
        {
            self.report(&secret_key, format!("must have at least {MIN_SECRET} characters"));
        }
        let method = match table.auth_method.as_deref().map(AuthMethod::parse) {
            None if has_secret => Ok(AuthMethod::ClientSecretBasic),
            None => Ok(AuthMethod::None),
            Some(None | Some(AuthMethod::PrivateKeyJwt)) => {
                Err("must be \"none\", \"client_secret_basic\" or \"client_secret_post\"")
            }
            Some(Some(AuthMethod::None)) if has_secret => Err("must not be none if there is a secret"),
            Some(Some(method)) if method != AuthMethod::None && !has_secret => Err("needs a secret or a secret_file"),
            Some(Some(method)) => Ok(method),
        };
        let method = self.ok_or_report(&key("auth_method"), method.map_err(str::to_owned));
        let scope = table.scopes.as_ref().map(|listed| self.known_scopes(&key("scopes"), listed, known).to_string());

        let metadata = ClientMetadata {
            redirect_uris,
            token_endpoint_auth_method: method?,
            token_endpoint_auth_methods_supported: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            response_types: vec![ResponseType::Code],
            application_type: ApplicationType::Web,
            client_name: table.name.as_deref().and_then(showable),
            scope,
            client_uri: None,
            logo_uri: None,
            tos_uri: None,
            policy_uri: None,
            jwks: None,
            jwks_uri: None,
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
        };
        let application_type = if metadata.is_native_only() { ApplicationType::Native } else { ApplicationType::Web };
        Some(Client {
            id: id?,
            origin: ClientOrigin::Configured,
            metadata: ClientMetadata { application_type, ..metadata },
            secret: secret?.map(|secret| ClientSecret::presented(secret.expose_secret()).hash()),
            registration: None,
            created_at: UnixTime(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn clients(text: &str) -> Result<Vec<Client>, String> {
        let text = format!("upstream.dev = {{}}\n[[clients.preregistered]]\n{text}");
        let config = Config::from_toml(&text).map_err(|problems| problems.to_string())?;
        config.settings().map(|settings| settings.clients.preregistered).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_client_with_a_secret_is_confidential_and_one_without_is_public() {
        let uri = "id = \"app\"\nredirect_uris = [\"https://a.example/cb\"]";
        let public = &clients(uri).unwrap()[0];
        assert_eq!(public.metadata.token_endpoint_auth_method, AuthMethod::None);
        assert!(public.secret.is_none() && public.may_refresh());
        assert_eq!(public.origin, ClientOrigin::Configured);
        assert_eq!(public.name(), "app");
        let confidential =
            &clients(&format!("{uri}\nsecret = \"0123456789abcdef\"\nname = \"App\"\nscopes = [\"mcp\"]")).unwrap()[0];
        assert_eq!(confidential.metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
        assert!(confidential.secret.as_ref().unwrap().matches(&ClientSecret::presented("0123456789abcdef").hash()));
        assert_eq!((confidential.name(), confidential.metadata.scope.as_deref()), ("App", Some("mcp")));
    }

    #[test]
    fn what_a_client_lacks_is_told() {
        let told = clients("").unwrap_err();
        assert!(told.contains("clients.preregistered.0.id: is missing"), "{told}");
        assert!(told.contains("clients.preregistered.0.redirect_uris: must name"), "{told}");
        let uri = "redirect_uris = [\"http://127.0.0.1/cb\"]\nid = \"a\"";
        for (bad, expected) in [
            ("redirect_uris = [\"https://a.example\", \"http://a.example\"]\nid = \"a\"".to_owned(), "redirect_uris.1"),
            (format!("{uri}\nauth_method = \"client_secret_post\""), "needs a secret"),
            (format!("{uri}\nauth_method = \"none\"\nsecret = \"0123456789abcdef\""), "must not be none"),
            (format!("{uri}\nauth_method = \"jwt\""), "auth_method = \"jwt\": must be"),
            (format!("{uri}\nsecret = \"short\""), "at least 16"),
            (format!("{uri}\nscopes = [\"admin\"]"), "not one of the scopes"),
            (format!("{uri}\n[[clients.preregistered]]\n{uri}"), "the id of another client"),
        ] {
            let told = clients(&bad).unwrap_err();
            assert!(told.contains(expected), "{bad}: {told}");
        }
    }

    #[test]
    fn a_hundred_thousand_unused_registrations_are_kept_and_a_million_are_the_most() {
        let settings = Config::from_toml("upstream.dev = {}").unwrap().settings().unwrap();
        let RegistrationBounds { kept, most, spared } = settings.clients.registrations;
        assert_eq!((kept, most, spared.as_secs()), (100_000, 1_000_000, 3600));
    }

    #[test]
    fn a_client_on_this_computer_is_native() {
        let clients = clients("redirect_uris = [\"http://127.0.0.1/cb\"]\nid = \"a\"").unwrap();
        assert_eq!(clients[0].metadata.application_type, ApplicationType::Native);
    }
}
