//! Rows of `clients`: registered clients, and copies of clients' metadata documents.

use sqlx::any::AnyRow;

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args, int, text, time};
use crate::clock::UnixTime;
use crate::config::settings::{ClientSettings, RegistrationBounds};
use crate::oauth::client::{Client, ClientOrigin};
use crate::oauth::client_document::{DocumentCopy, STORED_BEHIND};
use crate::oauth::client_id::ClientId;
use crate::oauth::token::TokenHash;

/// How many registrations one statement deletes at most.
const PIECE: u64 = 1000;

impl Store {
    pub(crate) async fn insert_client(&self, client: &Client) -> Result<(), Error> {
        let sql = "INSERT INTO clients (id, origin, metadata, secret_hash, registration_hash, created_at, updated_at) \
                   VALUES ($1, 'registered', $2, $3, $4, $5, $5)";
        let args = args![
            client.id.as_str(),
            metadata(client)?,
            hash(&client.secret),
            hash(&client.registration),
            client.created_at,
        ];
        self.give(Stmt::new(sql, args)).await.map(|_| ())
    }

    /// Replaces a registration. No stored consent replaces the question to a person any more, but the consents stay, with
    /// their scopes and dates. `false` if the row has changed since `read` was loaded.
    pub(crate) async fn update_client(&self, read: &Client, updated: &Client, now: UnixTime) -> Result<bool, Error> {
        let sql = "UPDATE clients SET metadata = $2, secret_hash = $3, updated_at = $4 \
                   WHERE id = $1 AND origin = 'registered' AND registration_hash = $5 AND secret_hash = $6 RETURNING id";
        let args = args![
            updated.id.as_str(),
            metadata(updated)?,
            hash(&updated.secret),
            now,
            hash(&read.registration),
            hash(&read.secret),
        ];
        let unit = vec![Stmt::new(sql, args), outdate_consents(&read.id)];
        Ok(!self.give_all(unit).await?.is_empty())
    }

    /// Deletes a registered client and the consents to it.
    pub(crate) async fn delete_client(&self, client: &Client) -> Result<(), Error> {
        let sql = "DELETE FROM clients WHERE id = $1 AND origin = 'registered' AND registration_hash = $2 RETURNING id";
        let delete = Stmt::new(sql, args![client.id.as_str(), hash(&client.registration)]);
        self.record_all(vec![delete, end_consents(&client.id)]).await.map(|_| ())
    }

    /// Deletes unused clients and the consents to them: those that never got a grant `unused_lifetime` after they
    /// registered, others `idle_lifetime` after their last grant ended. A client that has a grant stays.
    pub(super) async fn sweep_clients(&self, settings: &ClientSettings, now: UnixTime) -> Result<(), Error> {
        let consents = "DELETE FROM consents WHERE client IN (SELECT id FROM clients \
                        WHERE (grant_ended_at = 0 AND updated_at < $1 OR grant_ended_at > 0 AND grant_ended_at < $2) \
                        AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.client = clients.id))";
        // The database evaluates the outer condition again if a grant is made at the same time.
        let clients = "DELETE FROM clients WHERE id IN (SELECT id FROM clients \
                       WHERE (grant_ended_at = 0 AND updated_at < $1 OR grant_ended_at > 0 AND grant_ended_at < $2) \
                       AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.client = clients.id) ORDER BY id LIMIT 500) \
                       AND (grant_ended_at = 0 AND updated_at < $1 OR grant_ended_at > 0 AND grant_ended_at < $2) \
                       RETURNING id";
        let limits = || args![now - settings.unused_lifetime, now - settings.idle_lifetime];
        self.tidy(Stmt::new(consents, limits())).await?;
        while !self.tidy(Stmt::new(clients, limits())).await?.is_empty() {}
        Ok(())
    }

    /// If there are more unused registrations than allowed, deletes the oldest of them. Keeps those that are a short time
    /// old or that a journey names, since the person may be about to agree. An update (RFC 7592) does not change the age.
    pub(super) async fn trim_clients(&self, bounds: &RegistrationBounds, now: UnixTime) -> Result<(), Error> {
        let unused = self.count_unused_clients(bounds.most.max(bounds.kept)).await?;
        let mut excess = unused.saturating_sub(bounds.kept);
        // In pieces, so that no statement occupies the writer for long; each continues after the last one. The database
        // evaluates the outer condition again if a grant is made at the same time.
        let sql = "DELETE FROM clients WHERE id IN (SELECT id FROM clients \
                   WHERE grant_ended_at = 0 AND updated_at >= $1 AND created_at <= $2 AND origin = 'registered' \
                   AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.client = clients.id) \
                   AND id NOT IN (SELECT client FROM logins WHERE expires_at > $3) ORDER BY updated_at LIMIT $4) \
                   AND grant_ended_at = 0 RETURNING updated_at";
        let mut oldest = UnixTime(0);
        while excess > 0 {
            let piece = i64::try_from(excess.min(PIECE)).unwrap_or(i64::MAX);
            let deleted = self.tidy(Stmt::new(sql, args![oldest, now - bounds.spared, now, piece])).await?;
            if deleted.is_empty() {
                break;
            }
            excess = excess.saturating_sub(deleted.len() as u64);
            for row in &deleted {
                oldest = oldest.max(time(row, "updated_at")?);
            }
        }
        Ok(())
    }

    /// Counts the registrations without any grant yet, up to `most`, in the index that holds only these.
    pub(crate) async fn count_unused_clients(&self, most: u64) -> Result<u64, Error> {
        let sql =
            "SELECT COUNT(*) AS unused FROM (SELECT 1 AS one FROM clients WHERE grant_ended_at = 0 LIMIT $1) AS few";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let row = self.read_one(Stmt::new(sql, args![most])).await?;
        let unused = row.as_ref().map_or(Ok(0), |row| int(row, "unused"))?;
        Ok(u64::try_from(unused).unwrap_or_default())
    }

    /// Updates the stored copy of a document, if there is one: its content, the time at which its host last sent it (at
    /// most once an hour), or that it is over.
    pub(crate) async fn renew_document(&self, copy: &DocumentCopy, now: UnixTime) -> Result<(), Error> {
        let id = copy.client.id.as_str();
        let stmt = if copy.is_over {
            let sql = "UPDATE clients SET gone_at = $2, updated_at = $3 \
                       WHERE id = $1 AND origin = 'document' AND gone_at = 0 AND created_at <= $2 RETURNING id";
            Stmt::new(sql, args![id, copy.heard_at, now])
        } else {
            let sql = "UPDATE clients SET metadata = $2, created_at = $3, gone_at = 0, updated_at = $5 \
                       WHERE id = $1 AND origin = 'document' AND created_at < $3 AND gone_at < $3 \
                       AND (metadata <> $2 OR gone_at > 0 OR created_at <= $4) RETURNING id";
            Stmt::new(sql, args![id, metadata(&copy.client)?, copy.heard_at, copy.heard_at - STORED_BEHIND, now])
        };
        self.record(stmt).await.map(|_| ())
    }

    pub(crate) async fn find_document(&self, id: &ClientId) -> Result<Option<DocumentCopy>, Error> {
        let sql = "SELECT id, origin, metadata, secret_hash, registration_hash, created_at, gone_at FROM clients \
                   WHERE id = $1 AND origin = 'document'";
        let Some(row) = self.read_one(Stmt::new(sql, args![id.as_str()])).await? else { return Ok(None) };
        let (client, gone_at) = (parse(&row)?, time(&row, "gone_at")?);
        let heard_at = client.created_at.max(gone_at);
        Ok(Some(DocumentCopy { client, heard_at, is_over: gone_at.0 > 0 }))
    }

    /// The registered client of this id, or the copy of its document.
    pub(crate) async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Error> {
        let sql = "SELECT id, origin, metadata, secret_hash, registration_hash, created_at FROM clients WHERE id = $1";
        self.read_one(Stmt::new(sql, args![id.as_str()])).await?.map(|row| parse(&row)).transpose()
    }
}

fn metadata(client: &Client) -> Result<String, Error> {
    serde_json::to_string(&client.metadata).map_err(|error| Error::Corrupt(error.to_string()))
}

/// A hash as the columns hold it: empty if there is none.
fn hash(hash: &Option<TokenHash>) -> &str {
    hash.as_ref().map(TokenHash::as_str).unwrap_or_default()
}

/// Marks every consent to the client as given to an older version of it.
fn outdate_consents(client: &ClientId) -> Stmt {
    Stmt::new("UPDATE consents SET client_version = '' WHERE client = $1", args![client.as_str()])
}

fn end_consents(client: &ClientId) -> Stmt {
    Stmt::new("DELETE FROM consents WHERE client = $1", args![client.as_str()])
}

/// Notes that a person allowed the client something, so that a sweep at the same time keeps it. At most once an hour, so
/// that consents to a popular client do not queue for its row.
pub(super) fn granted(client: &ClientId, now: UnixTime) -> Stmt {
    let sql = "UPDATE clients SET grant_ended_at = $2 WHERE id = $1 AND grant_ended_at <= $2 - 3600";
    Stmt::new(sql, args![client.as_str(), now])
}

/// Stores a copy of a client's document, in place of an older one. `created_at` is the time at which the host sent it.
pub(super) fn keep_document(client: &Client, now: UnixTime) -> Result<Stmt, Error> {
    let sql = "INSERT INTO clients (id, origin, metadata, secret_hash, registration_hash, created_at, updated_at) \
               VALUES ($1, 'document', $2, '', '', $3, $4) ON CONFLICT (id) DO UPDATE \
               SET metadata = excluded.metadata, created_at = excluded.created_at, gone_at = 0, \
                   updated_at = excluded.updated_at \
               WHERE clients.origin = 'document' AND clients.created_at <= excluded.created_at \
               AND clients.gone_at <= excluded.created_at";
    Ok(Stmt::new(sql, args![client.id.as_str(), metadata(client)?, client.created_at, now]))
}

fn parse(row: &AnyRow) -> Result<Client, Error> {
    let id = text(row, "id")?;
    let corrupt = |what: &str| Error::Corrupt(format!("clients.{what} of {id}"));
    let metadata = text(row, "metadata")?;
    let hash = |column| text(row, column).map(|hash| (!hash.is_empty()).then(|| TokenHash::from_stored(hash)));
    Ok(Client {
        id: ClientId::from_stored(&id).ok_or_else(|| corrupt("id"))?,
        origin: match text(row, "origin")?.as_str() {
            "registered" => ClientOrigin::Registered,
            "document" => ClientOrigin::Document,
            _ => return Err(corrupt("origin")),
        },
        metadata: serde_json::from_str(&metadata).map_err(|error| corrupt(&format!("metadata ({error})")))?,
        secret: hash("secret_hash")?,
        registration: hash("registration_hash")?,
        created_at: time(row, "created_at")?,
    })
}
