-- Codes that people read to somebody who supports them: one at a time, for a quarter of an hour, good for one look.
-- placement: account
-- account_id: PLAIN
-- code_mac: SENSITIVE keyed hash of 50 random bits
-- expires_at: SENSITIVE
CREATE TABLE support_code (
    account_id uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    code_mac bytea NOT NULL UNIQUE CHECK (octet_length(code_mac) = 32),
    expires_at timestamptz NOT NULL
);
CREATE INDEX support_code_expiry ON support_code (expires_at);

-- What those who run the place, or support its members, looked at of somebody's: theirs to read, with their ledger.
-- placement: account
-- look_id: PLAIN random
-- account_id: PLAIN whose
-- staff_id: PLAIN who looked
-- kind: SENSITIVE support or ledger
-- reason: SENSITIVE a word of the code; null for a look with a code, which its owner gave
-- request_id: PLAIN the request that another operator agreed to; null for a look with a code
-- looked_at: SENSITIVE
CREATE TABLE staff_look (
    look_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    staff_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('support', 'ledger')),
    reason text,
    request_id uuid,
    looked_at timestamptz NOT NULL,
    CHECK ((kind = 'ledger') = (reason IS NOT NULL) AND (kind = 'ledger') = (request_id IS NOT NULL))
);
CREATE INDEX staff_look_of_account ON staff_look (account_id, looked_at DESC, look_id DESC);
CREATE INDEX staff_look_of_request ON staff_look (request_id) WHERE request_id IS NOT NULL;
