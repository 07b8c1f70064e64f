-- Whether somebody may act as an operator at a moment. The one text that decides it where two of them are needed.
CREATE FUNCTION operator_acts(whom uuid, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM account a WHERE a.account_id = whom AND a.kind = 'operator')
        AND NOT account_suspended(whom, at)
$$;

-- Wishes of one operator to read somebody's ledger, and what another one said to it. Each rests on a report about the person
-- or on a look of support, and goes with it.
-- placement: account
-- request_id: PLAIN chosen by the client, or random
-- account_id: PLAIN whose ledger
-- report_id: PLAIN the report
-- look_id: PLAIN the look of support
-- reason: SENSITIVE a word of the code
-- note: SEALED under the service's own key, what the other operator has to know
-- attempt_mac: SENSITIVE keyed hash of what was asked, to know a retry
-- asked_by: PLAIN the operator
-- asked_at: SENSITIVE
-- expires_at: SENSITIVE until when it waits
-- answered_by: PLAIN the other operator
-- answered_at: SENSITIVE
-- agreed: SENSITIVE what they said
-- read_until: SENSITIVE until when the ledger can be read
-- ended_at: SENSITIVE when either took it back
CREATE TABLE ledger_look (
    request_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    report_id uuid REFERENCES report ON DELETE CASCADE,
    look_id uuid REFERENCES staff_look ON DELETE CASCADE,
    reason text NOT NULL CHECK (reason IN ('asked_for', 'misuse', 'safety', 'law')),
    note bytea NOT NULL,
    attempt_mac bytea NOT NULL CHECK (octet_length(attempt_mac) = 32),
    asked_by uuid NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    answered_by uuid,
    answered_at timestamptz,
    agreed boolean,
    read_until timestamptz,
    ended_at timestamptz,
    -- Two operators, and neither of them whose ledger it is.
    CHECK (asked_by <> account_id),
    CHECK (answered_by NOT IN (asked_by, account_id)),
    CHECK ((report_id IS NULL) <> (look_id IS NULL)),
    CHECK ((answered_at IS NULL) = (answered_by IS NULL) AND (answered_at IS NULL) = (agreed IS NULL)),
    CHECK ((read_until IS NOT NULL) = COALESCE(agreed, false)),
    -- A day to answer, an hour to read.
    CHECK (expires_at <= asked_at + interval '24 hours'),
    CHECK (answered_at < expires_at),
    CHECK (read_until <= answered_at + interval '1 hour')
);
CREATE INDEX ledger_look_newest ON ledger_look (asked_at DESC, request_id DESC);
CREATE INDEX ledger_look_of_account ON ledger_look (account_id);
CREATE INDEX ledger_look_of_report ON ledger_look (report_id) WHERE report_id IS NOT NULL;
CREATE INDEX ledger_look_of_look ON ledger_look (look_id) WHERE look_id IS NOT NULL;
