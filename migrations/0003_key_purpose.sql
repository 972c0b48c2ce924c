-- What a key signs: 'access' for access tokens, 'id' for ID tokens. Each purpose has its own line of succession.
ALTER TABLE signing_keys ADD COLUMN purpose TEXT NOT NULL DEFAULT 'access';
