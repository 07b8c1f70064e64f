-- Care of a couple by one counselor: proposed by one partner, agreed to by the other, accepted by the counselor. It hangs on
-- the link: it ends with it. Who ended it is not kept.
-- placement: couple
-- care_id: PLAIN random
-- couple_id: PLAIN the link
-- proposer_id: PLAIN which of the two proposed it
-- counselor_id: PLAIN
-- state: SENSITIVE proposed, asked (both agreed), active, declined, expired or ended
-- proposed_at: SENSITIVE
-- expires_at: SENSITIVE when a proposal is over by itself
-- started_at: SENSITIVE when the counselor accepted, stating that they may practise where each of the two is
-- ended_at: SENSITIVE
CREATE TABLE couple_care (
    care_id uuid PRIMARY KEY,
    couple_id uuid NOT NULL,
    proposer_id uuid NOT NULL,
    counselor_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'asked', 'active', 'declined', 'expired', 'ended')),
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    CHECK ((state IN ('proposed', 'asked', 'active')) = (ended_at IS NULL)),
    CHECK (state <> 'active' OR started_at IS NOT NULL),
    CHECK (state NOT IN ('proposed', 'asked', 'declined', 'expired') OR started_at IS NULL)
);
-- A couple asks the same counselor once at a time, and is in one counselor's care.
CREATE UNIQUE INDEX couple_care_open ON couple_care (couple_id, counselor_id)
    WHERE state IN ('proposed', 'asked', 'active');
CREATE UNIQUE INDEX couple_care_active ON couple_care (couple_id) WHERE state = 'active';
CREATE INDEX couple_care_of_couple ON couple_care (couple_id);
CREATE INDEX couple_care_of_counselor ON couple_care (counselor_id, proposed_at DESC, care_id DESC)
    WHERE state IN ('asked', 'active');
CREATE INDEX couple_care_by_counselor ON couple_care (counselor_id);
CREATE INDEX couple_care_waiting ON couple_care (expires_at) WHERE state IN ('proposed', 'asked');
CREATE INDEX couple_care_never_begun ON couple_care (ended_at) WHERE started_at IS NULL;

-- The two of it, each with what they alone said.
-- placement: account (of the member)
-- care_id: PLAIN
-- member_id: PLAIN
-- agreed_at: SENSITIVE their own consent; null while there is none
-- said_no: SENSITIVE whether they said no to a proposal; the other is never told
-- jurisdiction: SENSITIVE where they say they are; the counselor alone reads it
-- name: SEALED under the member's key, what the counselor reads as their name; goes when it is over
-- seen_alone_at: SENSITIVE when the counselor confirmed having seen them alone; neither of the two is told of whom
CREATE TABLE couple_care_member (
    care_id uuid NOT NULL REFERENCES couple_care ON DELETE CASCADE,
    member_id uuid NOT NULL,
    agreed_at timestamptz,
    said_no boolean NOT NULL DEFAULT false,
    jurisdiction text,
    name bytea,
    seen_alone_at timestamptz,
    PRIMARY KEY (care_id, member_id),
    CHECK ((agreed_at IS NULL) = (jurisdiction IS NULL)),
    CHECK (NOT said_no OR agreed_at IS NULL)
);
CREATE INDEX couple_care_member_of ON couple_care_member (member_id);

-- What of what is said to the counselor stays between whom: versions, each from the moment on at which all three agreed.
-- What was said before stays under the version of then; no row that counts is ever changed.
-- placement: couple
-- care_id: PLAIN
-- version: PLAIN 1, 2, …
-- policy: SENSITIVE no_secrets, limited or separate
-- proposer_id: PLAIN who of the three proposed it
-- agreed_ids: SENSITIVE who of the three agreed
-- expires_at: SENSITIVE when a proposal is over by itself
-- counts_from: SENSITIVE when the third agreed; null while it is a proposal
CREATE TABLE couple_care_policy (
    care_id uuid NOT NULL REFERENCES couple_care ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    policy text NOT NULL CHECK (policy IN ('no_secrets', 'limited', 'separate')),
    proposer_id uuid NOT NULL,
    agreed_ids uuid[] NOT NULL CHECK (cardinality(agreed_ids) BETWEEN 1 AND 3),
    expires_at timestamptz NOT NULL,
    counts_from timestamptz,
    PRIMARY KEY (care_id, version),
    CHECK ((cardinality(agreed_ids) = 3) = (counts_from IS NOT NULL))
);
-- One proposal at a time.
CREATE UNIQUE INDEX couple_care_policy_proposed ON couple_care_policy (care_id) WHERE counts_from IS NULL;

-- Whether a counselor may act for both of a couple, and none of the three keeps another away.
CREATE FUNCTION couple_care_open_to(counselor uuid, care uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT bool_and(care_licensed(counselor, m.jurisdiction, at)
                    AND NOT care_kept_away(counselor, m.member_id, at)
                    AND NOT care_kept_away(m.member_id, counselor, at))
    FROM couple_care_member m WHERE m.care_id = care
$$;
