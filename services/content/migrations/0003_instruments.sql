-- Questionnaires, as anyone may read them.

-- placement: public
-- instrument_id: PLAIN the readable id
-- version: PLAIN counts up with every change of the file; a version never changes and is never taken back, since
--   somebody may have begun to answer it
-- digest: PLAIN SHA-256 of the file it was loaded from, so that an unchanged file changes nothing
-- questionnaire: PLAIN the FHIR R4 Questionnaire as JSON
-- publish_time: PLAIN when this version was published
CREATE TABLE instruments (
    instrument_id text        NOT NULL CHECK (octet_length(instrument_id) BETWEEN 1 AND 80),
    version       integer     NOT NULL CHECK (version >= 1),
    digest        bytea       NOT NULL CHECK (octet_length(digest) = 32),
    questionnaire text        NOT NULL CHECK (octet_length(questionnaire) <= 262144),
    publish_time  timestamptz NOT NULL,
    PRIMARY KEY (instrument_id, version)
);
