-- Counselors, editors and support besides members and operators.
ALTER TABLE account DROP CONSTRAINT account_kind_check;
ALTER TABLE account ADD CONSTRAINT account_kind_check
    CHECK (kind IN ('member', 'counselor', 'operator', 'editor', 'support'));

-- A session goes on for weeks; a proof of who somebody is, asked again before what cannot be undone, is of minutes.
-- session.proved_at: SENSITIVE when the person last proved who they are
ALTER TABLE session ADD COLUMN proved_at timestamptz;
UPDATE session SET proved_at = created_at;
ALTER TABLE session ALTER COLUMN proved_at SET NOT NULL;
