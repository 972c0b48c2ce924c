//! Rows of `grants`: one row holds what a person allowed, from its code through its rotations to its revocation.
//!
//! Each decision is one guarded statement. If it returns no row, the stored row shows why.

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{Row as _, ValueRef as _};

use super::client;
use super::database::Store;
use super::error::Error;
use super::person::{self, SignIn};
use super::statement::{Stmt, args, int, text, time};
use crate::clock::UnixTime;
use crate::oauth::client::Client;
use crate::oauth::client_id::ClientId;
use crate::oauth::grant::{Grant, GrantId, Origin, PersonId, RowId};
use crate::oauth::pkce::CodeChallenge;
use crate::oauth::redirect::RedirectUri;
use crate::oauth::resource::{Resource, Resources};
use crate::oauth::scope::Scopes;
use crate::oauth::token::TokenHash;

/// An unused code.
#[derive(Clone, Debug)]
pub(crate) struct NewCode {
    pub hash: TokenHash,
    pub expires_at: UnixTime,
}

/// A new grant, with its first code.
#[derive(Clone, Debug)]
pub(crate) struct NewGrant {
    pub grant: Grant,
    /// The sign-in that it is based on.
    pub sign_in: SignIn,
    pub code: NewCode,
    /// The PKCE challenge that the code is bound to.
    pub challenge: CodeChallenge,
    /// The redirect URI that the code is bound to.
    pub redirect_uri: String,
    /// The client, if a copy of its document is to be stored.
    pub document: Option<Client>,
}

impl NewGrant {
    /// The statements that insert the grant, and the copy of its client's document.
    pub(super) fn statements(&self, now: UnixTime) -> Result<Vec<Stmt>, Error> {
        let mut unit = vec![self.insert(now)];
        if let Some(client) = &self.document {
            unit.push(client::keep_document(client, now)?);
        }
        unit.push(client::granted(&self.grant.client, now));
        Ok(unit)
    }

    fn insert(&self, now: UnixTime) -> Stmt {
        let sql = "INSERT INTO grants (id, kind, person, sign_in, client, resources, scopes, nonce, auth_time, created_at, \
                   expires_at, code_hash, code_challenge, redirect_uri, code_expires_at, redeemed_at, tag_hash, rt_hash, \
                   rt_prev, rt_salt, rt_gen, rt_at, rt_expires_at, bound_key, access_until, revoked_at, revoked_why, \
                   upstream, upstream_sid) \
                   VALUES ($1, 'code', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
                   0, '', '', '', '', 0, 0, 0, '', 0, 0, '', $15, $16) RETURNING id";
        let grant = &self.grant;
        Stmt::new(
            sql,
            args![
                grant.id,
                grant.person.as_str(),
                self.sign_in.id,
                grant.client.as_str(),
                grant.resources.to_string(),
                grant.scopes.to_string(),
                grant.nonce.as_str(),
                grant.auth_time.unwrap_or(UnixTime(0)),
                now,
                grant.expires_at,
                &self.code.hash,
                self.challenge.encode(),
                self.redirect_uri.as_str(),
                self.code.expires_at,
                self.sign_in.upstream.as_str(),
                self.sign_in.upstream_sid.as_str(),
            ],
        )
    }
}

/// A code as presented at the token endpoint, and the first refresh token that follows it.
#[derive(Debug)]
pub(crate) struct Redemption<'a> {
    /// The grant that the code names.
    pub id: GrantId,
    pub code: &'a TokenHash,
    /// The client that presents it.
    pub client: &'a ClientId,
    /// The challenge, computed from the presented verifier.
    pub challenge: CodeChallenge,
    /// `redirect_uri`, if it was sent.
    pub redirect_uri: Option<&'a str>,
    /// The one resource that the grant must be for, if that was not judged before.
    pub resource: Option<&'a Resource>,
    /// The first refresh token, if the client may refresh.
    pub refresh: Option<FirstRefreshToken>,
}

/// The first refresh token of a family.
#[derive(Debug)]
pub(crate) struct FirstRefreshToken {
    /// Proves that a refresh token belongs to this family.
    pub tag: TokenHash,
    pub hash: TokenHash,
}

/// A revoked family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revoked {
    pub family: GrantId,
    /// Until when the guard has to remember it.
    pub until: UnixTime,
}

/// A refresh token as presented, with its successor.
#[derive(Debug)]
pub(crate) struct Rotation<'a> {
    /// The family that the token names.
    pub id: GrantId,
    pub token: &'a TokenHash,
    pub successor: &'a TokenHash,
    /// The salt that makes the successor.
    pub salt: String,
    /// The client that presents it.
    pub client: &'a ClientId,
    /// The one resource that the grant must be for, if that was not judged before.
    pub resource: Option<&'a Resource>,
}

/// The lifetimes after a redemption or a rotation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// Of an unused refresh token.
    pub idle: Duration,
    /// Until the row may be forgotten: the access token's life, the grace, and a margin for skewed clocks.
    pub access: Duration,
}

/// A grant with the provider of its person.
#[derive(Clone, Debug)]
pub(crate) struct OwnedGrant {
    pub grant: Grant,
    /// The provider of the person who allowed it; `None` if the person is no longer stored.
    pub origin: Option<Origin>,
}

/// A row of `grants`.
#[derive(Clone, Debug)]
pub(crate) struct StoredGrant {
    pub grant: Grant,
    /// The provider of the person who allowed it; `None` if the person is no longer stored.
    pub origin: Option<Origin>,
    pub code: TokenHash,
    /// The PKCE challenge, as on the wire.
    pub challenge: String,
    /// The redirect URI that the code is bound to.
    pub redirect_uri: String,
    /// When the code expires.
    pub code_expires_at: UnixTime,
    /// When the code was redeemed, or 0.
    pub redeemed_at: UnixTime,
    /// Proves that a refresh token belongs to this family.
    pub tag: TokenHash,
    /// The hash of the current refresh token.
    pub refresh: TokenHash,
    /// The hash of its predecessor.
    pub predecessor: TokenHash,
    /// The salt that made the current one from its predecessor.
    pub salt: String,
    /// The number of refresh tokens so far: 1 for the first.
    pub generation: i64,
    /// When it was last rotated.
    pub rotated_at: UnixTime,
    /// When the current refresh token expires.
    pub refresh_expires_at: UnixTime,
    /// When it was revoked, or 0.
    pub revoked_at: UnixTime,
}

impl StoredGrant {
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked_at.0 > 0
    }

    /// Whether its refresh token could be used: the family is neither revoked nor expired.
    pub(crate) fn is_alive(&self, now: UnixTime) -> bool {
        !self.is_revoked() && self.grant.expires_at > now && self.refresh_expires_at > now
    }

    pub(crate) fn is_redeemed(&self) -> bool {
        self.redeemed_at.0 > 0
    }
}

impl Store {
    /// Redeems a code. Returns the grant if all conditions of the request hold and the code is unspent.
    pub(crate) async fn redeem_code(
        &self,
        code: &Redemption<'_>,
        life: Lifetimes,
        now: UnixTime,
    ) -> Result<Option<OwnedGrant>, Error> {
        let sql = "UPDATE grants SET redeemed_at = $2, tag_hash = $3, rt_hash = $4, rt_gen = 1, rt_at = $2, \
                   rt_expires_at = CASE WHEN expires_at < $5 THEN expires_at ELSE $5 END, access_until = $6 \
                   WHERE id = $1 AND redeemed_at = 0 AND revoked_at = 0 AND code_hash = $7 AND code_expires_at > $2 \
                   AND client = $8 AND code_challenge = $9 AND ($10 = '' OR redirect_uri = $10) AND ($11 = '' OR resources = $11) \
                   RETURNING id, person, client, resources, scopes, nonce, auth_time, expires_at, \
                   (SELECT p.issuer FROM people p WHERE p.id = grants.person) AS issuer, \
                   (SELECT p.claims FROM people p WHERE p.id = grants.person) AS claims";
        let (tag, refresh) = match &code.refresh {
            Some(first) => (first.tag.as_str(), first.hash.as_str()),
            None => ("", ""),
        };
        let args = args![
            code.id,
            now,
            tag,
            refresh,
            now + life.idle,
            now + life.access,
            code.code,
            code.client.as_str(),
            code.challenge.encode(),
            code.redirect_uri.unwrap_or_default(),
            code.resource.map(Resource::as_str).unwrap_or_default(),
        ];
        self.give(Stmt::new(sql, args)).await?.first().map(owned).transpose()
    }

    /// Rotates a refresh token. Returns the grant if all conditions of the request hold and the token is the current one.
    pub(crate) async fn rotate(
        &self,
        token: &Rotation<'_>,
        life: Lifetimes,
        now: UnixTime,
    ) -> Result<Option<OwnedGrant>, Error> {
        let sql = "UPDATE grants SET rt_prev = rt_hash, rt_hash = $3, rt_salt = $4, rt_gen = rt_gen + 1, rt_at = $5, \
                   rt_expires_at = CASE WHEN expires_at < $6 THEN expires_at ELSE $6 END, \
                   access_until = CASE WHEN access_until > $7 THEN access_until ELSE $7 END \
                   WHERE id = $1 AND rt_hash = $2 AND client = $8 AND bound_key = $9 AND revoked_at = 0 \
                   AND expires_at > $5 AND rt_expires_at > $5 AND ($10 = '' OR resources = $10) \
                   RETURNING id, person, client, resources, scopes, nonce, auth_time, expires_at, \
                   (SELECT p.issuer FROM people p WHERE p.id = grants.person) AS issuer, \
                   (SELECT p.claims FROM people p WHERE p.id = grants.person) AS claims";
        let args = args![
            token.id,
            token.token,
            token.successor,
            token.salt.as_str(),
            now,
            now + life.idle,
            now + life.access,
            token.client.as_str(),
            "",
            token.resource.map(Resource::as_str).unwrap_or_default(),
        ];
        self.give(Stmt::new(sql, args)).await?.first().map(owned).transpose()
    }

    pub(crate) async fn find_grant(&self, id: GrantId) -> Result<Option<StoredGrant>, Error> {
        let sql = "SELECT id, person, client, resources, scopes, nonce, auth_time, expires_at, code_hash, code_challenge, \
                   redirect_uri, code_expires_at, redeemed_at, tag_hash, rt_hash, rt_prev, rt_salt, rt_gen, rt_at, \
                   rt_expires_at, revoked_at, \
                   (SELECT p.issuer FROM people p WHERE p.id = grants.person) AS issuer, \
                   (SELECT p.claims FROM people p WHERE p.id = grants.person) AS claims \
                   FROM grants WHERE id = $1";
        self.read_one(Stmt::new(sql, args![id])).await?.map(|row| parse(&row)).transpose()
    }

    /// Replaces the code of a grant whose code is unspent; `false` if there is no such grant.
    pub(crate) async fn renew_code(&self, id: GrantId, code: &NewCode, now: UnixTime) -> Result<bool, Error> {
        let sql = "UPDATE grants SET code_hash = $2, code_expires_at = $3 \
                   WHERE id = $1 AND redeemed_at = 0 AND revoked_at = 0 AND code_expires_at > $4 RETURNING id";
        Ok(!self.give(Stmt::new(sql, args![id, &code.hash, code.expires_at, now])).await?.is_empty())
    }

    /// Revokes a family, once. Returns until when the guard has to remember it; `None` if it was revoked already.
    pub(crate) async fn revoke_family(&self, id: GrantId, why: &str, now: UnixTime) -> Result<Option<UnixTime>, Error> {
        let sql = "UPDATE grants SET revoked_at = $2, revoked_why = $3, rt_hash = '', rt_prev = '', rt_salt = '' \
                   WHERE id = $1 AND revoked_at = 0 RETURNING id, access_until";
        self.record(Stmt::new(sql, args![id, now, why])).await?.first().map(|row| time(row, "access_until")).transpose()
    }

    /// Revokes families of a client, at most 500. Returns them; empty if all were revoked already.
    pub(crate) async fn revoke_some_of_client(
        &self,
        client: &ClientId,
        why: &str,
        now: UnixTime,
    ) -> Result<Vec<Revoked>, Error> {
        let sql = "UPDATE grants SET revoked_at = $2, revoked_why = $3, rt_hash = '', rt_prev = '', rt_salt = '' \
                   WHERE id IN (SELECT id FROM grants WHERE client = $1 AND revoked_at = 0 ORDER BY id LIMIT 500) \
                   AND revoked_at = 0 RETURNING id, access_until";
        let rows = self.record(Stmt::new(sql, args![client.as_str(), now, why])).await?;
        rows.iter().map(revoked).collect()
    }

    /// The families that were revoked at `since` or later.
    pub(crate) async fn revoked_since(&self, since: UnixTime) -> Result<Vec<Revoked>, Error> {
        // The literal `> 0` makes SQLite use the partial index.
        let sql = "SELECT id, access_until FROM grants WHERE revoked_at > 0 AND revoked_at >= $1";
        let rows = self.read_changes(Stmt::new(sql, args![since])).await?;
        rows.iter().map(revoked).collect()
    }

    /// Whether there is a live grant, of any person, whose code went to exactly this address of the client.
    pub(crate) async fn grant_went_to(
        &self,
        client: &ClientId,
        redirect_uri: &RedirectUri,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let sql = "SELECT id FROM grants WHERE client = $1 AND redirect_uri = $2 AND redeemed_at > 0 AND revoked_at = 0 \
                   AND expires_at > $3 AND rt_expires_at > $3 LIMIT 1";
        let args = args![client.as_str(), redirect_uri.as_str(), now];
        Ok(self.read_one(Stmt::new(sql, args)).await?.is_some())
    }

    /// Deletes grants whose tokens have all expired, and whose revocation every replica has read. First notes in their
    /// clients' rows that a grant has ended, and deletes only grants for which that is noted: the client's idle time
    /// counts from then on.
    ///
    /// Goes through the table by ranges of ids, so that no statement occupies the writer for long, however many grants
    /// there are.
    pub(super) async fn sweep_grants(&self, now: UnixTime) -> Result<(), Error> {
        let end = "SELECT id FROM grants WHERE id > $1 ORDER BY id LIMIT 1 OFFSET 999";
        let mark = "UPDATE clients SET grant_ended_at = $1 WHERE grant_ended_at < $1 AND id IN (\
                    SELECT client FROM grants WHERE id > $2 AND id <= $3 AND access_until < $1 - 600 \
                    AND revoked_at < $1 - 600 AND (revoked_at > 0 OR expires_at < $1 OR rt_expires_at < $1) \
                    AND (redeemed_at > 0 OR code_expires_at < $1))";
        let delete = "DELETE FROM grants WHERE id > $2 AND id <= $3 AND access_until < $1 - 600 \
                      AND revoked_at < $1 - 600 AND (revoked_at > 0 OR expires_at < $1 OR rt_expires_at < $1) \
                      AND (redeemed_at > 0 OR code_expires_at < $1) \
                      AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.id = grants.client AND grant_ended_at < $1)";
        let mut after = -1;
        loop {
            let row = self.read_one(Stmt::new(end, args![after])).await?;
            let last = row.as_ref().map_or(Ok(i64::MAX), |row| int(row, "id"))?;
            self.tidy(Stmt::new(mark, args![now, after, last])).await?;
            self.tidy(Stmt::new(delete, args![now, after, last])).await?;
            if row.is_none() {
                return Ok(());
            }
            after = last;
        }
    }
}

fn facts(row: &AnyRow) -> Result<Grant, Error> {
    let corrupt = |what: &str| Error::Corrupt(format!("grants.{what}"));
    Ok(Grant {
        id: RowId(int(row, "id")?),
        person: PersonId::from_stored(text(row, "person")?),
        client: ClientId::from_stored(&text(row, "client")?).ok_or_else(|| corrupt("client"))?,
        scopes: Scopes::parse(&text(row, "scopes")?).map_err(|_| corrupt("scopes"))?,
        resources: Resources::parse(&text(row, "resources")?).map_err(|_| corrupt("resources"))?,
        nonce: text(row, "nonce")?,
        auth_time: Some(time(row, "auth_time")?).filter(|time| time.0 != 0),
        expires_at: time(row, "expires_at")?,
    })
}

fn revoked(row: &AnyRow) -> Result<Revoked, Error> {
    Ok(Revoked { family: RowId(int(row, "id")?), until: time(row, "access_until")? })
}

fn owned(row: &AnyRow) -> Result<OwnedGrant, Error> {
    Ok(OwnedGrant { grant: facts(row)?, origin: origin(row)? })
}

/// The provider of a grant's person. If the person is not stored, the columns are NULL.
fn origin(row: &AnyRow) -> Result<Option<Origin>, Error> {
    if row.try_get_raw("issuer")?.is_null() { Ok(None) } else { person::origin(row).map(Some) }
}

fn parse(row: &AnyRow) -> Result<StoredGrant, Error> {
    let hash = |column| text(row, column).map(TokenHash::from_stored);
    Ok(StoredGrant {
        grant: facts(row)?,
        origin: origin(row)?,
        code: hash("code_hash")?,
        challenge: text(row, "code_challenge")?,
        redirect_uri: text(row, "redirect_uri")?,
        code_expires_at: time(row, "code_expires_at")?,
        redeemed_at: time(row, "redeemed_at")?,
        tag: hash("tag_hash")?,
        refresh: hash("rt_hash")?,
        predecessor: hash("rt_prev")?,
        salt: text(row, "rt_salt")?,
        generation: int(row, "rt_gen")?,
        rotated_at: time(row, "rt_at")?,
        refresh_expires_at: time(row, "rt_expires_at")?,
        revoked_at: time(row, "revoked_at")?,
    })
}
