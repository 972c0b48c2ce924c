//! Rows of `consents`: the last consent of a person for a client, a redirect URI and a set of resources.

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args, text, time};
use crate::clock::UnixTime;
use crate::oauth::client_id::ClientId;
use crate::oauth::grant::PersonId;
use crate::oauth::resource::Resources;
use crate::oauth::scope::Scopes;
use crate::oauth::token::TokenHash;

/// What a person allowed a client.
#[derive(Clone, Debug)]
pub(crate) struct Consent {
    /// The person who allowed it.
    pub person: PersonId,
    pub client: ClientId,
    /// The redirect URI of the answer; without the port if it is on loopback.
    pub redirect_uri: String,
    pub resources: Resources,
    pub scopes: Scopes,
    /// The hash of the client's metadata at that time.
    pub client_version: TokenHash,
    /// When the person first allowed it.
    pub created_at: UnixTime,
}

impl Store {
    /// The consents of this person to this client, the latest first: one for each redirect URI and set of resources.
    pub(crate) async fn find_consents(&self, person: &PersonId, client: &ClientId) -> Result<Vec<Consent>, Error> {
        let sql = "SELECT redirect_uri, resource, scopes, client_version, created_at FROM consents \
                   WHERE person = $1 AND client = $2 ORDER BY used_at DESC";
        let corrupt = |column: &str| Error::Corrupt(format!("consents.{column}"));
        let rows = self.read(Stmt::new(sql, args![person.as_str(), client.as_str()])).await?;
        rows.iter()
            .map(|row| {
                Ok(Consent {
                    person: person.clone(),
                    client: client.clone(),
                    redirect_uri: text(row, "redirect_uri")?,
                    resources: Resources::parse(&text(row, "resource")?).map_err(|_| corrupt("resource"))?,
                    scopes: Scopes::parse(&text(row, "scopes")?).map_err(|_| corrupt("scopes"))?,
                    client_version: TokenHash::from_stored(text(row, "client_version")?),
                    created_at: time(row, "created_at")?,
                })
            })
            .collect()
    }
}

/// Stores the consent, in place of an older one.
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
