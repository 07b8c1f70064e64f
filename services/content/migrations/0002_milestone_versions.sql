-- path_milestones remembers under which version of the account's path a milestone was told, so that telling it again
-- is the same fact once more.
-- version: PLAIN counts up with each milestone of the account
ALTER TABLE path_milestones ADD COLUMN version bigint;

UPDATE path_milestones SET version = numbered.version
FROM (SELECT account_id, milestone_id,
             row_number() OVER (PARTITION BY account_id ORDER BY reach_time, milestone_id) AS version
      FROM path_milestones) AS numbered
WHERE path_milestones.account_id = numbered.account_id AND path_milestones.milestone_id = numbered.milestone_id;

ALTER TABLE path_milestones ALTER COLUMN version SET NOT NULL;
ALTER TABLE path_milestones ADD UNIQUE (account_id, version);
