-- Whether a member has had, or has cancelled, a look-back on a day: then another entry of that day brings none.
CREATE INDEX schedules_look_backs_of_day ON schedules (account_id, due_on) WHERE kind = 1;
