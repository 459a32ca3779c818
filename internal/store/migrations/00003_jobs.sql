-- +goose Up
CREATE TABLE jobs (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of the queue
    id      TEXT NOT NULL UNIQUE,
    status  TEXT NOT NULL,
    created BIGINT NOT NULL,
    body    TEXT NOT NULL -- JSON
);
CREATE INDEX jobs_status ON jobs (status, seq);

CREATE TABLE job_events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    key     TEXT NOT NULL, -- what happened: it is noted once
    created BIGINT NOT NULL,
    type    TEXT NOT NULL,
    body    TEXT NOT NULL, -- JSON
    UNIQUE (job, key)
);
CREATE INDEX job_events_job ON job_events (job, seq);

CREATE TABLE job_checkpoints (
    job     TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    step    BIGINT NOT NULL,
    id      TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    body    TEXT NOT NULL, -- JSON
    PRIMARY KEY (job, step)
);

-- +goose Down
DROP TABLE job_checkpoints;
DROP TABLE job_events;
DROP TABLE jobs;
