-- Passkeys (WebAuthn): what an account is signed in to with a device instead of a password.
-- placement: account
-- passkey_id: PLAIN
-- account_id: PLAIN
-- credential_index: SENSITIVE keyed MAC of the credential's id; the only way to find a passkey by what a device shows
-- credential: SEALED under the account's key: the credential's id, its public key and what it said of itself
-- name: SEALED under the account's key: what its owner calls it
-- counter: SENSITIVE of the newest proof; a device that counts never counts back
-- created_at: SENSITIVE
-- used_at: SENSITIVE when it proved something last; null until it did
CREATE TABLE passkey (
    passkey_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    credential_index bytea NOT NULL UNIQUE CHECK (octet_length(credential_index) = 32),
    credential bytea NOT NULL,
    name bytea NOT NULL,
    counter bigint NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX passkey_account ON passkey (account_id, passkey_id);

-- Challenges that wait for a device's answer. Whoever answers one uses it up, whether or not the answer fits.
-- placement: queue
-- token_hash: SENSITIVE SHA-256 of 256 random bits
-- challenge_id: PLAIN becomes the passkey's id where one is made
-- purpose: PLAIN
-- account_id: PLAIN whose passkey has to answer; null where anybody's may
-- session_id: PLAIN the session it was asked for in; null at a sign-in
-- pending_hash: SENSITIVE of the half of a sign-in that the answer finishes
-- state: SEALED under the service's own key: the challenge
-- name: SEALED under the account's key: what a new passkey will be called
-- expires_at: PLAIN
CREATE TABLE passkey_challenge (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    challenge_id uuid NOT NULL,
    purpose text NOT NULL,
    account_id uuid REFERENCES account ON DELETE CASCADE,
    session_id uuid,
    pending_hash bytea CHECK (octet_length(pending_hash) = 32),
    state bytea NOT NULL,
    name bytea,
    expires_at timestamptz NOT NULL
);
CREATE INDEX passkey_challenge_account ON passkey_challenge (account_id);
CREATE INDEX passkey_challenge_expiry ON passkey_challenge (expires_at);
