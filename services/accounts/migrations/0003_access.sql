-- How often something of an owner was taken back from a reader. A capability carries the epoch it was made in and is
-- good for nothing once there is a higher one. Without a row the epoch is 0.
-- placement: account
-- owner_id: PLAIN
-- reader_id: PLAIN
-- epoch: PLAIN it only grows
CREATE TABLE access_epoch (
    owner_id uuid NOT NULL,
    reader_id uuid NOT NULL,
    epoch bigint NOT NULL CHECK (epoch > 0),
    PRIMARY KEY (owner_id, reader_id)
);

-- What was opened of whom to whom. Opening the same again within an hour goes on with its receipt. A receipt counts once
-- the service that holds the data says that it was read; until then it is only open, and once nothing on the bus can be
-- as old nobody needs it any more.
-- placement: account (hash of owner_id)
-- owner_id: PLAIN whose data
-- receipt_id: PLAIN random: unlike other ids it holds no time, because the owner may see it and must not learn
--   from it when a partner opened something
-- reader_id: PLAIN
-- session_id: PLAIN the reader's
-- relation: PLAIN in which relation
-- relation_id: PLAIN the couple
-- scope: PLAIN number of candor.options.v1.Scope
-- purpose: PLAIN number of candor.accounts.v1.AccessPurpose
-- item_id: PLAIN null for everything of the scope
-- epoch: PLAIN at the last opening
-- opened_at: SENSITIVE
-- hour: SENSITIVE whole hours since 1970 at the first opening, by which two who open the same at once meet
-- renewed_at: SENSITIVE the last opening, if there was more than one
-- read_at: SENSITIVE the earliest read; null while it does not count
-- item_ids: PLAIN what was read, at most 100
-- told_at: SENSITIVE the earliest read that the reader wants the owner to know of
-- told_item_ids: PLAIN what the reader wants the owner to know of, at most 100
-- shown_at: SENSITIVE the time the owner sees in their ledger; null when it is not theirs to know
CREATE TABLE receipt (
    owner_id uuid NOT NULL,
    receipt_id uuid NOT NULL,
    reader_id uuid NOT NULL,
    session_id uuid NOT NULL,
    relation text NOT NULL,
    relation_id uuid NOT NULL,
    scope integer NOT NULL,
    purpose integer NOT NULL,
    item_id uuid,
    epoch bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    hour bigint NOT NULL,
    renewed_at timestamptz,
    read_at timestamptz,
    item_ids uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(item_ids) <= 100),
    told_at timestamptz,
    told_item_ids uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(told_item_ids) <= 100),
    shown_at timestamptz,
    PRIMARY KEY (owner_id, receipt_id),
    -- What makes two openings one receipt; the item last, because none is one as well and cannot be looked up.
    UNIQUE NULLS NOT DISTINCT
        (owner_id, reader_id, session_id, relation, relation_id, scope, purpose, hour, item_id)
) PARTITION BY HASH (owner_id);

CREATE TABLE receipt_p0 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE receipt_p1 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE receipt_p2 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE receipt_p3 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE receipt_p4 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE receipt_p5 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE receipt_p6 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE receipt_p7 PARTITION OF receipt FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- The owner's ledger, newest first.
CREATE INDEX receipt_shown ON receipt (owner_id, shown_at DESC, receipt_id DESC) WHERE shown_at IS NOT NULL;
-- What never counted, and what counted and its owner never sees, to be removed.
CREATE INDEX receipt_uncounted ON receipt (opened_at) WHERE read_at IS NULL;
CREATE INDEX receipt_unshown ON receipt (opened_at) WHERE read_at IS NOT NULL AND shown_at IS NULL;
