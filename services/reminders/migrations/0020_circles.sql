-- What a member shares with a trusted person arrives like what one of a couple shares with the other: a place in a circle is
-- a link, too. Check-ins are for couples alone.
-- couples.circle: PLAIN whether it is a place in a circle; of a link that is not told of yet nobody knows
ALTER TABLE couples ADD COLUMN circle boolean NOT NULL DEFAULT false;

DROP INDEX couples_first;
DROP INDEX couples_second;
CREATE INDEX couples_first ON couples (first_id) WHERE version = 1 AND NOT circle;
CREATE INDEX couples_second ON couples (second_id) WHERE version = 1 AND NOT circle;
