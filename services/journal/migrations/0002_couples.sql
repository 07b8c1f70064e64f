-- Who is linked with whom, as accounts tells it.

-- placement: couple
-- couple_id: PLAIN the link; a new link is a new id
-- first_id: PLAIN one of the two accounts, the lower id
-- second_id: PLAIN the other
-- version: PLAIN 1 linked, 2 not any more; rows are never deleted, so that an end is never undone by an event that
--   comes late
-- changed_at: SENSITIVE when it became this version
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
