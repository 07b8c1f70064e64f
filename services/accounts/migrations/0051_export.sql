-- Exports that were asked for: when they open, and until when. What is taken is put together while it is taken, and lies
-- nowhere.
-- placement: account
-- account_id: PLAIN
-- requested_at: SENSITIVE
-- opens_at: SENSITIVE
-- expires_at: SENSITIVE
-- taken: SENSITIVE how often it was taken
CREATE TABLE export (
    account_id uuid PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    requested_at timestamptz NOT NULL,
    opens_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    taken integer NOT NULL DEFAULT 0
);
CREATE INDEX export_expiry ON export (expires_at);

-- What connected somebody with others is theirs to look up after it ended as well.
CREATE INDEX couple_first ON couple (first_id, linked_at DESC, couple_id DESC);
CREATE INDEX couple_second ON couple (second_id, linked_at DESC, couple_id DESC);
CREATE INDEX circle_host ON circle (host_id, joined_at DESC, circle_id DESC);
CREATE INDEX circle_guest ON circle (guest_id, joined_at DESC, circle_id DESC);
