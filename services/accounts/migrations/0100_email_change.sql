-- Another address that somebody asked for, until it is proven. One at a time; the newest counts.
-- placement: account
-- account_id: PLAIN
-- change_id: PLAIN the request that settles it has this id
-- email_index: SENSITIVE keyed MAC of the new address in lower case
-- email: SEALED under the account's key
-- token_hash: SENSITIVE SHA-256 of 256 random bits; null before it is settled, and for ever where the address is somebody's
-- requested_at: SENSITIVE
-- expires_at: PLAIN
CREATE TABLE email_change (
    account_id uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    change_id uuid NOT NULL UNIQUE,
    email_index bytea NOT NULL CHECK (octet_length(email_index) = 32),
    email bytea NOT NULL,
    token_hash bytea CHECK (octet_length(token_hash) = 32),
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX email_change_expiry ON email_change (expires_at);

-- Addresses that accounts had, each with the link that puts it back. While there is a row nobody else can have the address.
-- placement: account
-- token_hash: SENSITIVE SHA-256 of 256 random bits
-- account_id: PLAIN
-- email_index: SENSITIVE keyed MAC of the earlier address in lower case
-- email: SEALED under the account's key
-- changed_at: SENSITIVE when another address took its place
-- expires_at: PLAIN
CREATE TABLE email_undo (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    email_index bytea NOT NULL CHECK (octet_length(email_index) = 32),
    email bytea NOT NULL,
    changed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX email_undo_account ON email_undo (account_id);
CREATE INDEX email_undo_address ON email_undo (email_index);
CREATE INDEX email_undo_expiry ON email_undo (expires_at);
