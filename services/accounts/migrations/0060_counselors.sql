-- What counselors, and those who want to be some, say of themselves. An account is of the kind counselor exactly while its
-- state is verified.
-- placement: account
-- account_id: PLAIN
-- state: SENSITIVE applied, verified, refused or suspended
-- revision: PLAIN it grows with every change, so that nothing is verified unseen
-- name: SEALED under the account's key; members read it
-- approach: SEALED under the account's key; members read it
-- languages: SENSITIVE codes of two or three letters
-- specialties: SENSITIVE numbers of candor.accounts.v1.CounselorSpecialty
-- accepts_clients: SENSITIVE whether they take on new people
-- submitted_at: SENSITIVE
-- review_since: SENSITIVE since when something waits for an operator; null where nothing does
-- verified_at: SENSITIVE since when they are a counselor without a break; null while they are none
-- decided_at: SENSITIVE when was decided last
-- expired: SENSITIVE whether they are suspended because no licence holds any more
-- reason: SEALED under the account's key, why they were refused or suspended
CREATE TABLE counselor (
    account_id uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('applied', 'verified', 'refused', 'suspended')),
    revision integer NOT NULL,
    name bytea NOT NULL,
    approach bytea NOT NULL,
    languages text[] NOT NULL CHECK (cardinality(languages) BETWEEN 1 AND 10),
    specialties integer[] NOT NULL CHECK (cardinality(specialties) BETWEEN 1 AND 8),
    accepts_clients boolean NOT NULL,
    submitted_at timestamptz NOT NULL,
    review_since timestamptz,
    verified_at timestamptz,
    decided_at timestamptz,
    expired boolean NOT NULL DEFAULT false,
    reason bytea,
    CHECK ((state = 'verified') = (verified_at IS NOT NULL)),
    CHECK (NOT expired OR state = 'suspended')
);
-- What operators decide on, longest waiting first; what was decided, latest first; and whom members find.
CREATE INDEX counselor_waiting ON counselor (review_since, account_id) WHERE review_since IS NOT NULL;
CREATE INDEX counselor_decided ON counselor (state, decided_at DESC, account_id DESC);
CREATE INDEX counselor_listed ON counselor (verified_at DESC, account_id DESC) WHERE state = 'verified';
CREATE INDEX counselor_specialties ON counselor USING gin (specialties) WHERE state = 'verified';
CREATE INDEX counselor_languages ON counselor USING gin (languages) WHERE state = 'verified';

-- Their licences.
-- placement: account
-- licence_id: PLAIN
-- account_id: PLAIN
-- position: PLAIN its place in what they said
-- title: SEALED under the account's key; members read it
-- jurisdiction: SENSITIVE a country or a part of one, as ISO 3166 has them
-- number: SEALED under the account's key; operators alone read it
-- look_up: SEALED under the account's key, where it can be looked up; operators alone read it
-- valid_until: SENSITIVE the first moment at which it does not hold any more
-- checked_at: SENSITIVE when an operator checked it; it counts from then on
CREATE TABLE counselor_licence (
    licence_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES counselor ON DELETE CASCADE,
    position integer NOT NULL,
    title bytea NOT NULL,
    jurisdiction text NOT NULL,
    number bytea NOT NULL,
    look_up bytea NOT NULL,
    valid_until timestamptz NOT NULL,
    checked_at timestamptz,
    UNIQUE (account_id, position)
);
CREATE INDEX counselor_licence_place ON counselor_licence (jurisdiction, account_id) WHERE checked_at IS NOT NULL;
