-- A retry of a report is known by the id that its client chose for the attempt. The report's own id names a key, so no client
-- chooses it.
-- report.attempt_id: PLAIN chosen by the client
-- report.attempt_mac: SENSITIVE keyed hash of what was reported
ALTER TABLE report ADD COLUMN attempt_id uuid;
ALTER TABLE report ADD COLUMN attempt_mac bytea CHECK (octet_length(attempt_mac) = 32);
ALTER TABLE report ADD CONSTRAINT report_attempted CHECK ((attempt_id IS NULL) = (attempt_mac IS NULL));
CREATE UNIQUE INDEX report_attempt ON report (reporter_id, attempt_id) WHERE attempt_id IS NOT NULL;
