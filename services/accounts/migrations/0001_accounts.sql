-- What somebody asked for with an address, before anybody looks whether the address is known.
-- The answer to the caller is given when the row is written, so it cannot tell the two apart.
-- placement: queue
-- email_index: SENSITIVE keyed MAC of the address in lower case
-- kind: PLAIN
-- request_id: PLAIN becomes the account's id if the address is new
-- email: SEALED under the service's own key
-- password_hash: SEALED under the service's own key
-- time_zone: SENSITIVE
-- locale: SENSITIVE
-- requested_at: SENSITIVE
-- next_at: PLAIN when it may be taken up; a claim moves it on by the lease
-- attempts: PLAIN
CREATE TABLE address_request (
    email_index bytea NOT NULL CHECK (octet_length(email_index) = 32),
    kind text NOT NULL CHECK (kind IN ('register', 'resend')),
    request_id uuid NOT NULL UNIQUE,
    email bytea,
    password_hash bytea,
    time_zone text,
    locale text,
    requested_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    PRIMARY KEY (email_index, kind),
    CHECK (kind = 'resend' OR (email IS NOT NULL AND password_hash IS NOT NULL
                               AND time_zone IS NOT NULL AND locale IS NOT NULL))
);
CREATE INDEX address_request_due ON address_request (next_at);

-- The people who are here.
-- placement: account
-- account_id: PLAIN
-- email_index: SENSITIVE keyed MAC of the address in lower case; the only way to find an account by address
-- email: SEALED under the account's key
-- password_hash: SEALED Argon2id, under the service's own key, so that a stolen table cannot be guessed at
-- kind: PLAIN
-- time_zone: SENSITIVE
-- locale: SENSITIVE
-- version: PLAIN of the account's events
-- created_at: SENSITIVE
-- adult_attested_at: SENSITIVE when the person said they are 18 or older
-- verified_at: SENSITIVE null until the address is proven
CREATE TABLE account (
    account_id uuid PRIMARY KEY,
    email_index bytea NOT NULL UNIQUE CHECK (octet_length(email_index) = 32),
    email bytea NOT NULL,
    password_hash bytea NOT NULL,
    kind text NOT NULL CHECK (kind IN ('member', 'operator')),
    time_zone text NOT NULL,
    locale text NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    adult_attested_at timestamptz NOT NULL,
    verified_at timestamptz
);

-- Proofs of an address that wait to be given: only hashes of the tokens.
-- placement: account
-- token_hash: SENSITIVE SHA-256 of 256 random bits
-- account_id: PLAIN
-- expires_at: PLAIN
CREATE TABLE verification (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX verification_account ON verification (account_id);
CREATE INDEX verification_expiry ON verification (expires_at);

-- Sessions. Looked up by the hash of their secret at every minting, hence not partitioned by account.
-- placement: account
-- session_id: PLAIN
-- account_id: PLAIN
-- secret_hash: SENSITIVE SHA-256 of 256 random bits
-- device_label: SEALED under the account's key
-- created_at: SENSITIVE when the person proved who they are
-- used_at: SENSITIVE last minting, to the hour
-- idle_until: PLAIN it ends unless it is used before this
-- absolute_until: PLAIN it ends then whatever happens
-- ended_at: SENSITIVE
CREATE TABLE session (
    session_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    device_label bytea NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    idle_until timestamptz NOT NULL,
    absolute_until timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX session_account ON session (account_id, session_id DESC) WHERE ended_at IS NULL;
CREATE INDEX session_expiry ON session (LEAST(idle_until, absolute_until)) WHERE ended_at IS NULL;
CREATE INDEX session_ended ON session (ended_at) WHERE ended_at IS NOT NULL;

-- The keys that sign passports. The newest one whose time has come signs.
-- placement: public
-- key_id: PLAIN
-- public_key: PLAIN
-- private_key: SEALED PKCS #8, under the service's own key
-- created_at: PLAIN
-- signs_from: PLAIN
CREATE TABLE signing_key (
    key_id uuid PRIMARY KEY,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL UNIQUE
);

-- Mail that is to be sent. A sent mail's row is gone; a dead one keeps no address and no text.
-- placement: queue
-- mail_id: PLAIN
-- account_id: PLAIN
-- kind: PLAIN
-- letter: SEALED under the account's key
-- created_at: SENSITIVE
-- next_at: PLAIN when it may be sent; a claim moves it on by the lease
-- attempts: PLAIN 0 until somebody claims it
-- dead_at: PLAIN
CREATE TABLE mail_queue (
    mail_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('verification', 'address_in_use')),
    letter bytea,
    created_at timestamptz NOT NULL,
    next_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    dead_at timestamptz,
    CHECK ((letter IS NULL) = (dead_at IS NOT NULL))
);
CREATE INDEX mail_queue_due ON mail_queue (next_at) WHERE dead_at IS NULL;
CREATE INDEX mail_queue_account ON mail_queue (account_id);

-- How often something may happen to one subject: the time at which its next turn is free.
-- placement: queue
-- subject: SENSITIVE keyed MAC of an address and of what is counted
-- free_at: PLAIN
CREATE TABLE throttle (
    subject bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
    free_at timestamptz NOT NULL
);
CREATE INDEX throttle_free ON throttle (free_at);
