-- Erasures: asked for, begun, done. Whoever calls one off leaves no row.
-- placement: house
-- erasure_id: PLAIN random
-- account_id: SENSITIVE whose; null once nothing of them is left
-- code_hash: SENSITIVE SHA-256 of 256 random bits, by which the certificate is found
-- mail_certificate: SENSITIVE whether its link goes by mail
-- letter: SEALED under the service's own key: the address and the code, from the request until the certificate's mail is queued; null
--   where none is wanted
-- requested_at: PLAIN
-- begins_at: PLAIN until then it can be called off
-- begun_at: PLAIN when it was said to everybody
-- told_at: PLAIN when it was said last
-- told: PLAIN how often it was said
-- done_at: PLAIN when the last part was done
-- backups_end_at: PLAIN from when on no backup holds a key of theirs
-- certificate: PLAIN what was destroyed, as it was signed
-- signature: PLAIN Ed25519 over the certificate
-- key_id: PLAIN the key of the audit that signed it
CREATE TABLE erasure (
    erasure_id uuid PRIMARY KEY,
    account_id uuid UNIQUE,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    mail_certificate boolean NOT NULL,
    letter bytea,
    requested_at timestamptz NOT NULL,
    begins_at timestamptz NOT NULL,
    begun_at timestamptz,
    told_at timestamptz,
    told integer NOT NULL DEFAULT 0,
    done_at timestamptz,
    backups_end_at timestamptz,
    certificate text,
    signature bytea CHECK (octet_length(signature) = 64),
    key_id uuid,
    CHECK ((done_at IS NULL) = (certificate IS NULL) AND (done_at IS NULL) = (signature IS NULL)),
    CHECK ((done_at IS NULL) = (account_id IS NOT NULL))
);
CREATE INDEX erasure_waiting ON erasure (begins_at) WHERE begun_at IS NULL;
CREATE INDEX erasure_begun ON erasure (begun_at) WHERE begun_at IS NOT NULL AND done_at IS NULL;

-- What each part of Candor has said of an erasure.
-- placement: house
-- erasure_id: PLAIN
-- service: PLAIN
-- erased_at: PLAIN when it said that nothing is left
-- shredded_at: PLAIN when it destroyed the data key; null where it keeps none
-- classes: PLAIN what it destroyed, as words of the code
-- counts: PLAIN how much of each
CREATE TABLE erasure_part (
    erasure_id uuid NOT NULL REFERENCES erasure ON DELETE CASCADE,
    service text NOT NULL,
    erased_at timestamptz NOT NULL,
    shredded_at timestamptz,
    classes text[] NOT NULL,
    counts bigint[] NOT NULL,
    PRIMARY KEY (erasure_id, service)
);

-- A mail that belongs to nobody any more is the house's own.
-- mail_queue.account_id: PLAIN null for a mail of the house itself, whose letter is sealed under the service's own key
ALTER TABLE mail_queue ALTER COLUMN account_id DROP NOT NULL;
