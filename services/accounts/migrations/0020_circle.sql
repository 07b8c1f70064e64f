-- Invitations are to link as a couple, or to be a trusted person in the circle of whoever invites: one mechanism.
-- invitation.kind: SENSITIVE couple or circle
-- invitation.called: SEALED under the inviter's key, what they call whom they invite to their circle; nobody else sees it
-- invitation.reason: SEALED under the inviter's key, why they trust them; nobody else sees it
ALTER TABLE invitation ADD COLUMN kind text NOT NULL DEFAULT 'couple' CHECK (kind IN ('couple', 'circle'));
ALTER TABLE invitation ADD COLUMN called bytea;
ALTER TABLE invitation ADD COLUMN reason bytea;
ALTER TABLE invitation ADD CONSTRAINT invitation_circle_check
    CHECK ((kind = 'circle') = (called IS NOT NULL) AND (kind = 'circle' OR reason IS NULL));
-- To link one is open at a time; to a circle as many as there is room for.
DROP INDEX invitation_open;
CREATE UNIQUE INDEX invitation_open ON invitation (inviter_id) WHERE ended_at IS NULL AND kind = 'couple';
CREATE INDEX invitation_to_circle ON invitation (inviter_id, invitation_id) WHERE ended_at IS NULL AND kind = 'circle';

-- Who is or was in whose circle. Rows stay, so that an ended place can always be told as ended; who ended it is not kept.
-- placement: account (of the host)
-- circle_id: PLAIN somebody's place in somebody's circle
-- host_id: PLAIN whose circle
-- guest_id: PLAIN who is in it
-- joined_at: SENSITIVE
-- ended_at: SENSITIVE null while they are in it
CREATE TABLE circle (
    circle_id uuid PRIMARY KEY,
    host_id uuid NOT NULL,
    guest_id uuid NOT NULL,
    joined_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK (host_id <> guest_id)
);

-- Who is in whose circle now. The row goes when the place ends, and with it the names and the reason.
-- placement: account (of the host)
-- host_id: PLAIN whose circle
-- guest_id: PLAIN who is in it
-- circle_id: PLAIN
-- host_name: SEALED under the host's key, what the guest reads as their name
-- guest_name: SEALED under the guest's key, what the host reads as theirs
-- called: SEALED under the host's key, what the host calls the guest; nobody else sees it
-- reason: SEALED under the host's key, why the host trusts the guest; nobody else sees it
CREATE TABLE circle_member (
    host_id uuid NOT NULL REFERENCES account,
    guest_id uuid NOT NULL REFERENCES account,
    circle_id uuid NOT NULL UNIQUE REFERENCES circle,
    host_name bytea NOT NULL,
    guest_name bytea NOT NULL,
    called bytea NOT NULL,
    reason bytea,
    PRIMARY KEY (host_id, guest_id),
    CHECK (host_id <> guest_id)
);
CREATE INDEX circle_member_guest ON circle_member (guest_id, host_id);
