-- What a member opened to software. Rows stay, so that it can always be said under which consent something was read. It is
-- apart from `consent`: what is open to a counselor is not by that open to their software, nor the other way.
-- placement: account (of the owner)
-- consent_id: PLAIN random
-- owner_id: PLAIN whose data
-- client_id: PLAIN who may read it
-- care_id: PLAIN the care it belongs to, where the client is a counselor's; null for one of the house
-- counselor_id: PLAIN the counselor whose client it is; null with care_id
-- scope: SENSITIVE number of candor.options.v1.Scope
-- item_id: PLAIN the one item; null for everything of the scope
-- purpose: SENSITIVE number of candor.accounts.v1.AccessPurpose
-- text_id: PLAIN the words that were agreed to
-- text_version: PLAIN their version
-- granted_at: SENSITIVE
-- expires_at: SENSITIVE when it ends by itself
-- ended_at: SENSITIVE when it ended before that
-- ended_by: SENSITIVE how: withdrawn, replaced, care_over, software_over or erasure
CREATE TABLE software_consent (
    consent_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    client_id uuid NOT NULL,
    care_id uuid,
    counselor_id uuid,
    scope integer NOT NULL CHECK (scope IN (5, 6, 7)),
    item_id uuid CHECK (item_id IS NULL OR scope <> 6),
    purpose integer NOT NULL CHECK (purpose IN (2, 3, 4)),
    text_id text NOT NULL,
    text_version integer NOT NULL CHECK (text_version > 0),
    granted_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > granted_at),
    ended_at timestamptz,
    ended_by text CHECK (ended_by IN ('withdrawn', 'replaced', 'care_over', 'software_over', 'erasure')),
    CHECK ((care_id IS NULL) = (counselor_id IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
-- Of the same there is one at a time.
CREATE UNIQUE INDEX software_consent_open ON software_consent (owner_id, client_id, scope, item_id, purpose)
    NULLS NOT DISTINCT WHERE ended_at IS NULL;
CREATE INDEX software_consent_of_owner ON software_consent (owner_id, granted_at DESC, consent_id DESC);
CREATE INDEX software_consent_to_client ON software_consent (client_id, granted_at DESC, consent_id DESC)
    WHERE ended_at IS NULL;
CREATE INDEX software_consent_of_care ON software_consent (care_id) WHERE ended_at IS NULL;

-- Whether the care holds that a consent to a counselor's software rests on: it is active, of these two, a checked licence of the
-- counselor's holds where the member is, and neither keeps the other away. The one text that decides it.
CREATE FUNCTION software_care_holds(p_care uuid, p_owner uuid, p_holder uuid, p_at timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM care c
        WHERE c.care_id = p_care AND c.member_id = p_owner AND c.counselor_id = p_holder AND c.state = 'active'
          AND care_licensed(c.counselor_id, c.jurisdiction, p_at)
          AND NOT care_kept_away(c.counselor_id, c.member_id, p_at)
          AND NOT care_kept_away(c.member_id, c.counselor_id, p_at)
    )
$$;

-- What software reads shows exactly, as what a counselor reads does.
ALTER TABLE receipt DROP CONSTRAINT receipt_item_ids_check;
ALTER TABLE receipt ADD CONSTRAINT receipt_item_ids_check
    CHECK (cardinality(item_ids) <= CASE WHEN relation IN ('counselor', 'software') THEN 5000 ELSE 100 END);
