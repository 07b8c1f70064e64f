-- Which kinds of request and mail there are is the domain's to say.
ALTER TABLE mail_queue DROP CONSTRAINT mail_queue_kind_check;
ALTER TABLE address_request DROP CONSTRAINT address_request_kind_check;
ALTER TABLE address_request DROP CONSTRAINT address_request_check;
-- address_request.notices_by_mail: SENSITIVE whether somebody who registers wants security notices by mail
ALTER TABLE address_request ADD COLUMN notices_by_mail boolean NOT NULL DEFAULT false;
ALTER TABLE address_request ADD CONSTRAINT address_request_whole
    CHECK (kind <> 'register' OR (email IS NOT NULL AND password_hash IS NOT NULL
                                  AND time_zone IS NOT NULL AND locale IS NOT NULL));

-- account.password_set_at: SENSITIVE when the password was chosen
-- account.notices_by_mail: SENSITIVE whether security notices go by mail as well: said to be safe by its owner
ALTER TABLE account ADD COLUMN password_set_at timestamptz;
UPDATE account SET password_set_at = created_at;
ALTER TABLE account ALTER COLUMN password_set_at SET NOT NULL;
ALTER TABLE account ADD COLUMN notices_by_mail boolean NOT NULL DEFAULT false;

-- Links that let a password be set anew: only hashes of the tokens.
-- placement: account
-- token_hash: SENSITIVE SHA-256 of 256 random bits
-- account_id: PLAIN
-- expires_at: PLAIN
CREATE TABLE password_reset (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_reset_account ON password_reset (account_id);
CREATE INDEX password_reset_expiry ON password_reset (expires_at);

-- What the owner of an account is told about its security, where they see it after signing in.
-- placement: account
-- account_id: PLAIN
-- notice_id: PLAIN
-- kind: SENSITIVE what happened
-- session_id: PLAIN in which session; null when it was in none
-- happened_at: SENSITIVE
CREATE TABLE security_notice (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    notice_id uuid NOT NULL,
    kind text NOT NULL,
    session_id uuid,
    happened_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, notice_id)
);
CREATE INDEX security_notice_age ON security_notice (happened_at);
