-- Authenticator apps: the one that counts, and the one that waits for its first code.
-- placement: account
-- account_id: PLAIN
-- confirmed: PLAIN whether it counts
-- secret: SEALED under the account's key
-- created_at: SENSITIVE when it was proposed
-- last_step: SENSITIVE of the newest code that was taken: none counts twice
CREATE TABLE totp (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    confirmed boolean NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    last_step bigint NOT NULL,
    PRIMARY KEY (account_id, confirmed)
);

-- Recovery codes that were not used yet: only hashes.
-- placement: account
-- account_id: PLAIN
-- code_hash: SENSITIVE SHA-256 of 80 random bits
CREATE TABLE recovery_code (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
    PRIMARY KEY (account_id, code_hash)
);

-- Sign-ins whose password was right and whose second factor is still to come.
-- placement: account
-- token_hash: SENSITIVE SHA-256 of 256 random bits
-- account_id: PLAIN
-- session_id: PLAIN what the session will be
-- device_label: SEALED under the account's key, for the session it will belong to
-- counted_as: SENSITIVE what attempts with the address are counted as
-- expires_at: PLAIN
CREATE TABLE pending_sign_in (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    session_id uuid NOT NULL,
    device_label bytea NOT NULL,
    counted_as bytea NOT NULL CHECK (octet_length(counted_as) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX pending_sign_in_account ON pending_sign_in (account_id);
CREATE INDEX pending_sign_in_expiry ON pending_sign_in (expires_at);

-- session.strong: PLAIN whether a second factor was part of a proof in it
ALTER TABLE session ADD COLUMN strong boolean NOT NULL DEFAULT false;
-- account.password_alone: SENSITIVE whether the password is long enough to be the only factor
ALTER TABLE account ADD COLUMN password_alone boolean NOT NULL DEFAULT true;
