-- What members write and feel. Texts are sealed before they come here (vault, one data key per account);
-- numbers and times stay plain columns, because the member's own views compute with them.

-- placement: account (hash of account_id)
-- account_id: PLAIN whose entry it is
-- entry_id: PLAIN chosen by the client or the service; unique among the account's entries, so that one account's
--   ids say nothing about another's
-- body: SEALED the text, place entries/body/entry_id
-- title: SEALED the title, place entries/title/entry_id; NULL when there is none
-- entry_time: SENSITIVE the moment it is about
-- time_zone: SENSITIVE the writer's IANA time zone at that moment
-- mood_id: PLAIN the row of moods that came with it; NULL when none did
-- create_time: SENSITIVE when it was kept
-- request_mac: PLAIN keyed MAC of the request that made it, so that a retry is told from a reuse of its id even
--   after the idempotency record is swept
CREATE TABLE entries (
    account_id  uuid        NOT NULL,
    entry_id    uuid        NOT NULL,
    body        bytea       NOT NULL CHECK (octet_length(body) <= 66000),
    title       bytea       CHECK (octet_length(title) <= 1200),
    entry_time  timestamptz NOT NULL,
    time_zone   text        NOT NULL CHECK (octet_length(time_zone) BETWEEN 1 AND 64),
    mood_id     uuid,
    create_time timestamptz NOT NULL,
    request_mac bytea       NOT NULL CHECK (octet_length(request_mac) = 32),
    PRIMARY KEY (account_id, entry_id)
) PARTITION BY HASH (account_id);

-- Sealed bytes do not compress: spare the attempt.
ALTER TABLE entries ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE entries_p0 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE entries_p1 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE entries_p2 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE entries_p3 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE entries_p4 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE entries_p5 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE entries_p6 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE entries_p7 PARTITION OF entries FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- The timeline, newest first; the id orders entries of the same moment.
CREATE INDEX entries_timeline ON entries (account_id, entry_time DESC, entry_id DESC);

-- placement: account (hash of account_id)
-- account_id: PLAIN whose mood it is
-- mood_id: PLAIN unique among the account's moods
-- entry_id: PLAIN the entry it came with; NULL when recorded by itself
-- felt_time: SENSITIVE when it was felt
-- pleasantness: SENSITIVE from -5 (very unpleasant) to 5 (very pleasant)
-- energy: SENSITIVE from -5 (none at all) to 5 (very much)
-- body_signs: SENSITIVE numbers of candor.journal.v1.BodySign, ascending
-- create_time: SENSITIVE when it was kept
-- request_mac: PLAIN keyed MAC of the request that made it; NULL when it came with an entry
CREATE TABLE moods (
    account_id   uuid        NOT NULL,
    mood_id      uuid        NOT NULL,
    entry_id     uuid,
    felt_time    timestamptz NOT NULL,
    pleasantness smallint    NOT NULL CHECK (pleasantness BETWEEN -5 AND 5),
    energy       smallint    NOT NULL CHECK (energy BETWEEN -5 AND 5),
    body_signs   smallint[]  NOT NULL CHECK (cardinality(body_signs) <= 16),
    create_time  timestamptz NOT NULL,
    request_mac  bytea       CHECK (octet_length(request_mac) = 32),
    PRIMARY KEY (account_id, mood_id)
) PARTITION BY HASH (account_id);

CREATE TABLE moods_p0 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE moods_p1 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE moods_p2 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE moods_p3 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE moods_p4 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE moods_p5 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE moods_p6 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE moods_p7 PARTITION OF moods FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- Moods over time, newest first.
CREATE INDEX moods_timeline ON moods (account_id, felt_time DESC, mood_id DESC);
