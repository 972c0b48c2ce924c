//! Registered clients, and copies of the documents of others.

use sqlx::any::AnyRow;

use super::{Error, Stmt, Store, args, text, time};
use crate::clock::UnixTime;
use crate::oauth::client::{Client, ClientId, ClientOrigin};
use crate::oauth::token::TokenHash;

impl Store {
    /// Keeps a registration.
    pub async fn insert_client(&self, client: &Client) -> Result<(), Error> {
        let metadata = serde_json::to_string(&client.metadata).map_err(|error| Error::Corrupt(error.to_string()))?;
        let secret = client.secret.as_ref().map(TokenHash::as_str).unwrap_or_default();
        let registration = client.registration.as_ref().map(TokenHash::as_str).unwrap_or_default();
        let sql = "INSERT INTO clients (id, origin, metadata, secret_hash, registration_hash, created_at, updated_at) \
                   VALUES ($1, 'registered', $2, $3, $4, $5, $5)";
        let args = args![client.id.as_str(), metadata, secret, registration, client.created_at];
        self.write(Stmt::new(sql, args)).await.map(|_| ())
    }

    /// Brings the copy of a document up to date, where there is one.
    pub async fn renew_document(&self, client: &Client, now: UnixTime) -> Result<(), Error> {
        let sql = "UPDATE clients SET metadata = $2, updated_at = $3 \
                   WHERE id = $1 AND origin = 'document' AND metadata <> $2 RETURNING id";
        self.write(Stmt::new(sql, args![client.id.as_str(), json(client), now])).await.map(|_| ())
    }

    /// The registered client of this id, or the copy of its document.
    pub async fn find_client(&self, id: &ClientId) -> Result<Option<Client>, Error> {
        let sql = "SELECT id, origin, metadata, secret_hash, registration_hash, created_at FROM clients WHERE id = $1";
        self.read_one(Stmt::new(sql, args![id.as_str()])).await?.map(|row| read(&row)).transpose()
    }
}

/// Keeps a copy of a client's document, in place of an older one.
pub(super) fn keep_document(client: &Client, now: UnixTime) -> Stmt {
    let sql = "INSERT INTO clients (id, origin, metadata, secret_hash, registration_hash, created_at, updated_at) \
               VALUES ($1, 'document', $2, '', '', $3, $3) ON CONFLICT (id) DO UPDATE \
               SET metadata = excluded.metadata, updated_at = excluded.updated_at WHERE clients.origin = 'document'";
    Stmt::new(sql, args![client.id.as_str(), json(client), now])
}

/// The metadata as they are kept.
fn json(client: &Client) -> String {
    serde_json::to_string(&client.metadata).unwrap_or_default()
}

fn read(row: &AnyRow) -> Result<Client, Error> {
    let id = text(row, "id")?;
    let corrupt = |what: &str| Error::Corrupt(format!("clients.{what} of {id}"));
    let hash = |column| text(row, column).map(|hash| (!hash.is_empty()).then(|| TokenHash::from_stored(hash)));
    Ok(Client {
        id: ClientId::parse(&id).ok_or_else(|| corrupt("id"))?,
        origin: match text(row, "origin")?.as_str() {
            "registered" => ClientOrigin::Registered,
            "document" => ClientOrigin::Document,
            _ => return Err(corrupt("origin")),
        },
        metadata: serde_json::from_str(&text(row, "metadata")?).map_err(|_| corrupt("metadata"))?,
        secret: hash("secret_hash")?,
        registration: hash("registration_hash")?,
        created_at: time(row, "created_at")?,
    })
}
