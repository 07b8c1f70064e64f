-- Reports of persons and things besides those of invitations, in one table: what operators decide on. What was written is
-- sealed under the report's own key, so that whoever may open a report can open that and nothing else; of an invitation,
-- which anybody with its code may report, under the service's own, so that nobody fills the key store.
ALTER TABLE invitation_report RENAME TO report;
ALTER INDEX invitation_report_invitation RENAME TO report_invitation;
ALTER TABLE report RENAME inviter_id TO about_id;
ALTER TABLE report ALTER COLUMN invitation_id DROP NOT NULL;
-- report.kind: SENSITIVE invitation, person or item
-- report.reporter_id: SENSITIVE who reports; null for an invitation, which anybody may report; no operator is shown it
-- report.relation: SENSITIVE partner, circle, counselor or client: what they are to whoever reports, or were
-- report.share_id: PLAIN the share it is about, as whoever reports says
-- report.decided_at: SENSITIVE null while it waits
-- report.decided_by: PLAIN the operator
-- report.outcome: SENSITIVE dismissed or suspended
ALTER TABLE report ADD COLUMN kind text NOT NULL DEFAULT 'invitation';
ALTER TABLE report ALTER COLUMN kind DROP DEFAULT;
ALTER TABLE report ADD COLUMN reporter_id uuid;
ALTER TABLE report ADD COLUMN relation text;
ALTER TABLE report ADD COLUMN share_id uuid;
ALTER TABLE report ADD COLUMN decided_at timestamptz;
ALTER TABLE report ADD COLUMN decided_by uuid;
ALTER TABLE report ADD COLUMN outcome text CHECK (outcome IN ('dismissed', 'suspended'));
ALTER TABLE report ADD CONSTRAINT report_kind CHECK (
    kind IN ('invitation', 'person', 'item') AND (kind = 'invitation') = (invitation_id IS NOT NULL)
    AND (kind = 'invitation') = (reporter_id IS NULL) AND (kind = 'invitation') = (relation IS NULL)
    AND (kind = 'item') = (share_id IS NOT NULL));
ALTER TABLE report ADD CONSTRAINT report_decided
    CHECK ((decided_at IS NULL) = (outcome IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL));
-- Longest waiting first; latest decided first; one's own; and about whom.
CREATE INDEX report_waiting ON report (reported_at, report_id) WHERE decided_at IS NULL;
CREATE INDEX report_decided ON report (decided_at DESC, report_id DESC) WHERE decided_at IS NOT NULL;
CREATE INDEX report_of_reporter ON report (reporter_id, reported_at DESC, report_id DESC) WHERE reporter_id IS NOT NULL;
CREATE INDEX report_about ON report (about_id);

-- What whoever reports attached.
-- placement: house
-- report_id: PLAIN
-- position: PLAIN
-- kind: SENSITIVE number of candor.accounts.v1.EvidenceKind
-- words: SEALED under the report's own key
CREATE TABLE report_evidence (
    report_id uuid NOT NULL REFERENCES report ON DELETE CASCADE,
    position integer NOT NULL,
    kind integer NOT NULL,
    words bytea NOT NULL,
    PRIMARY KEY (report_id, position)
);

-- Suspensions of accounts. One holds at a time.
-- placement: account
-- suspension_id: PLAIN random
-- account_id: PLAIN who is suspended
-- report_id: PLAIN the report that it followed from; it may be gone
-- reason: SENSITIVE a word of the code
-- suspended_by: PLAIN the operator
-- suspended_at: SENSITIVE
-- until: SENSITIVE when it ends by itself; null for until it is lifted
-- ended_at: SENSITIVE when it was lifted, or another took its place
-- appeal: SEALED under the suspension's own key
-- appealed_at: SENSITIVE
-- appeal_granted: SENSITIVE null while it waits
CREATE TABLE suspension (
    suspension_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    report_id uuid NOT NULL,
    reason text NOT NULL,
    suspended_by uuid NOT NULL,
    suspended_at timestamptz NOT NULL,
    until timestamptz,
    ended_at timestamptz,
    appeal bytea,
    appealed_at timestamptz,
    appeal_granted boolean,
    CHECK ((appeal IS NULL) = (appealed_at IS NULL)),
    CHECK (appeal_granted IS NULL OR appeal IS NOT NULL)
);
CREATE UNIQUE INDEX suspension_open ON suspension (account_id) WHERE ended_at IS NULL;
CREATE INDEX suspension_of_account ON suspension (account_id, suspended_at DESC);
CREATE INDEX suspension_newest ON suspension (suspended_at DESC, suspension_id DESC) WHERE ended_at IS NULL;
CREATE INDEX suspension_over ON suspension (COALESCE(ended_at, until)) WHERE COALESCE(ended_at, until) IS NOT NULL;

-- Whether an account is suspended. The one text that decides it.
CREATE FUNCTION account_suspended(whom uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM suspension s
        WHERE s.account_id = whom AND s.ended_at IS NULL AND (s.until IS NULL OR s.until > at)
    )
$$;
