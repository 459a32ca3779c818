-- +goose Up
CREATE TABLE evals (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- the order that they came in
    id      TEXT NOT NULL UNIQUE,
    owner   TEXT NOT NULL, -- id of the key that made it; empty: made without one
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    body    TEXT NOT NULL -- JSON
);
CREATE INDEX evals_owner ON evals (owner, seq);

CREATE TABLE eval_runs (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of the queue
    id      TEXT NOT NULL UNIQUE,
    eval    TEXT NOT NULL REFERENCES evals (id) ON DELETE CASCADE,
    owner   TEXT NOT NULL,
    status  TEXT NOT NULL,
    created BIGINT NOT NULL,
    source  TEXT NOT NULL, -- data_source as the client wrote it: JSON
    body    TEXT NOT NULL  -- JSON
);
CREATE INDEX eval_runs_eval ON eval_runs (eval, seq);
CREATE INDEX eval_runs_status ON eval_runs (status, seq);

-- The rows of a run, and what became of them.
CREATE TABLE eval_items (
    run     TEXT NOT NULL REFERENCES eval_runs (id) ON DELETE CASCADE,
    n       BIGINT NOT NULL, -- number of the row, from 0
    id      TEXT NOT NULL,
    status  TEXT NOT NULL, -- pending, then pass, fail or error, once
    created BIGINT NOT NULL, -- when it got its status; 0: pending
    row     TEXT NOT NULL,   -- JSON
    body    TEXT NOT NULL,   -- JSON; empty: pending
    PRIMARY KEY (run, n)
);
CREATE UNIQUE INDEX eval_items_id ON eval_items (id);
CREATE INDEX eval_items_status ON eval_items (run, status, n);

-- +goose Down
DROP TABLE eval_items;
DROP TABLE eval_runs;
DROP TABLE evals;
