-- What a member opened to the counselor in whose care they are. Rows stay, so that it can always be said under which consent
-- something was read.
-- placement: account (of the owner)
-- consent_id: PLAIN random
-- owner_id: PLAIN whose data
-- counselor_id: PLAIN who may read it
-- care_id: PLAIN the care it belongs to; a later one of the same two is another, so nothing revives with it
-- scope: SENSITIVE number of candor.options.v1.Scope
-- item_id: PLAIN the one item; null for everything of the scope
-- purpose: SENSITIVE number of candor.accounts.v1.AccessPurpose
-- text_id: PLAIN the words that were agreed to
-- text_version: PLAIN their version
-- granted_at: SENSITIVE
-- expires_at: SENSITIVE when it ends by itself
-- ended_at: SENSITIVE when it ended before that
-- ended_by: SENSITIVE how: withdrawn, replaced or care_over
CREATE TABLE consent (
    consent_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    counselor_id uuid NOT NULL,
    care_id uuid NOT NULL,
    scope integer NOT NULL CHECK (scope IN (5, 6, 7)),
    item_id uuid CHECK (item_id IS NULL OR scope <> 6),
    purpose integer NOT NULL CHECK (purpose IN (2, 3)),
    text_id text NOT NULL,
    text_version integer NOT NULL CHECK (text_version > 0),
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > granted_at),
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('withdrawn', 'replaced', 'care_over')),
    CHECK (owner_id <> counselor_id),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
-- Of the same there is one at a time.
CREATE UNIQUE INDEX consent_open ON consent (care_id, scope, item_id, purpose) NULLS NOT DISTINCT WHERE ended_at IS NULL;
CREATE INDEX consent_of_owner ON consent (owner_id, granted_at DESC, consent_id DESC);
CREATE INDEX consent_to_counselor ON consent (counselor_id, granted_at DESC, consent_id DESC) WHERE ended_at IS NULL;
