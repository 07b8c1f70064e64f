-- Placement: account. Which write a client's key stands for, so that a retry changes nothing.
-- account_id: PLAIN   method: PLAIN   key: PLAIN   body_mac: PLAIN (HMAC under the account's key)
-- resource_id: PLAIN   expires_at: PLAIN   claims: PLAIN (1 for the write itself, one more for each retry)
CREATE TABLE chassis.idempotency (
    account_id  uuid        NOT NULL,
    method      text        NOT NULL,
    key         uuid        NOT NULL,
    body_mac    bytea       NOT NULL CHECK (octet_length(body_mac) = 32),
    resource_id uuid        NOT NULL,
    expires_at  timestamptz NOT NULL,
    claims      integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (account_id, method, key)
) PARTITION BY HASH (account_id);

CREATE TABLE chassis.idempotency_0 PARTITION OF chassis.idempotency FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE chassis.idempotency_1 PARTITION OF chassis.idempotency FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE chassis.idempotency_2 PARTITION OF chassis.idempotency FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE chassis.idempotency_3 PARTITION OF chassis.idempotency FOR VALUES WITH (MODULUS 4, REMAINDER 3);

CREATE INDEX idempotency_expires_at ON chassis.idempotency (expires_at);
