-- A counselor who asked for everything of theirs to be destroyed is found by nobody from then on, called off or not.
-- counselor.unlisted: SENSITIVE whether they left the list that way, and have not said since whether they take on new people
ALTER TABLE counselor ADD COLUMN unlisted boolean NOT NULL DEFAULT false;
