-- placement: account
-- schedule_id: PLAIN
-- account_id: PLAIN whose it is
-- kind: PLAIN what it is for, a number of candor.reminders.v1.ScheduleKind
-- subject_id: PLAIN what it points at, such as an entry
-- due_at: SENSITIVE when it fires
-- due_on: SENSITIVE the same as a day in its zone; one pending look-back a day is enough
-- time_zone: SENSITIVE the IANA zone the time was chosen in
-- state: PLAIN pending until it fired or was cancelled; the row stays, so that a repeated event changes nothing
-- created_at: SENSITIVE
-- settled_at: SENSITIVE when it fired or was cancelled
CREATE TABLE schedules (
    schedule_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    kind smallint NOT NULL CHECK (kind = 1),
    subject_id uuid,
    due_at timestamptz NOT NULL,
    due_on date NOT NULL,
    time_zone text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'fired', 'cancelled')),
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    CHECK ((state = 'pending') = (settled_at IS NULL))
);

-- What is due.
CREATE INDEX schedules_due ON schedules (due_at, schedule_id) WHERE state = 'pending';
-- What is planned for a member, soonest first.
CREATE INDEX schedules_of_account ON schedules (account_id, due_at, schedule_id) WHERE state = 'pending';
-- At most one pending look-back (kind 1) a member and day.
CREATE UNIQUE INDEX schedules_one_look_back_a_day ON schedules (account_id, due_on)
    WHERE state = 'pending' AND kind = 1;

-- placement: account
-- inbox_item_id: PLAIN
-- account_id: PLAIN whose it is
-- schedule_id: PLAIN what brought it; unique, so that nothing arrives twice
-- kind: PLAIN as the schedule's
-- subject_id: PLAIN as the schedule's
-- created_at: SENSITIVE when it arrived
-- read_at: SENSITIVE when its owner marked it read
CREATE TABLE inbox_items (
    inbox_item_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    schedule_id uuid NOT NULL UNIQUE REFERENCES schedules,
    kind smallint NOT NULL,
    subject_id uuid,
    created_at timestamptz NOT NULL,
    read_at timestamptz
);

-- A member's inbox, newest first.
CREATE INDEX inbox_items_of_account ON inbox_items (account_id, created_at DESC, inbox_item_id DESC);
