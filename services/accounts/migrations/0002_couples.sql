-- Invitations to link. Only the hash of the code is stored. Nothing here says whether somebody said no.
-- placement: account
-- invitation_id: PLAIN
-- inviter_id: PLAIN whoever invites
-- code_hash: SENSITIVE SHA-256 of 100 random bits
-- own_name: SEALED under the inviter's key, what the invited person reads as their name
-- created_at: SENSITIVE
-- expires_at: SENSITIVE
-- ended_at: SENSITIVE when it was cancelled, replaced, or its inviter was linked
CREATE TABLE invitation (
    invitation_id uuid PRIMARY KEY,
    inviter_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    code_hash bytea NOT NULL UNIQUE CHECK (octet_length(code_hash) = 32),
    own_name bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
-- One that has not ended at a time, whether or not its time is over.
CREATE UNIQUE INDEX invitation_open ON invitation (inviter_id) WHERE ended_at IS NULL;
CREATE INDEX invitation_expiry ON invitation (expires_at);

-- Who said no to an invitation. It closes the code for them alone, so that nobody else can find out.
-- placement: account
-- account_id: PLAIN
-- invitation_id: PLAIN
-- declined_at: SENSITIVE
CREATE TABLE invitation_decline (
    account_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    invitation_id uuid NOT NULL REFERENCES invitation ON DELETE CASCADE,
    declined_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, invitation_id)
);
CREATE INDEX invitation_decline_invitation ON invitation_decline (invitation_id);

-- Whose codes do not work for whom any more.
-- placement: account
-- blocker_id: PLAIN
-- blocked_id: PLAIN
-- blocked_at: SENSITIVE
CREATE TABLE invitation_block (
    blocker_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    blocked_id uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    blocked_at timestamptz NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id)
);
CREATE INDEX invitation_block_blocked ON invitation_block (blocked_id);

-- What the people who run this place were told about invitations, at most five times of one. It outlives the invitation,
-- hence no reference.
-- placement: house
-- report_id: PLAIN
-- invitation_id: PLAIN
-- inviter_id: PLAIN whom it is about
-- reason: SENSITIVE number of candor.accounts.v1.ReportReason
-- note: SEALED under the service's own key; null when nothing was written
-- reported_at: SENSITIVE
CREATE TABLE invitation_report (
    report_id uuid PRIMARY KEY,
    invitation_id uuid NOT NULL,
    inviter_id uuid NOT NULL,
    reason integer NOT NULL,
    note bytea,
    reported_at timestamptz NOT NULL
);
CREATE INDEX invitation_report_invitation ON invitation_report (invitation_id);

-- Two people who are linked, or were. Rows stay, so that an ended link can always be told as ended; who ended it is
-- not kept.
-- placement: couple
-- couple_id: PLAIN
-- first_id: PLAIN the lower id of the two
-- second_id: PLAIN
-- linked_at: SENSITIVE
-- unlinked_at: SENSITIVE null while they are linked
CREATE TABLE couple (
    couple_id uuid PRIMARY KEY,
    first_id uuid NOT NULL,
    second_id uuid NOT NULL,
    linked_at timestamptz NOT NULL,
    unlinked_at timestamptz,
    CHECK (first_id < second_id)
);

-- Who is linked now: two rows for each link, and one for each person, which is what keeps anybody from being linked
-- twice. Both rows go when the link ends, and the names with them.
-- placement: account
-- account_id: PLAIN
-- partner_id: PLAIN
-- couple_id: PLAIN
-- own_name: SEALED under the account's key, what the partner reads as their name
CREATE TABLE couple_member (
    account_id uuid PRIMARY KEY REFERENCES account,
    partner_id uuid NOT NULL,
    couple_id uuid NOT NULL REFERENCES couple,
    own_name bytea NOT NULL,
    CHECK (account_id <> partner_id)
);
CREATE INDEX couple_member_couple ON couple_member (couple_id);
