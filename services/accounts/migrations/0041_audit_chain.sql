-- The keys that sign the chain's heads. The newest signs; none is ever removed, because what it signed stays.
-- placement: house
-- key_id: PLAIN
-- public_key: PLAIN
-- private_key: SEALED PKCS #8, under the service's own key
-- created_at: PLAIN
CREATE TABLE audit_key (
    key_id uuid PRIMARY KEY,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    private_key bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- The chain: one row for each batch of records that was sealed together.
-- placement: house
-- batch: PLAIN 1, 2, 3 …
-- previous: PLAIN the hash of the head before it
-- root: PLAIN the root of the tree over the commitments
-- commitments: PLAIN those of its records in their order, 32 bytes each, so that what changed can be named
-- records: PLAIN how many
-- total: PLAIN how many there are up to here
-- sealed_at: PLAIN
-- key_id: PLAIN
-- signature: PLAIN over all of this
CREATE TABLE audit_batch (
    batch bigint PRIMARY KEY CHECK (batch > 0),
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    commitments bytea NOT NULL,
    records integer NOT NULL CHECK (records > 0),
    total bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    key_id uuid NOT NULL,
    signature bytea NOT NULL CHECK (octet_length(signature) = 64)
);
