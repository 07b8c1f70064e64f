-- Software that reads with tokens of its own (OAuth 2.0). A row stays when the client is disabled, so that what it once
-- read can still be named; a disabled client never works again.
-- placement: house
-- client_id: PLAIN
-- holder_id: PLAIN the counselor whose it is; null for a client of the house
-- registered_by: PLAIN who registered it
-- name: SENSITIVE
-- purpose: SENSITIVE
-- contact: SEALED under the service's own key
-- scopes: PLAIN the most that its tokens may be used for
-- jwks_url: SENSITIVE where its keys are; null when they were registered by value
-- keys_version: PLAIN grows when its holder changes its keys or where they are
-- fetched_at: SENSITIVE when its keys were fetched last; null unless they are at an address, as the next three
-- stale_at: PLAIN from when they are fetched again
-- believed_until: PLAIN until when they count
-- fetch_from: PLAIN not before this they are fetched; whoever fetches moves it on first
-- fetch_problem: PLAIN number of candor.accounts.v1.ClientKeysProblem of the last fetch; null when it went well
-- created_at: SENSITIVE
-- used_at: SENSITIVE its last token, to the hour
-- disabled_at: SENSITIVE
CREATE TABLE client (
    client_id uuid PRIMARY KEY,
    holder_id uuid REFERENCES account ON DELETE CASCADE,
    registered_by uuid NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL,
    contact bytea NOT NULL,
    scopes text NOT NULL,
    jwks_url text,
    keys_version bigint NOT NULL,
    fetched_at timestamptz,
    stale_at timestamptz,
    believed_until timestamptz,
    fetch_from timestamptz,
    fetch_problem integer,
    created_at timestamptz NOT NULL,
    used_at timestamptz,
    disabled_at timestamptz,
    CHECK (num_nulls(jwks_url, fetched_at, stale_at, believed_until, fetch_from) IN (0, 5)),
    CHECK (jwks_url IS NOT NULL OR fetch_problem IS NULL)
);
-- Lists, newest first: those of the house to its operators, and a counselor's own to them.
CREATE INDEX client_newest ON client (created_at DESC, client_id DESC);
CREATE INDEX client_holder ON client (holder_id, created_at DESC, client_id DESC);

-- Whether a client may act: it is not disabled, and whoever holds it is still a counselor. Decided here and nowhere else.
CREATE FUNCTION client_acts(p_holder uuid, p_disabled_at timestamptz) RETURNS boolean LANGUAGE sql STABLE
RETURN p_disabled_at IS NULL
    AND (p_holder IS NULL
         OR EXISTS (SELECT 1 FROM account a WHERE a.account_id = p_holder AND a.kind = 'counselor'));

-- The public keys of clients: those that were registered, or those of the last fetch.
-- placement: house
-- client_id: PLAIN
-- key_id: PLAIN an assertion's kid
-- jwk: PLAIN the public half, as a JSON Web Key
CREATE TABLE client_key (
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    key_id text NOT NULL,
    jwk text NOT NULL,
    PRIMARY KEY (client_id, key_id)
);

-- Assertions that were used, until their own time is over: each proves who a client is once.
-- placement: queue
-- client_id: PLAIN
-- id_hash: PLAIN SHA-256 of the assertion's jti
-- until: PLAIN
CREATE TABLE client_assertion (
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    id_hash bytea NOT NULL CHECK (octet_length(id_hash) = 32),
    until timestamptz NOT NULL,
    PRIMARY KEY (client_id, id_hash)
);
CREATE INDEX client_assertion_until ON client_assertion (until);

-- The tokens of clients, so that each can be taken back. Only ids: a token itself is kept by nobody here.
-- placement: queue
-- token_id: PLAIN random; the token's session id
-- client_id: PLAIN
-- expires_at: PLAIN
-- ended_at: SENSITIVE when it was taken back
CREATE TABLE client_token (
    token_id uuid PRIMARY KEY,
    client_id uuid NOT NULL REFERENCES client ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX client_token_living ON client_token (client_id) WHERE ended_at IS NULL;
CREATE INDEX client_token_expiry ON client_token (expires_at);
