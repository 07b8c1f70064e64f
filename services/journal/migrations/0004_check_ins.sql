-- Check-ins: two people answer by themselves; both answers open at the agreed time, or neither.

-- placement: couple (hash of couple_id)
-- couple_id: PLAIN the link it belongs to; a check-in never outlives the link it was answered under
-- check_in_id: PLAIN UUID version 5 of schedule and time
-- schedule_id: PLAIN the schedule
-- open_time: SENSITIVE when it opens, in whole seconds
-- state: SENSITIVE gathering | open | not_this_time | called_off. Whoever answers, takes back or decides holds this row
--   first; decided once, neither it nor the answers change any more, but for one thing: it is called_off when it is heard,
--   however late, that its schedule or its link had ended before its time. People see that as not this time
-- announced: PLAIN whether reminders said that its time has come. One who has not answered sees of this row nothing
--   but that, or they would learn from it that their partner has
-- decided_at: SENSITIVE when it was decided first; NULL while it gathers
CREATE TABLE check_ins (
    couple_id   uuid        NOT NULL,
    check_in_id uuid        NOT NULL,
    schedule_id uuid        NOT NULL,
    open_time   timestamptz NOT NULL,
    state       text        NOT NULL CHECK (state IN ('gathering', 'open', 'not_this_time', 'called_off')),
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
-- What is forgotten if nobody announces it: anybody can answer a check-in that no schedule has.
CREATE INDEX check_ins_unannounced ON check_ins (open_time) WHERE state = 'not_this_time' AND NOT announced;

-- placement: couple
-- Schedules that ended, as reminders tells it; a row stays, so that answers that come later find it.
-- couple_id: PLAIN the link; another couple may have a schedule of the same id
-- schedule_id: PLAIN the schedule
-- ended_at: SENSITIVE when it ended: of its check-ins none opens after that
CREATE TABLE ended_schedules (
    couple_id   uuid        NOT NULL,
    schedule_id uuid        NOT NULL,
    ended_at    timestamptz NOT NULL,
    PRIMARY KEY (couple_id, schedule_id)
);

-- Where a decided check-in stands as far as the journal knows by now, for those who decide and for those who show it:
-- open only where neither the schedule nor the link had ended by its time. What is heard while it is decided counts too.
CREATE FUNCTION journal_check_in_stands(state text, couple uuid, schedule uuid, open_time timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN state = 'open' AND (
        EXISTS (SELECT FROM ended_schedules e
                WHERE e.couple_id = couple AND e.schedule_id = schedule AND e.ended_at < open_time)
        OR EXISTS (SELECT FROM couples k WHERE k.couple_id = couple AND k.version > 1 AND k.changed_at <= open_time)
    ) THEN 'called_off' ELSE state END
$$;

-- placement: account (hash of account_id)
-- account_id: PLAIN whose answer it is
-- check_in_id: PLAIN the check-in; one answer of an account for each
-- couple_id: PLAIN the link it was given under
-- schedule_id: PLAIN the schedule
-- open_time: SENSITIVE when the check-in opens
-- replies: SEALED the replies, each with its prompt, place check_in_answers/replies/check_in_id
-- first_saved_at: SENSITIVE when the check-in was answered first
-- saved_at: SENSITIVE when it was last saved
-- request_mac: PLAIN keyed MAC of the request that saved it last, so that its retry is recognised when it comes late
CREATE TABLE check_in_answers (
    account_id     uuid        NOT NULL,
    check_in_id    uuid        NOT NULL,
    couple_id      uuid        NOT NULL,
    schedule_id    uuid        NOT NULL,
    open_time      timestamptz NOT NULL,
    replies        bytea       NOT NULL CHECK (octet_length(replies) <= 22000),
    first_saved_at timestamptz NOT NULL,
    saved_at       timestamptz NOT NULL,
    request_mac    bytea       NOT NULL CHECK (octet_length(request_mac) = 32),
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
