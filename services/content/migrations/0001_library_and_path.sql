-- What anyone may read, and where each member stands on the path. There is no private text here.

-- placement: public
-- article_id: PLAIN the readable id, the same in every language
-- locale: PLAIN BCP 47 tag of the language
-- version: PLAIN counts up with every change of the text or its facts
-- digest: PLAIN SHA-256 of the file it was loaded from, so that an unchanged file changes nothing
-- step: PLAIN number of candor.content.v1.Step
-- position: PLAIN reading order within the step
-- kind: PLAIN article or exercise
-- title: PLAIN
-- summary: PLAIN
-- need: PLAIN the one need it meets
-- next_action: PLAIN a small thing to do next
-- reading_minutes: PLAIN
-- evidence: PLAIN how well its claims are founded
-- sources: PLAIN what it rests on
-- contraindications: PLAIN for whom or when it is not meant
-- clinical_review: PLAIN who reviewed it clinically, or none
-- reviewed_date: PLAIN when an editor last reviewed it
-- next_review_date: PLAIN when an editor looks again at the latest
-- rubric: PLAIN ten scores from 0 to 2, in the order of library/README.md
-- body: PLAIN the text in Markdown
-- publish_time: PLAIN when this version was published
-- withdraw_time: PLAIN when it was taken out of the library; NULL while anyone may read it
CREATE TABLE articles (
    article_id        text        NOT NULL CHECK (octet_length(article_id) BETWEEN 1 AND 80),
    locale            text        NOT NULL CHECK (octet_length(locale) BETWEEN 2 AND 35),
    version           integer     NOT NULL CHECK (version >= 1),
    digest            bytea       NOT NULL CHECK (octet_length(digest) = 32),
    step              smallint    NOT NULL CHECK (step BETWEEN 1 AND 7),
    position          integer     NOT NULL CHECK (position >= 1),
    kind              text        NOT NULL,
    title             text        NOT NULL,
    summary           text        NOT NULL,
    need              text        NOT NULL,
    next_action       text        NOT NULL,
    reading_minutes   integer     NOT NULL CHECK (reading_minutes >= 1),
    evidence          text        NOT NULL,
    sources           text[]      NOT NULL,
    contraindications text[]      NOT NULL,
    clinical_review   text        NOT NULL,
    reviewed_date     date        NOT NULL,
    next_review_date  date        NOT NULL,
    rubric            smallint[]  NOT NULL CHECK (cardinality(rubric) = 10),
    body              text        NOT NULL,
    publish_time      timestamptz NOT NULL,
    withdraw_time     timestamptz,
    PRIMARY KEY (article_id, locale)
);

-- placement: account (hash of account_id)
-- account_id: PLAIN whose path it is
-- fact: PLAIN number of what is counted; 1 is an entry written
-- item_ids: PLAIN the earliest things counted, at most as many as the furthest milestone asks for
-- item_times: SENSITIVE when each of them was done
CREATE TABLE path_progress (
    account_id uuid          NOT NULL,
    fact       smallint      NOT NULL CHECK (fact >= 1),
    item_ids   uuid[]        NOT NULL,
    item_times timestamptz[] NOT NULL CHECK (cardinality(item_times) = cardinality(item_ids)),
    PRIMARY KEY (account_id, fact)
) PARTITION BY HASH (account_id);

CREATE TABLE path_progress_p0 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE path_progress_p1 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE path_progress_p2 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE path_progress_p3 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE path_progress_p4 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE path_progress_p5 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE path_progress_p6 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE path_progress_p7 PARTITION OF path_progress FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- placement: account (hash of account_id)
-- account_id: PLAIN who reached it
-- milestone_id: PLAIN the readable id; a milestone once reached stays reached
-- reach_time: SENSITIVE when it was reached
CREATE TABLE path_milestones (
    account_id   uuid        NOT NULL,
    milestone_id text        NOT NULL,
    reach_time   timestamptz NOT NULL,
    PRIMARY KEY (account_id, milestone_id)
) PARTITION BY HASH (account_id);

CREATE TABLE path_milestones_p0 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE path_milestones_p1 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE path_milestones_p2 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE path_milestones_p3 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE path_milestones_p4 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE path_milestones_p5 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE path_milestones_p6 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE path_milestones_p7 PARTITION OF path_milestones FOR VALUES WITH (MODULUS 8, REMAINDER 7);
