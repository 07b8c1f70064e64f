-- Self-checks and other assessments: the questions as content tells them, answers and scores of each member.

-- placement: reference (every shard holds all of it)
-- instrument_id: PLAIN the readable id
-- version: PLAIN counts up with every change; a version never changes, and stays for the assessments that began with it
-- questionnaire: PLAIN its FHIR R4 Questionnaire, public content
CREATE TABLE instruments (
    instrument_id text    NOT NULL CHECK (octet_length(instrument_id) BETWEEN 1 AND 80),
    version       integer NOT NULL CHECK (version >= 1),
    questionnaire text    NOT NULL CHECK (octet_length(questionnaire) <= 262144),
    PRIMARY KEY (instrument_id, version)
);

-- placement: account (hash of account_id)
-- account_id: PLAIN whose assessment it is
-- assessment_id: PLAIN chosen by the client or the service; unique among the account's assessments
-- instrument_id: PLAIN the instrument
-- instrument_version: PLAIN the version that its answers belong to
-- answers: SEALED codes by item, padded so that their length says nothing, place assessments/answers/assessment_id
-- create_time: SENSITIVE when it was begun
-- score_time: SENSITIVE when it was scored; NULL while it is not
CREATE TABLE assessments (
    account_id         uuid        NOT NULL,
    assessment_id      uuid        NOT NULL,
    instrument_id      text        NOT NULL,
    instrument_version integer     NOT NULL,
    answers            bytea       NOT NULL CHECK (octet_length(answers) <= 33000),
    create_time        timestamptz NOT NULL,
    score_time         timestamptz,
    PRIMARY KEY (account_id, assessment_id)
) PARTITION BY HASH (account_id);

-- Sealed bytes do not compress: spare the attempt.
ALTER TABLE assessments ALTER COLUMN answers SET STORAGE EXTERNAL;

CREATE TABLE assessments_p0 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE assessments_p1 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE assessments_p2 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE assessments_p3 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE assessments_p4 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE assessments_p5 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE assessments_p6 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE assessments_p7 PARTITION OF assessments FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- One to go on with, for each instrument.
CREATE UNIQUE INDEX assessments_unfinished ON assessments (account_id, instrument_id) WHERE score_time IS NULL;

-- The trend, newest first.
CREATE INDEX assessments_timeline ON assessments (account_id, create_time DESC, assessment_id DESC);

-- placement: account (hash of account_id)
-- account_id: PLAIN whose score it is
-- assessment_id: PLAIN the scored assessment
-- domain_id: PLAIN the domain; one without enough answers has no row
-- score: SENSITIVE from 0 to 100
CREATE TABLE assessment_scores (
    account_id    uuid     NOT NULL,
    assessment_id uuid     NOT NULL,
    domain_id     text     NOT NULL CHECK (octet_length(domain_id) BETWEEN 1 AND 64),
    score         smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    PRIMARY KEY (account_id, assessment_id, domain_id)
) PARTITION BY HASH (account_id);

CREATE TABLE assessment_scores_p0 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE assessment_scores_p1 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE assessment_scores_p2 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE assessment_scores_p3 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE assessment_scores_p4 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE assessment_scores_p5 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE assessment_scores_p6 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE assessment_scores_p7 PARTITION OF assessment_scores FOR VALUES WITH (MODULUS 8, REMAINDER 7);
