-- Who is in whose circle, as accounts tells it.

-- placement: account (of the host)
-- circle_id: PLAIN somebody's place in somebody's circle; a later one is a new id
-- host_id: PLAIN whose circle: who can share
-- guest_id: PLAIN who is in it: with whom they can share
-- version: PLAIN 1 in it, 2 not any more; rows are never deleted, so that an end is never undone by an event that comes
--   late
-- changed_at: SENSITIVE when it became this version
CREATE TABLE circles (
    circle_id  uuid        PRIMARY KEY,
    host_id    uuid        NOT NULL,
    guest_id   uuid        NOT NULL,
    version    bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (host_id <> guest_id)
);

CREATE INDEX circles_host ON circles (host_id, guest_id) WHERE version = 1;

-- shares.couple_id and share_answers.couple_id are what links the two from now on: a couple, or a place in a circle.

-- When a link ended, as far as the journal has heard of it; NULL while it has not.
CREATE FUNCTION journal_link_ended(p_link uuid) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT c.changed_at FROM couples c WHERE c.couple_id = p_link AND c.version > 1),
                (SELECT c.changed_at FROM circles c WHERE c.circle_id = p_link AND c.version > 1));

-- The audience function of shares, as before; the link may be a place in a circle now.
CREATE OR REPLACE FUNCTION journal_audience(
    p_owner uuid, p_recipient uuid, p_couple uuid, p_opens timestamptz, p_ends timestamptz, p_withdrawn timestamptz,
    c_owner uuid, c_reader uuid, c_session uuid, c_couple uuid, c_epoch bigint, c_ends timestamptz, p_now timestamptz
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN p_owner = c_owner AND p_recipient = c_reader AND p_couple = c_couple
    AND p_opens <= p_now AND p_now < p_ends AND p_withdrawn IS NULL
    AND journal_link_ended(p_couple) IS NULL
    AND chassis.admits(c_owner, c_reader, c_session, c_epoch, c_ends, p_now);
