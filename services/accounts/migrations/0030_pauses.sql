-- Whose invitations do not reach whom: for good (blocked), or for a while (left, declined). Whoever it is about is never
-- told; whoever keeps it can lift it.
-- invitation_block.pause_id: PLAIN random: what its keeper calls it by
-- invitation_block.cause: SENSITIVE left, declined or blocked
-- invitation_block.until: SENSITIVE when it ends by itself; null for until it is lifted
-- invitation_block.called: SEALED under the blocker's key, the name they read of the other last
ALTER TABLE invitation_block ADD COLUMN pause_id uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE invitation_block ADD COLUMN cause text NOT NULL DEFAULT 'blocked'
    CHECK (cause IN ('left', 'declined', 'blocked'));
ALTER TABLE invitation_block ADD COLUMN until timestamptz;
ALTER TABLE invitation_block ADD COLUMN called bytea;
ALTER TABLE invitation_block ADD CONSTRAINT invitation_block_until CHECK ((cause = 'blocked') = (until IS NULL));
CREATE UNIQUE INDEX invitation_block_pause ON invitation_block (pause_id);
CREATE INDEX invitation_block_over ON invitation_block (until) WHERE until IS NOT NULL;

-- Whoever would rather be away when their link ends says when it does. Only their own row says so.
-- couple_member.leave_at: SENSITIVE when this person's link ends, as they said; null when they did not
ALTER TABLE couple_member ADD COLUMN leave_at timestamptz;
CREATE INDEX couple_member_leaving ON couple_member (leave_at) WHERE leave_at IS NOT NULL;
