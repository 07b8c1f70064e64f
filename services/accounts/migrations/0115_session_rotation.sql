-- A session's secret is replaced while the session lives (RFC 9700, 4.14.2): whoever comes with one that was replaced holds a
-- copy, or somebody else holds one.
-- session.secret_since: SENSITIVE since when its secret is the one it is; null for the first
-- session.next_secret_hash: SENSITIVE SHA-256 of what takes its place at its first use
-- session.next_secret_at: SENSITIVE when that was given out
ALTER TABLE session ADD COLUMN secret_since timestamptz;
ALTER TABLE session ADD COLUMN next_secret_hash bytea CHECK (octet_length(next_secret_hash) = 32);
ALTER TABLE session ADD COLUMN next_secret_at timestamptz;
ALTER TABLE session ADD CONSTRAINT session_next_secret_at CHECK ((next_secret_hash IS NULL) = (next_secret_at IS NULL));
CREATE UNIQUE INDEX session_next_secret ON session (next_secret_hash) WHERE next_secret_hash IS NOT NULL;

-- Secrets that a session had before, and those that were to be its next and were not used; they go with it.
-- placement: account
-- secret_hash: SENSITIVE SHA-256
-- session_id: PLAIN
-- replaced_at: SENSITIVE
CREATE TABLE former_session_secret (
    secret_hash bytea PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    session_id uuid NOT NULL REFERENCES session ON DELETE CASCADE,
    replaced_at timestamptz NOT NULL
);
CREATE INDEX former_session_secret_session ON former_session_secret (session_id);
