-- Two people: who is linked with whom, when their check-ins are, and what arrives because of the other one.

-- Placement: couple. Who is linked with whom, as accounts tells it; an ended link stays as ended, so that whatever
-- comes later finds it ended.
-- couple_id: PLAIN
-- first_id: PLAIN one of them, the lower id of the two
-- second_id: PLAIN the other
-- version: PLAIN 0 heard of from another event, 1 linked, 2 ended; only grows
-- changed_at: SENSITIVE when accounts says it came to this
CREATE TABLE couples (
    couple_id uuid PRIMARY KEY,
    first_id uuid NOT NULL,
    second_id uuid NOT NULL,
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK (first_id < second_id)
);

CREATE INDEX couples_first ON couples (first_id) WHERE version = 1;
CREATE INDEX couples_second ON couples (second_id) WHERE version = 1;

-- Placement: couple. Weekly check-ins: proposed by one, running once the other agreed, ended. A row stays.
-- couple_id: PLAIN the link it was made under; another link of the same two people never revives it
-- schedule_id: PLAIN unique within the couple, so that nobody learns from a collision what others have
-- proposer_id: PLAIN who proposed it
-- weekday: SENSITIVE 1 is Monday
-- minute: SENSITIVE minutes after midnight, on the wall
-- time_zone: SENSITIVE the IANA zone of both
-- state: PLAIN
-- proposed_at: SENSITIVE
-- next_open_at: SENSITIVE the next check-in, while it runs
-- wake_at: SENSITIVE when there is something to do: a day ahead of the next check-in, or at its time
-- last_open_at: SENSITIVE the check-in before, if there was one
CREATE TABLE check_in_schedules (
    couple_id uuid NOT NULL REFERENCES couples,
    schedule_id uuid NOT NULL,
    proposer_id uuid NOT NULL,
    weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    minute smallint NOT NULL CHECK (minute BETWEEN 0 AND 1439),
    time_zone text NOT NULL,
    state text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'running', 'ended')),
    proposed_at timestamptz NOT NULL,
    next_open_at timestamptz,
    wake_at timestamptz,
    last_open_at timestamptz,
    PRIMARY KEY (couple_id, schedule_id),
    CHECK ((state = 'running') = (next_open_at IS NOT NULL)),
    CHECK ((state = 'running') = (wake_at IS NOT NULL))
);

-- At most one runs, and each of the two has at most one proposal.
CREATE UNIQUE INDEX check_in_schedules_one_runs ON check_in_schedules (couple_id) WHERE state = 'running';
CREATE UNIQUE INDEX check_in_schedules_one_proposal ON check_in_schedules (couple_id, proposer_id)
    WHERE state = 'proposed';
-- What has to be done next.
CREATE INDEX check_in_schedules_wake ON check_in_schedules (wake_at) WHERE state = 'running';
-- How many a member proposed lately.
CREATE INDEX check_in_schedules_of_proposer ON check_in_schedules (proposer_id, proposed_at DESC);

-- Placement: couple. Shares that were withdrawn, so that one told of afterwards announces nothing.
-- share_id: PLAIN
-- couple_id: PLAIN the link it was shared under
CREATE TABLE withdrawn_shares (
    share_id uuid PRIMARY KEY,
    couple_id uuid NOT NULL
);

-- Schedules hold what the other one brings, too.
-- couple_id: PLAIN the link it rests on; it fires only while that lasts
-- ends_at: SENSITIVE from then on it does not fire any more; what would have been announced is over
ALTER TABLE schedules DROP CONSTRAINT schedules_kind_check;
ALTER TABLE schedules ADD CONSTRAINT schedules_kind_check CHECK (kind BETWEEN 1 AND 5);
ALTER TABLE schedules ADD COLUMN couple_id uuid REFERENCES couples;
ALTER TABLE schedules ADD COLUMN ends_at timestamptz;
ALTER TABLE schedules ADD CONSTRAINT schedules_couple_check CHECK ((kind = 1) = (couple_id IS NULL));

-- What has to go when a link ends.
CREATE INDEX schedules_of_couple ON schedules (couple_id) WHERE couple_id IS NOT NULL;
