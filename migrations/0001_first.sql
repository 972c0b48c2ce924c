-- The same text for SQLite and PostgreSQL: TEXT and BIGINT only, '' and 0 instead of NULL, times in seconds since 1970.

-- Single facts: the canary that tells whether the root secret is the right one.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Registered clients (RFC 7591); the operator's own are in jean.toml.
CREATE TABLE clients (
    id          TEXT NOT NULL PRIMARY KEY,
    metadata    TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX clients_updated ON clients (updated_at);

-- People, as an upstream described them at their last sign-in.
CREATE TABLE people (
    id             TEXT NOT NULL PRIMARY KEY,
    issuer         TEXT NOT NULL,
    sub            TEXT NOT NULL,
    email          TEXT NOT NULL,
    email_verified BIGINT NOT NULL,
    name           TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL,
    UNIQUE (issuer, sub)
);

-- Each time somebody signed in; a browser's session holds the id of one.
CREATE TABLE sign_ins (
    id           BIGINT NOT NULL PRIMARY KEY,
    person       TEXT NOT NULL,
    upstream     TEXT NOT NULL,
    upstream_sid TEXT NOT NULL,
    auth_time    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL
);
CREATE INDEX sign_ins_upstream ON sign_ins (upstream, upstream_sid);
CREATE INDEX sign_ins_person ON sign_ins (person);

-- Browser journeys on their way through an upstream.
CREATE TABLE logins (
    id          BIGINT NOT NULL PRIMARY KEY,
    stage       TEXT NOT NULL,
    request     TEXT NOT NULL,
    client      TEXT NOT NULL,
    upstream    TEXT NOT NULL,
    attempt     BIGINT NOT NULL,
    state_hash  TEXT NOT NULL,
    cookie_hash TEXT NOT NULL,
    notice      TEXT NOT NULL,
    claimed_at  BIGINT NOT NULL,
    sign_in     BIGINT NOT NULL,
    grant_id    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX logins_expiry ON logins (expires_at);

-- What a person allowed a client, from the code through its rotations to the revocation.
CREATE TABLE grants (
    id              BIGINT NOT NULL PRIMARY KEY,
    kind            TEXT NOT NULL,
    person          TEXT NOT NULL,
    sign_in         BIGINT NOT NULL,
    client          TEXT NOT NULL,
    resources       TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    nonce           TEXT NOT NULL,
    auth_time       BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    code_hash       TEXT NOT NULL,
    code_challenge  TEXT NOT NULL,
    redirect_uri    TEXT NOT NULL,
    code_expires_at BIGINT NOT NULL,
    redeemed_at     BIGINT NOT NULL,
    tag_hash        TEXT NOT NULL,
    rt_hash         TEXT NOT NULL,
    rt_prev         TEXT NOT NULL,
    rt_salt         TEXT NOT NULL,
    rt_gen          BIGINT NOT NULL,
    rt_at           BIGINT NOT NULL,
    rt_expires_at   BIGINT NOT NULL,
    bound_key       TEXT NOT NULL,
    access_until    BIGINT NOT NULL,
    revoked_at      BIGINT NOT NULL,
    revoked_why     TEXT NOT NULL
);
CREATE INDEX grants_revoked ON grants (revoked_at) WHERE revoked_at > 0;
CREATE INDEX grants_person ON grants (person);
CREATE INDEX grants_client ON grants (client);
CREATE INDEX grants_sign_in ON grants (sign_in);

-- The last consent of a person for a client, a redirect URI and a resource.
CREATE TABLE consents (
    person         TEXT NOT NULL,
    client         TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    resource       TEXT NOT NULL,
    scopes         TEXT NOT NULL,
    client_version TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    used_at        BIGINT NOT NULL,
    PRIMARY KEY (person, client, redirect_uri, resource)
);

-- Browser sessions, by the hash of their id.
CREATE TABLE sessions (
    id_hash    TEXT NOT NULL PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Signing keys, the private half sealed with the root secret.
CREATE TABLE signing_keys (
    alg        TEXT NOT NULL,
    slot       BIGINT NOT NULL,
    kid        TEXT NOT NULL UNIQUE,
    public_jwk TEXT NOT NULL,
    sealed     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    sign_from  BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL,
    PRIMARY KEY (alg, slot)
);

-- The processes that serve from this database, and what time each thinks it is.
CREATE TABLE replicas (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL
);
