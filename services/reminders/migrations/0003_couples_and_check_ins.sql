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
-- time_zone: SENSITIVE an IANA zone, the proposer's: its wall is the one that counts
-- state: PLAIN
-- proposed_at: SENSITIVE
-- next_open_at: SENSITIVE the next check-in, while it runs
-- wake_at: SENSITIVE when there is something to do: a day ahead of the next check-in, or at its time
-- last_open_at: SENSITIVE the couple's check-in before, if there was one, also of a schedule before this one
-- last_check_in_id: PLAIN that check-in
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
    last_check_in_id uuid,
    PRIMARY KEY (couple_id, schedule_id),
    CHECK ((state = 'running') = (next_open_at IS NOT NULL)),
    CHECK ((state = 'running') = (wake_at IS NOT NULL)),
    CHECK ((last_open_at IS NULL) = (last_check_in_id IS NULL))
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
-- couple_id: PLAIN the link it was shared under
-- owner_id: PLAIN whose it was: an id is its owner's alone
-- share_id: PLAIN
CREATE TABLE withdrawn_shares (
    couple_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    share_id uuid NOT NULL,
    PRIMARY KEY (couple_id, owner_id, share_id)
);

-- Links that accounts has not told of yet, the longest waiting first.
CREATE INDEX couples_unheard ON couples (changed_at) WHERE version = 0;

-- Schedules hold what the other one brings, too.
-- state: PLAIN waiting until accounts tells of the link, so that nobody looks at it meanwhile; then pending
-- couple_id: PLAIN the link it rests on; it fires only while that lasts
-- ends_at: SENSITIVE from then on it does not fire any more; what would have been announced is over
ALTER TABLE schedules DROP CONSTRAINT schedules_kind_check;
ALTER TABLE schedules ADD CONSTRAINT schedules_kind_check CHECK (kind BETWEEN 1 AND 5);
ALTER TABLE schedules ADD COLUMN couple_id uuid REFERENCES couples;
ALTER TABLE schedules ADD COLUMN ends_at timestamptz;
ALTER TABLE schedules ADD CONSTRAINT schedules_couple_check CHECK ((kind = 1) = (couple_id IS NULL));
ALTER TABLE schedules DROP CONSTRAINT schedules_state_check;
ALTER TABLE schedules ADD CONSTRAINT schedules_state_check
    CHECK (state IN ('pending', 'fired', 'cancelled') OR (state = 'waiting' AND couple_id IS NOT NULL));
ALTER TABLE schedules DROP CONSTRAINT schedules_check;
ALTER TABLE schedules ADD CONSTRAINT schedules_check CHECK ((state IN ('pending', 'waiting')) = (settled_at IS NULL));

-- What begins to run when a link is heard of, and has to go when it ends.
CREATE INDEX schedules_of_couple ON schedules (couple_id) WHERE couple_id IS NOT NULL;
-- What is forgotten next.
CREATE INDEX schedules_settled ON schedules (settled_at) WHERE settled_at IS NOT NULL;

-- Inbox items hold what the other one brings, too.
-- couple_id: PLAIN the link it rests on; with that it goes
ALTER TABLE inbox_items ADD COLUMN couple_id uuid REFERENCES couples;
CREATE INDEX inbox_items_of_couple ON inbox_items (couple_id) WHERE couple_id IS NOT NULL;
-- One unread item says that something was shared (kind 4), and one that something was answered (kind 5), however much
-- it is: nobody floods another's inbox.
CREATE UNIQUE INDEX inbox_items_one_unread ON inbox_items (account_id, couple_id, kind)
    WHERE read_at IS NULL AND kind IN (4, 5);
-- What is forgotten next.
CREATE INDEX inbox_items_by_age ON inbox_items (created_at);
