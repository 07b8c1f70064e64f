-- What one member opens to another, one thing at a time, and the answers to it.

-- Whether something of one person is open to another who shows a capability. The one audience function of shares: every
-- query that reads another person's share or answer asks it, and nothing else decides. The first six say what is read: whose
-- it is, for whom, under which link, open from when until when ('infinity': without an end), and when it was taken back
-- (NULL: it was not). The next six are the capability's, and the last is the time.
CREATE FUNCTION journal_audience(
    p_owner uuid, p_recipient uuid, p_couple uuid, p_opens timestamptz, p_ends timestamptz, p_withdrawn timestamptz,
    c_owner uuid, c_reader uuid, c_session uuid, c_couple uuid, c_epoch bigint, c_ends timestamptz, p_now timestamptz
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN p_owner = c_owner AND p_recipient = c_reader AND p_couple = c_couple
    AND p_opens <= p_now AND p_now < p_ends AND p_withdrawn IS NULL
    AND NOT EXISTS (SELECT 1 FROM couples c WHERE c.couple_id = p_couple AND c.version > 1)
    AND chassis.admits(c_owner, c_reader, c_session, c_epoch, c_ends, p_now);

-- placement: account (hash of account_id, the owner; whoever reads a share names its owner)
-- account_id: PLAIN whose share it is
-- share_id: PLAIN chosen by the client or the service; unique among the account's shares
-- recipient_id: PLAIN with whom
-- couple_id: PLAIN the link it was made under; a later link of the same two revives nothing
-- kind: SENSITIVE number of candor.journal.v1.ShareKind
-- item_id: PLAIN what of: an entry's or an assessment's id
-- depth: SENSITIVE number of candor.journal.v1.ShareDepth
-- rendering: SEALED what the recipient sees, as it was when it was shared: candor.journal.v1.Rendering, place
--   shares/rendering/share_id, under the owner's key; NULL once the item was deleted for good
-- wished_response: SENSITIVE number of candor.journal.v1.WishedResponse; 0 when not said
-- create_time: SENSITIVE when it was made
-- open_time: SENSITIVE when it opens
-- expire_time: SENSITIVE when it ends by itself
-- withdraw_time: SENSITIVE when its owner took it back; NULL while they did not
-- told_read_time: SENSITIVE when the recipient said that they read it; NULL while they did not. Reading leaves nothing
-- answer_time: SENSITIVE when it was answered; NULL while it is not
-- felt_understood: SENSITIVE from 1 to 5, for the owner's eyes alone; NULL when not said
-- request_mac: PLAIN keyed MAC of the request that made it
CREATE TABLE shares (
    account_id      uuid        NOT NULL,
    share_id        uuid        NOT NULL,
    recipient_id    uuid        NOT NULL CHECK (recipient_id <> account_id),
    couple_id       uuid        NOT NULL,
    kind            smallint    NOT NULL CHECK (kind >= 1),
    item_id         uuid        NOT NULL,
    depth           smallint    NOT NULL CHECK (depth >= 1),
    rendering       bytea       CHECK (octet_length(rendering) <= 131072),
    wished_response smallint    NOT NULL CHECK (wished_response >= 0),
    create_time     timestamptz NOT NULL,
    open_time       timestamptz NOT NULL,
    expire_time     timestamptz NOT NULL CHECK (expire_time > open_time),
    withdraw_time   timestamptz,
    told_read_time  timestamptz,
    answer_time     timestamptz,
    felt_understood smallint    CHECK (felt_understood BETWEEN 1 AND 5),
    request_mac     bytea       NOT NULL CHECK (octet_length(request_mac) = 32),
    PRIMARY KEY (account_id, share_id)
) PARTITION BY HASH (account_id);

-- Sealed bytes do not compress: spare the attempt.
ALTER TABLE shares ALTER COLUMN rendering SET STORAGE EXTERNAL;

CREATE TABLE shares_p0 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE shares_p1 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE shares_p2 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE shares_p3 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE shares_p4 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE shares_p5 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE shares_p6 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE shares_p7 PARTITION OF shares FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- The owner's list, of it what is not withdrawn, what was shared of one item, and what a reader may see of an owner.
CREATE INDEX shares_timeline ON shares (account_id, create_time DESC, share_id DESC);
CREATE INDEX shares_kept ON shares (account_id, create_time DESC, share_id DESC) WHERE withdraw_time IS NULL;
CREATE INDEX shares_item ON shares (account_id, item_id, create_time DESC, share_id DESC);
CREATE INDEX shares_received ON shares (account_id, recipient_id, couple_id, open_time DESC, share_id DESC)
    WHERE withdraw_time IS NULL;

-- placement: account (hash of account_id, who answered)
-- account_id: PLAIN who answered: the answer is theirs, whatever becomes of the share or the link
-- owner_id: PLAIN whose share it answers
-- share_id: PLAIN the share
-- answer_id: PLAIN names the row where its text is sealed, as share ids are unique for each owner only
-- couple_id: PLAIN the link it was given under
-- body: SEALED the text, place share_answers/body/answer_id, under the answerer's key
-- create_time: SENSITIVE when it was given
-- request_mac: PLAIN keyed MAC of the request that made it
CREATE TABLE share_answers (
    account_id  uuid        NOT NULL,
    owner_id    uuid        NOT NULL CHECK (owner_id <> account_id),
    share_id    uuid        NOT NULL,
    answer_id   uuid        NOT NULL,
    couple_id   uuid        NOT NULL,
    body        bytea       NOT NULL CHECK (octet_length(body) <= 9000),
    create_time timestamptz NOT NULL,
    request_mac bytea       NOT NULL CHECK (octet_length(request_mac) = 32),
    PRIMARY KEY (account_id, owner_id, share_id)
) PARTITION BY HASH (account_id);

ALTER TABLE share_answers ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE share_answers_p0 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE share_answers_p1 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE share_answers_p2 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE share_answers_p3 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE share_answers_p4 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE share_answers_p5 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE share_answers_p6 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE share_answers_p7 PARTITION OF share_answers FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- The answerer's own list, newest first.
CREATE INDEX share_answers_timeline ON share_answers (account_id, create_time DESC, answer_id DESC);
