-- Placement: reader. What was taken back from whom: a capability of a lower epoch is good for nothing.
-- owner_id: PLAIN   reader_id: PLAIN   epoch: PLAIN (only grows)
CREATE TABLE chassis.access_epoch (
    owner_id  uuid   NOT NULL,
    reader_id uuid   NOT NULL,
    epoch     bigint NOT NULL,
    PRIMARY KEY (owner_id, reader_id)
);

-- Placement: reader. Sessions that ended a short while ago: their capabilities are good for nothing.
-- session_id: PLAIN   ended_at: SENSITIVE
CREATE TABLE chassis.ended_session (
    session_id uuid        PRIMARY KEY,
    ended_at   timestamptz NOT NULL
);
CREATE INDEX ended_session_ended_at ON chassis.ended_session (ended_at);

-- Whether a capability still admits its reader. Asked inside the query that reads, and nowhere else.
CREATE FUNCTION chassis.admits(
    p_owner uuid, p_reader uuid, p_session uuid, p_epoch bigint, p_ends timestamptz, p_now timestamptz
) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN p_now < p_ends
    AND NOT EXISTS (SELECT 1 FROM chassis.access_epoch e
                    WHERE e.owner_id = p_owner AND e.reader_id = p_reader AND e.epoch > p_epoch)
    AND NOT EXISTS (SELECT 1 FROM chassis.ended_session s WHERE s.session_id = p_session);
