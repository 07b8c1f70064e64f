-- Care of one member by one counselor. Rows stay, so that an ended care can always be told as ended; who ended it is not
-- kept.
-- placement: account (of the member)
-- care_id: PLAIN random
-- member_id: PLAIN
-- counselor_id: PLAIN
-- state: SENSITIVE asked, active, declined, expired or ended
-- jurisdiction: SENSITIVE where the member says they are
-- member_name: SEALED under the member's key, what the counselor reads as their name; goes when it is over
-- note: SEALED under the member's key, what the member wrote to the counselor with it; goes when it is over
-- asked_at: SENSITIVE
-- expires_at: SENSITIVE when a request is over by itself
-- started_at: SENSITIVE when the counselor accepted, stating that they may practise there
-- ended_at: SENSITIVE when it was declined, taken back, over by itself or ended
CREATE TABLE care (
    care_id uuid PRIMARY KEY,
    member_id uuid NOT NULL,
    counselor_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'active', 'declined', 'expired', 'ended')),
    jurisdiction text NOT NULL,
    member_name bytea,
    note bytea,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    CHECK (member_id <> counselor_id),
    CHECK ((state IN ('asked', 'active')) = (ended_at IS NULL)),
    CHECK ((state IN ('asked', 'active')) = (member_name IS NOT NULL)),
    CHECK (note IS NULL OR member_name IS NOT NULL),
    CHECK (state <> 'active' OR started_at IS NOT NULL),
    CHECK (state NOT IN ('asked', 'declined', 'expired') OR started_at IS NULL)
);
-- Between the same two there is one at a time.
CREATE UNIQUE INDEX care_open ON care (member_id, counselor_id) WHERE state IN ('asked', 'active');
CREATE INDEX care_of_member ON care (member_id, asked_at DESC, care_id DESC);
CREATE INDEX care_of_counselor ON care (counselor_id, asked_at DESC, care_id DESC) WHERE state IN ('asked', 'active');
CREATE INDEX care_by_counselor ON care (counselor_id);
CREATE INDEX care_waiting ON care (expires_at) WHERE state = 'asked';
CREATE INDEX care_never_begun ON care (ended_at) WHERE started_at IS NULL;

-- Whether a counselor may act for somebody who is in a place: they are verified, and a licence of theirs that was checked
-- holds there or in the whole country. The one text that decides it.
CREATE FUNCTION care_licensed(whom uuid, place text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM counselor c JOIN counselor_licence l USING (account_id)
        WHERE c.account_id = whom AND c.state = 'verified' AND l.checked_at IS NOT NULL AND l.valid_until > at
          AND l.jurisdiction IN (place, split_part(place, '-', 1))
    )
$$;

-- Whether the first is kept away by the second, who blocked them or has a pause from them.
CREATE FUNCTION care_kept_away(whom uuid, keeper uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM invitation_block b
        WHERE b.blocker_id = keeper AND b.blocked_id = whom AND (b.until IS NULL OR b.until > at)
    )
$$;
