CREATE TABLE entries (
    id         uuid        PRIMARY KEY,
    account_id uuid        NOT NULL,
    data_key   bytea       NOT NULL,
    body       bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX entries_timeline ON entries (account_id, created_at DESC, id DESC);
CREATE TABLE outbox (
    id         uuid        PRIMARY KEY,
    account_id uuid        NOT NULL,
    body       bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
