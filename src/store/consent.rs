//! The last consent of a person for a client, a redirect URI and a resource.

use super::{Error, Stmt, Store, args, text, time};
use crate::clock::UnixTime;
use crate::oauth::client::ClientId;
use crate::oauth::grant::PersonId;
use crate::oauth::resource::Resources;
use crate::oauth::scope::Scopes;
use crate::oauth::token::TokenHash;

/// What a person once allowed.
#[derive(Clone, Debug)]
pub struct Consent {
    /// Who allowed it.
    pub person: PersonId,
    /// To whom.
    pub client: ClientId,
    /// Where the answer went; without the port where it was on loopback.
    pub redirect_uri: String,
    /// For what.
    pub resources: Resources,
    /// How much.
    pub scopes: Scopes,
    /// The client's metadata at that time.
    pub client_version: TokenHash,
    /// When it was given first.
    pub created_at: UnixTime,
}

impl Store {
    /// The consent on file.
    pub async fn find_consent(
        &self,
        person: &PersonId,
        client: &ClientId,
        redirect_uri: &str,
        resources: &Resources,
    ) -> Result<Option<Consent>, Error> {
        let sql = "SELECT scopes, client_version, created_at FROM consents \
                   WHERE person = $1 AND client = $2 AND redirect_uri = $3 AND resource = $4";
        let args = args![person.as_str(), client.as_str(), redirect_uri, resources.to_string()];
        let Some(row) = self.read_one(Stmt::new(sql, args)).await? else { return Ok(None) };
        Ok(Some(Consent {
            person: person.clone(),
            client: client.clone(),
            redirect_uri: redirect_uri.to_owned(),
            resources: resources.clone(),
            scopes: Scopes::parse(&text(&row, "scopes")?).map_err(|_| Error::Corrupt("consents.scopes".into()))?,
            client_version: TokenHash::from_stored(text(&row, "client_version")?),
            created_at: time(&row, "created_at")?,
        }))
    }
}

/// Puts the consent on file, in place of an older one.
pub(super) fn upsert(consent: &Consent, now: UnixTime) -> Stmt {
    let sql = "INSERT INTO consents (person, client, redirect_uri, resource, scopes, client_version, created_at, used_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $7) \
               ON CONFLICT (person, client, redirect_uri, resource) DO UPDATE \
               SET scopes = excluded.scopes, client_version = excluded.client_version, used_at = excluded.used_at";
    Stmt::new(
        sql,
        args![
            consent.person.as_str(),
            consent.client.as_str(),
            consent.redirect_uri.as_str(),
            consent.resources.to_string(),
            consent.scopes.to_string(),
            &consent.client_version,
            now,
        ],
    )
}
