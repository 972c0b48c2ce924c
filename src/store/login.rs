//! Rows of `logins`: journeys through an upstream. Each stage is reached by one guarded statement.

use sqlx::any::AnyRow;

use super::consent;
use super::consent::Consent;
use super::database::Store;
use super::error::Error;
use super::grant::NewGrant;
use super::person;
use super::person::{SignedIn, insert_sign_in};
use super::statement::{Stmt, args, int, text, time};
use crate::clock::UnixTime;
use crate::oauth::client_id::ClientId;
use crate::oauth::grant::{GrantId, RowId};
use crate::oauth::prompt::Prompt;
use crate::oauth::token::TokenHash;

/// The stage of a journey, with the values that only this stage has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The person agreed, and must sign in at the upstream. `notice` says why the last attempt failed.
    Allowed {
        /// A `flow::journey::notice::Notice` as text, or empty.
        notice: String,
    },
    /// A request is processing the upstream's answer.
    Exchanging { claimed_at: UnixTime },
    /// The upstream identified the person.
    Identified {
        /// The new sign-in.
        sign_in: RowId,
    },
    /// The client's answer was made: a code for the grant, or an error.
    Answered {
        /// The grant; `None` if the answer is an error.
        grant: Option<GrantId>,
    },
}

/// What the authorization request demands of the sign-in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// `prompt`.
    pub prompt: Prompt,
    /// `max_age` in seconds.
    pub max_age: Option<u32>,
}

/// A row of `logins`.
#[derive(Clone, Debug)]
pub(crate) struct LoginRow {
    pub id: RowId,
    /// The stage of the journey.
    pub stage: Stage,
    /// The raw query of the authorization request.
    pub request: String,
    /// What the request demands of the sign-in; `None` if a version without this column began the journey.
    pub bounds: Option<Bounds>,
    pub client: ClientId,
    /// The upstream of the current attempt.
    pub upstream: String,
    /// The number of the current attempt. Each has another state, nonce and PKCE verifier.
    pub attempt: i64,
    /// The hash of the current attempt's `state`.
    pub state_hash: TokenHash,
    /// The hash of the cookie that binds the journey to its browser.
    pub cookie_hash: TokenHash,
    pub created_at: UnixTime,
    pub expires_at: UnixTime,
}

/// What a person allowed: the grant with its first code, and the consent. Neither is stored without the other.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub grant: NewGrant,
    pub consent: Consent,
}

impl Permission {
    fn statements(&self, now: UnixTime) -> Result<Vec<Stmt>, Error> {
        let mut unit = self.grant.statements(now)?;
        unit.push(consent::upsert(&self.consent, now));
        Ok(unit)
    }
}

/// The purpose of a journey that answers an authorization request.
const AUTHORIZE: &str = "authorize";

impl Store {
    /// Inserts a journey, in stage allowed; `false` if there is one of this id already.
    pub(crate) async fn insert_login(&self, login: &LoginRow) -> Result<bool, Error> {
        let sql = "INSERT INTO logins (id, stage, request, client, upstream, attempt, state_hash, cookie_hash, notice, \
                   claimed_at, sign_in, grant_id, created_at, expires_at, purpose, max_age, prompt) \
                   VALUES ($1, 'allowed', $2, $3, $4, $5, $6, $7, '', 0, 0, 0, $8, $9, $10, $11, $12) \
                   ON CONFLICT (id) DO NOTHING RETURNING id";
        let bounds = login.bounds.unwrap_or_default();
        let args = args![
            login.id,
            login.request.as_str(),
            login.client.as_str(),
            login.upstream.as_str(),
            login.attempt,
            &login.state_hash,
            &login.cookie_hash,
            login.created_at,
            login.expires_at,
            AUTHORIZE,
            bounds.max_age.map_or(-1, i64::from),
            bounds.prompt.to_string(),
        ];
        Ok(!self.give(Stmt::new(sql, args)).await?.is_empty())
    }

    /// The journey of this id, unless it has expired.
    pub(crate) async fn find_login(&self, id: RowId, now: UnixTime) -> Result<Option<LoginRow>, Error> {
        let sql = "SELECT id, stage, request, client, upstream, attempt, state_hash, cookie_hash, notice, claimed_at, \
                   sign_in, grant_id, created_at, expires_at, purpose, max_age, prompt FROM logins WHERE id = $1 AND expires_at > $2";
        self.read_one(Stmt::new(sql, args![id, now])).await?.map(|row| parse(&row)).transpose()
    }

    /// allowed or identified -> allowed, with the state of a new attempt at an upstream; `false` if the journey has moved on
    /// since `login` was loaded.
    pub(crate) async fn begin_attempt(
        &self,
        login: &LoginRow,
        upstream: &str,
        state: &TokenHash,
    ) -> Result<bool, Error> {
        let sql = "UPDATE logins SET stage = 'allowed', attempt = attempt + 1, upstream = $3, state_hash = $4, notice = '', sign_in = 0 \
                   WHERE id = $1 AND attempt = $2 AND stage IN ('allowed', 'identified') RETURNING id";
        let args = args![login.id, login.attempt, upstream, state];
        Ok(!self.give(Stmt::new(sql, args)).await?.is_empty())
    }

    /// allowed -> exchanging. Only the request that gets `true` may redeem the upstream's code.
    pub(crate) async fn claim_login(&self, login: &LoginRow, state: &TokenHash, now: UnixTime) -> Result<bool, Error> {
        let sql = "UPDATE logins SET stage = 'exchanging', claimed_at = $2 \
                   WHERE id = $1 AND stage = 'allowed' AND state_hash = $3 AND cookie_hash = $4 AND upstream = $5 \
                   AND attempt = $6 AND expires_at > $2 RETURNING id";
        let args = args![login.id, now, state, &login.cookie_hash, login.upstream.as_str(), login.attempt];
        Ok(!self.give(Stmt::new(sql, args)).await?.is_empty())
    }

    /// exchanging -> allowed, since the attempt failed. Its state is no longer valid.
    pub(crate) async fn release_login(&self, login: &LoginRow, notice: &str) -> Result<(), Error> {
        let sql = "UPDATE logins SET stage = 'allowed', state_hash = '', notice = $3 \
                   WHERE id = $1 AND attempt = $2 AND stage = 'exchanging' RETURNING id";
        self.record(Stmt::new(sql, args![login.id, login.attempt, notice])).await.map(|_| ())
    }

    /// The person cancelled: the journey is over.
    pub(crate) async fn spend_login(&self, id: RowId) -> Result<(), Error> {
        let sql = "UPDATE logins SET stage = 'answered', state_hash = '', grant_id = 0 WHERE id = $1 AND stage <> 'answered' RETURNING id";
        self.record(Stmt::new(sql, args![id])).await.map(|_| ())
    }

    /// exchanging -> identified, with the person and the sign-in; `false` if the journey was released meanwhile.
    pub(crate) async fn identify_login(
        &self,
        login: &LoginRow,
        signed_in: &SignedIn,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let SignedIn { sign_in, person } = signed_in;
        let sql = "UPDATE logins SET stage = 'identified', state_hash = '', sign_in = $3 \
                   WHERE id = $1 AND attempt = $2 AND stage = 'exchanging' RETURNING id";
        let unit = vec![
            Stmt::new(sql, args![login.id, login.attempt, sign_in.id]),
            person::upsert(person, now),
            insert_sign_in(sign_in),
        ];
        Ok(!self.give_all(unit).await?.is_empty())
    }

    /// identified -> answered, with the grant and the consent; `false` if another request was faster.
    pub(crate) async fn answer_login(
        &self,
        login: &LoginRow,
        permission: &Permission,
        now: UnixTime,
    ) -> Result<bool, Error> {
        let sql = "UPDATE logins SET stage = 'answered', grant_id = $3 \
                   WHERE id = $1 AND attempt = $2 AND stage = 'identified' RETURNING id";
        let mut unit = vec![Stmt::new(sql, args![login.id, login.attempt, permission.grant.grant.id])];
        unit.extend(permission.statements(now)?);
        Ok(!self.give_all(unit).await?.is_empty())
    }

    /// Inserts a grant without a journey, for a person who was signed in already.
    pub(crate) async fn insert_grant(&self, permission: &Permission, now: UnixTime) -> Result<(), Error> {
        self.give_all(permission.statements(now)?).await.map(|_| ())
    }
}

fn parse(row: &AnyRow) -> Result<LoginRow, Error> {
    let corrupt = |what: &str| Error::Corrupt(format!("logins.{what}"));
    let grant = int(row, "grant_id")?;
    let stage = match text(row, "stage")?.as_str() {
        "allowed" => Stage::Allowed { notice: text(row, "notice")? },
        "exchanging" => Stage::Exchanging { claimed_at: time(row, "claimed_at")? },
        "identified" => Stage::Identified { sign_in: RowId(int(row, "sign_in")?) },
        "answered" => Stage::Answered { grant: (grant != 0).then_some(RowId(grant)) },
        _ => return Err(corrupt("stage")),
    };
    Ok(LoginRow {
        id: RowId(int(row, "id")?),
        stage,
        request: text(row, "request")?,
        bounds: bounds(row)?,
        client: ClientId::from_stored(&text(row, "client")?).ok_or_else(|| corrupt("client"))?,
        upstream: text(row, "upstream")?,
        attempt: int(row, "attempt")?,
        state_hash: TokenHash::from_stored(text(row, "state_hash")?),
        cookie_hash: TokenHash::from_stored(text(row, "cookie_hash")?),
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn bounds(row: &AnyRow) -> Result<Option<Bounds>, Error> {
    let corrupt = |what: &str| Error::Corrupt(format!("logins.{what}"));
    match text(row, "purpose")?.as_str() {
        "" => return Ok(None),
        AUTHORIZE => {}
        _ => return Err(corrupt("purpose")),
    }
    let max_age = match int(row, "max_age")? {
        -1 => None,
        seconds => Some(u32::try_from(seconds).map_err(|_| corrupt("max_age"))?),
    };
    let prompt = Prompt::parse(Some(&text(row, "prompt")?)).map_err(|_| corrupt("prompt"))?;
    Ok(Some(Bounds { prompt, max_age }))
}
