-- The path of two people: what is for two is shown only while they are linked.

-- Placement: couple. Who is linked with whom, as accounts tells it; an ended link stays as ended, so that whatever
-- comes later finds it ended.
-- couple_id: PLAIN
-- first_id: PLAIN one of them, the lower id of the two
-- second_id: PLAIN the other
-- version: PLAIN 1 linked, 2 ended; only grows
-- changed_at: SENSITIVE when accounts says it came to this
CREATE TABLE couples (
    couple_id  uuid        PRIMARY KEY,
    first_id   uuid        NOT NULL,
    second_id  uuid        NOT NULL,
    version    bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (first_id < second_id)
);

CREATE INDEX couples_first ON couples (first_id) WHERE version = 1;
CREATE INDEX couples_second ON couples (second_id) WHERE version = 1;
