-- placement: account. Whose data is destroyed here, or is about to be. Rows stay: no event about these people has any
-- effect here any more, however late it comes.
-- account_id: PLAIN
-- erasure_id: PLAIN what the answer names, since by then nobody is to be named
-- heard_at: PLAIN when this service heard of it
-- next_at: PLAIN when the next pass is due; a claim moves it on by the lease; null once it is answered
-- passes: PLAIN how often everything was destroyed that was there
-- swept_at: PLAIN when it was first; null until then
-- shredded_at: PLAIN when the data key was destroyed; null where there are no keys, or not yet
-- classes: PLAIN what was destroyed, as words of the code
-- counts: PLAIN how much of each
CREATE TABLE bus.erased (
    account_id uuid PRIMARY KEY,
    erasure_id uuid NOT NULL,
    heard_at timestamptz NOT NULL,
    next_at timestamptz,
    passes integer NOT NULL DEFAULT 0,
    swept_at timestamptz,
    shredded_at timestamptz,
    classes text[] NOT NULL DEFAULT '{}',
    counts bigint[] NOT NULL DEFAULT '{}',
    CHECK (cardinality(classes) = cardinality(counts))
);
CREATE INDEX erased_due ON bus.erased (next_at) WHERE next_at IS NOT NULL;
