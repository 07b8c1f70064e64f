-- Check-ins: two people answer by themselves; both answers open at the agreed time, or neither.

-- placement: couple (hash of couple_id)
-- couple_id: PLAIN the link it belongs to; a check-in never outlives the link it was answered under
-- check_in_id: PLAIN UUID version 5 of schedule and time
-- schedule_id: PLAIN the schedule
-- open_time: SENSITIVE when it opens, in whole seconds
-- state: SENSITIVE gathering | open | not_this_time. Whoever answers, takes back or decides holds this row first;
--   decided once, it never changes again, and neither do the answers
-- announced: PLAIN whether reminders said that its time has come. One who has not answered sees of this row nothing
--   but that, or they would learn from it that their partner has
-- decided_at: SENSITIVE when it was decided; NULL while it gathers
CREATE TABLE check_ins (
    couple_id   uuid        NOT NULL,
    check_in_id uuid        NOT NULL,
    schedule_id uuid        NOT NULL,
    open_time   timestamptz NOT NULL,
    state       text        NOT NULL CHECK (state IN ('gathering', 'open', 'not_this_time')),
    announced   boolean     NOT NULL,
    decided_at  timestamptz,
    PRIMARY KEY (couple_id, check_in_id),
    CHECK ((state = 'gathering') = (decided_at IS NULL))
) PARTITION BY HASH (couple_id);

CREATE TABLE check_ins_p0 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE check_ins_p1 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE check_ins_p2 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE check_ins_p3 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE check_ins_p4 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE check_ins_p5 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE check_ins_p6 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE check_ins_p7 PARTITION OF check_ins FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- What has to be decided, soonest first.
CREATE INDEX check_ins_due ON check_ins (open_time) WHERE state = 'gathering';

-- placement: account (hash of account_id)
-- account_id: PLAIN whose answer it is
-- check_in_id: PLAIN the check-in; one answer of an account for each
-- couple_id: PLAIN the link it was given under
-- schedule_id: PLAIN the schedule
-- open_time: SENSITIVE when the check-in opens
-- replies: SEALED the replies, each with its prompt, place check_in_answers/replies/check_in_id
-- saved_at: SENSITIVE when it was last saved
-- request_mac: PLAIN keyed MAC of the request that saved it last, so that its retry is recognised when it comes late
CREATE TABLE check_in_answers (
    account_id  uuid        NOT NULL,
    check_in_id uuid        NOT NULL,
    couple_id   uuid        NOT NULL,
    schedule_id uuid        NOT NULL,
    open_time   timestamptz NOT NULL,
    replies     bytea       NOT NULL CHECK (octet_length(replies) <= 22000),
    saved_at    timestamptz NOT NULL,
    request_mac bytea       NOT NULL CHECK (octet_length(request_mac) = 32),
    PRIMARY KEY (account_id, check_in_id)
) PARTITION BY HASH (account_id);

-- Sealed bytes do not compress: spare the attempt.
ALTER TABLE check_in_answers ALTER COLUMN replies SET STORAGE EXTERNAL;

CREATE TABLE check_in_answers_p0 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE check_in_answers_p1 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE check_in_answers_p2 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE check_in_answers_p3 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE check_in_answers_p4 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE check_in_answers_p5 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE check_in_answers_p6 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE check_in_answers_p7 PARTITION OF check_in_answers FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- An account's own check-ins, newest first; the id orders those of the same time.
CREATE INDEX check_in_answers_timeline ON check_in_answers (account_id, open_time DESC, check_in_id DESC);
