-- Which legal texts somebody accepted, in which version. Rows stay when it is taken back, so that it can always be said what
-- counted when.
-- placement: account
-- account_id: PLAIN
-- kind: PLAIN terms-of-use or privacy-notice
-- version: PLAIN
-- locale: SENSITIVE in which language it was read
-- accepted_at: SENSITIVE
-- withdrawn_at: SENSITIVE when it was taken back
CREATE TABLE terms_acceptance (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    locale text NOT NULL,
    accepted_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (account_id, kind, version, accepted_at)
);
CREATE UNIQUE INDEX terms_acceptance_open ON terms_acceptance (account_id, kind, version) WHERE withdrawn_at IS NULL;

-- address_request.terms_version: PLAIN which terms of use somebody accepts who registers
-- address_request.privacy_version: PLAIN which privacy notice
ALTER TABLE address_request ADD COLUMN terms_version integer;
ALTER TABLE address_request ADD COLUMN privacy_version integer;

-- Whether an account has yet to accept a text: of each of the kinds a version at least as new as the one that is said. The one
-- text that decides it.
CREATE FUNCTION account_terms_due(whom uuid, kinds text[], versions integer[]) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM unnest(kinds, versions) AS wanted (kind, version)
        WHERE NOT EXISTS (
            SELECT FROM terms_acceptance t
            WHERE t.account_id = whom AND t.kind = wanted.kind AND t.version >= wanted.version
                AND t.withdrawn_at IS NULL
        )
    )
$$;
