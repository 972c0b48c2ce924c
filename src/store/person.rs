//! Rows of people, and of their sign-ins.

use sqlx::any::AnyRow;

use super::database::Store;
use super::error::Error;
use super::statement::{Stmt, args, int, text, time};
use crate::clock::UnixTime;
use crate::oauth::grant::{Origin, Person, PersonId, RowId};
use crate::oauth::provider_claims::ProviderClaims;

/// One sign-in of a person at an upstream.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// The id, which a session holds.
    pub id: RowId,
    /// The person who signed in.
    pub person: PersonId,
    pub upstream: String,
    /// The upstream's `sid`, or empty.
    pub upstream_sid: String,
    /// When the person authenticated, if the upstream says so.
    pub auth_time: Option<UnixTime>,
    /// When they came back from the upstream.
    pub created_at: UnixTime,
    /// Until when a session may use it.
    pub expires_at: UnixTime,
}

/// A sign-in, with its person.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub sign_in: SignIn,
    pub person: Person,
}

impl Store {
    /// Counts the live grants of people whose provider is none of these issuers.
    pub(crate) async fn count_grants_of_others(&self, issuers: &[&str], now: UnixTime) -> Result<i64, Error> {
        let known = self.read(Stmt::new("SELECT DISTINCT issuer FROM people", [])).await?;
        let mut count = 0;
        for row in &known {
            let issuer = text(row, "issuer")?;
            if issuers.contains(&issuer.as_str()) {
                continue;
            }
            let sql = "SELECT COUNT(*) AS live FROM grants WHERE person IN (SELECT id FROM people WHERE issuer = $1) \
                       AND revoked_at = 0 AND expires_at > $2 AND (rt_expires_at > $2 OR access_until > $2)";
            let row = self.read_one(Stmt::new(sql, args![issuer, now])).await?;
            count += row.map_or(Ok(0), |row| int(&row, "live"))?;
        }
        Ok(count)
    }

    /// Updates a person, if they are stored.
    pub(crate) async fn renew_person(&self, person: &Person, now: UnixTime) -> Result<(), Error> {
        let sql =
            "UPDATE people SET email = $2, email_verified = $3, name = $4, claims = $5, seen_at = $6 WHERE id = $1";
        let args = args![
            person.id.as_str(),
            person.email.as_deref().unwrap_or_default(),
            i64::from(person.email_verified),
            person.name.as_deref().unwrap_or_default(),
            claims(person),
            now,
        ];
        self.record(Stmt::new(sql, args)).await.map(|_| ())
    }

    pub(crate) async fn find_person(&self, id: &PersonId) -> Result<Option<Person>, Error> {
        let sql = "SELECT id, issuer, claims, sub, email, email_verified, name FROM people WHERE id = $1";
        self.read_one(Stmt::new(sql, args![id.as_str()])).await?.map(|row| parse(&row)).transpose()
    }

    /// The person who signed in, if the sign-in has not expired.
    pub(crate) async fn find_sign_in(&self, id: RowId, now: UnixTime) -> Result<Option<SignedIn>, Error> {
        let sql = "SELECT s.id AS sign_in, s.upstream, s.upstream_sid, s.auth_time, s.created_at, s.expires_at, \
                   p.id, p.issuer, p.claims, p.sub, p.email, p.email_verified, p.name \
                   FROM sign_ins s JOIN people p ON p.id = s.person \
                   WHERE s.id = $1 AND s.ended_at = 0 AND s.expires_at > $2";
        let Some(row) = self.read_one(Stmt::new(sql, args![id, now])).await? else { return Ok(None) };
        let person = parse(&row)?;
        let sign_in = SignIn {
            id: RowId(int(&row, "sign_in")?),
            person: person.id.clone(),
            upstream: text(&row, "upstream")?,
            upstream_sid: text(&row, "upstream_sid")?,
            auth_time: Some(time(&row, "auth_time")?).filter(|time| time.0 != 0),
            created_at: time(&row, "created_at")?,
            expires_at: time(&row, "expires_at")?,
        };
        Ok(Some(SignedIn { sign_in, person }))
    }
}

/// Stores a person, in place of an older row.
pub(super) fn upsert(person: &Person, now: UnixTime) -> Stmt {
    let sql = "INSERT INTO people (id, issuer, sub, email, email_verified, name, created_at, seen_at, claims) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8) ON CONFLICT (id) DO UPDATE \
               SET email = excluded.email, email_verified = excluded.email_verified, name = excluded.name, \
                   seen_at = excluded.seen_at, claims = excluded.claims";
    Stmt::new(
        sql,
        args![
            person.id.as_str(),
            person.origin.issuer.as_str(),
            person.sub.as_str(),
            person.email.as_deref().unwrap_or_default(),
            i64::from(person.email_verified),
            person.name.as_deref().unwrap_or_default(),
            now,
            claims(person),
        ],
    )
}

/// The claims as the column holds them.
fn claims(person: &Person) -> String {
    person.origin.claims.as_ref().map(ProviderClaims::to_text).unwrap_or_default()
}

/// Stores a sign-in.
pub(super) fn insert_sign_in(sign_in: &SignIn) -> Stmt {
    let sql = "INSERT INTO sign_ins (id, person, upstream, upstream_sid, auth_time, created_at, expires_at, ended_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, 0)";
    Stmt::new(
        sql,
        args![
            sign_in.id,
            sign_in.person.as_str(),
            sign_in.upstream.as_str(),
            sign_in.upstream_sid.as_str(),
            sign_in.auth_time.unwrap_or(UnixTime(0)),
            sign_in.created_at,
            sign_in.expires_at,
        ],
    )
}

/// The columns `issuer` and `claims` of a person.
pub(super) fn origin(row: &AnyRow) -> Result<Origin, Error> {
    let claims = match text(row, "claims")?.as_str() {
        "" => None,
        claims => {
            let claims = ProviderClaims::from_stored(claims);
            Some(claims.ok_or_else(|| Error::Corrupt("people.claims".into()))?)
        }
    };
    Ok(Origin { issuer: text(row, "issuer")?, claims })
}

fn parse(row: &AnyRow) -> Result<Person, Error> {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(Person {
        id: PersonId::from_stored(text(row, "id")?),
        origin: origin(row)?,
        sub: text(row, "sub")?,
        email: some(text(row, "email")?),
        email_verified: int(row, "email_verified")? == 1,
        name: some(text(row, "name")?),
    })
}
