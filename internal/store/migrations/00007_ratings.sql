-- +goose Up
-- Blind comparisons by people, and their votes.
CREATE TABLE ratings (
    id      TEXT PRIMARY KEY, -- of the run
    created BIGINT NOT NULL,
    locked  BIGINT NOT NULL,  -- 0: votes are still taken
    seed    TEXT NOT NULL,    -- secret: what is shown where follows from it
    body    TEXT NOT NULL     -- JSON: cases, answers, arms
);

CREATE TABLE rating_raters (
    rating  TEXT NOT NULL REFERENCES ratings (id) ON DELETE CASCADE,
    number  BIGINT NOT NULL, -- in the order of the invitations, from 0
    name    TEXT NOT NULL,
    hash    TEXT NOT NULL UNIQUE, -- sha256 of the link's token, hex
    created BIGINT NOT NULL,
    PRIMARY KEY (rating, number),
    UNIQUE (rating, name)
);

CREATE TABLE rating_votes (
    rating  TEXT NOT NULL,
    rater   BIGINT NOT NULL,
    slot    BIGINT NOT NULL, -- place in what the rater is shown, from 0
    choice  BIGINT NOT NULL, -- as shown: -1 the left answer, 0 neither, 1 the right one
    created BIGINT NOT NULL,
    PRIMARY KEY (rating, rater, slot),
    FOREIGN KEY (rating, rater) REFERENCES rating_raters (rating, number) ON DELETE CASCADE
);

-- +goose Down
DROP TABLE rating_votes;
DROP TABLE rating_raters;
DROP TABLE ratings;
