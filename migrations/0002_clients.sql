-- Clients besides those that registered, how a registration is managed, and how clients age.

-- 'registered' (RFC 7591), or 'document': the last good copy of a metadata document that somebody allowed something.
ALTER TABLE clients ADD COLUMN origin TEXT NOT NULL DEFAULT 'registered';
-- The hash of the registration access token (RFC 7592).
ALTER TABLE clients ADD COLUMN registration_hash TEXT NOT NULL DEFAULT '';
-- When somebody last allowed it something, or the last of its grants was found to be over; 0 where there was none yet.
ALTER TABLE clients ADD COLUMN grant_ended_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX consents_client ON consents (client);

-- Assertions that were used (RFC 7523 section 3): each works once, on all replicas.
CREATE TABLE jti_seen (
    issuer TEXT NOT NULL,
    jti    TEXT NOT NULL,
    until  BIGINT NOT NULL,
    PRIMARY KEY (issuer, jti)
);
CREATE INDEX jti_seen_until ON jti_seen (until);
