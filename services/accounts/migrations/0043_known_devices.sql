-- Devices that somebody signed in from. A sign-in from any other is told to the owner; one that is known has turns of its own.
-- placement: account
-- device_id: PLAIN
-- account_id: PLAIN
-- device_hash: SENSITIVE SHA-256 of 256 random bits and the account, so that two accounts of one browser do not look alike
-- session_id: PLAIN the newest session that began there
-- device_label: SEALED under the account's key: that session's label, in the words it was sealed in for the session
-- created_at: SENSITIVE
-- used_at: SENSITIVE when somebody signed in there last
-- expires_at: PLAIN
CREATE TABLE known_device (
    device_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    device_hash bytea NOT NULL CHECK (octet_length(device_hash) = 32),
    session_id uuid NOT NULL,
    device_label bytea NOT NULL,
    created_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    UNIQUE (account_id, device_hash)
);
CREATE INDEX known_device_expiry ON known_device (expires_at);
