-- What has to be accounted for: who did what to whom, ids and codes only. Rows are added in the transaction of what
-- they record, and sealed into the chain a moment later. Erasure takes everything away but the id, the commitment and
-- the place in the chain.
-- placement: house
-- record_id: PLAIN
-- commitment: PLAIN SHA-256 over salt and content; it stays when they go
-- batch: PLAIN the batch it is sealed in; null until then
-- position: PLAIN its place in the batch
-- salt: SENSITIVE 256 random bits, so that nobody can guess the content from the commitment
-- recorded_at: SENSITIVE
-- actor_kind: SENSITIVE what kind of account did it, or whether nobody did
-- actor_id: SENSITIVE the account that did it; null when it was the house itself
-- session_id: SENSITIVE its session
-- action: SENSITIVE what was done
-- subject_kind: SENSITIVE what kind of thing it was done to
-- subject_id: SENSITIVE its id
-- details: SENSITIVE a JSON object of ids, numbers and codes, never of words
-- note: SEALED under the service's own key, what the actor wrote down as the reason
CREATE TABLE audit_record (
    record_id uuid PRIMARY KEY,
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    batch bigint,
    position integer,
    salt bytea CHECK (octet_length(salt) = 32),
    recorded_at timestamptz,
    actor_kind text,
    actor_id uuid,
    session_id uuid,
    action text,
    subject_kind text,
    subject_id uuid,
    details text,
    note bytea,
    CHECK ((batch IS NULL) = (position IS NULL))
);
CREATE INDEX audit_record_waiting ON audit_record (record_id) WHERE batch IS NULL;
CREATE UNIQUE INDEX audit_record_place ON audit_record (batch, position) WHERE batch IS NOT NULL;
CREATE INDEX audit_record_actor ON audit_record (actor_id, record_id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_record_subject ON audit_record (subject_id, record_id DESC) WHERE subject_id IS NOT NULL;
