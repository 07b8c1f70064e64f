CREATE SCHEMA IF NOT EXISTS vault;

-- placement: account
-- service: PLAIN the service that seals with the key
-- owner_id: PLAIN whose values it seals: an account, or a fixed id for what belongs to the service itself
-- key_id: PLAIN the id that sealed values carry
-- kek_id: PLAIN the key encryption key that wraps it; null once destroyed
-- wrapped: SEALED the data key, encrypted by the key encryption key; null once destroyed
-- created_at: PLAIN
-- destroyed_at: PLAIN the row stays for ever as a tombstone, so that the key is never made anew
CREATE TABLE vault.data_keys (
    service text NOT NULL,
    owner_id uuid NOT NULL,
    key_id uuid NOT NULL UNIQUE,
    kek_id text,
    wrapped bytea,
    created_at timestamptz NOT NULL,
    destroyed_at timestamptz,
    PRIMARY KEY (service, owner_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (kek_id IS NULL))
);

-- What a new key encryption key has still to wrap.
CREATE INDEX data_keys_by_kek ON vault.data_keys (kek_id, service, owner_id) WHERE kek_id IS NOT NULL;
