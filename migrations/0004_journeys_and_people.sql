-- What the provider said of a person at the last sign-in, as a JSON object; '' for a person who has not signed in since.
ALTER TABLE people ADD COLUMN claims TEXT NOT NULL DEFAULT '';

-- The provider that a grant rests on and its session there (`sid`): sign-ins are deleted long before their grants.
ALTER TABLE grants ADD COLUMN upstream TEXT NOT NULL DEFAULT '';
ALTER TABLE grants ADD COLUMN upstream_sid TEXT NOT NULL DEFAULT '';
-- If the provider told no `auth_time`, the time of the callback stood in for it.
UPDATE grants SET upstream = sign_ins.upstream, upstream_sid = sign_ins.upstream_sid,
    auth_time = CASE WHEN sign_ins.auth_time = 0 THEN 0 ELSE grants.auth_time END
    FROM sign_ins WHERE sign_ins.id = grants.sign_in;
CREATE INDEX grants_upstream_sid ON grants (upstream, upstream_sid) WHERE upstream_sid <> '';

-- What a journey is for, and what binds its attempts. `purpose` is '' in a journey that began before: then the request
-- alone says what binds it. `max_age` is in seconds, -1 for none; `prompt` is the list of words of the request.
ALTER TABLE logins ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN max_age BIGINT NOT NULL DEFAULT -1;
ALTER TABLE logins ADD COLUMN prompt TEXT NOT NULL DEFAULT '';

-- When the host of a metadata document was found to have taken it away, or to give a wrong one; 0 if it has not. Then
-- `created_at` is when the host gave the copy last.
ALTER TABLE clients ADD COLUMN gone_at BIGINT NOT NULL DEFAULT 0;

-- Registrations that nobody has allowed anything yet, the oldest first.
CREATE INDEX clients_unused ON clients (updated_at) WHERE grant_ended_at = 0;
