-- +goose Up
-- A generation is a content; its files are in a folder of that name.
CREATE TABLE adapter_generations (
    generation TEXT PRIMARY KEY, -- "sha256:…"
    base       TEXT NOT NULL,    -- id of the model that it was last checked against
    rank       BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,  -- on disk
    memory     BIGINT NOT NULL,  -- once it is compiled for that model
    created    BIGINT NOT NULL
);

CREATE TABLE adapter_names (
    name       TEXT PRIMARY KEY,
    generation TEXT NOT NULL, -- that it stands for; empty: none yet
    staged     TEXT NOT NULL, -- generation that waits to be promoted; empty: none
    shadow     BIGINT NOT NULL, -- 1: the name may be that of a model
    owner      TEXT NOT NULL, -- id of the key that made it; empty: made without one
    notes      TEXT NOT NULL,
    settings   TEXT NOT NULL, -- JSON
    created    BIGINT NOT NULL,
    updated    BIGINT NOT NULL
);

-- The generations that a name stands for, stood for, or holds staged.
CREATE TABLE adapter_versions (
    name       TEXT NOT NULL REFERENCES adapter_names (name) ON DELETE CASCADE,
    generation TEXT NOT NULL REFERENCES adapter_generations (generation),
    seq        BIGINT NOT NULL, -- rises each time that the name is given a generation
    previous   TEXT NOT NULL,   -- generation that the name stood for before this one
    base       TEXT NOT NULL,
    lineage    TEXT NOT NULL,   -- JSON
    report     TEXT NOT NULL,   -- JSON, without the modules
    created    BIGINT NOT NULL,
    modules    TEXT NOT NULL,   -- JSON; last, since it is long and seldom read
    PRIMARY KEY (name, generation)
);
CREATE INDEX adapter_versions_generation ON adapter_versions (generation);

CREATE TABLE adapter_events (
    name       TEXT NOT NULL,
    seq        BIGINT NOT NULL,
    time       BIGINT NOT NULL,
    action     TEXT NOT NULL,
    generation TEXT NOT NULL,
    author     TEXT NOT NULL, -- id of a key
    PRIMARY KEY (name, seq)
);

-- +goose Down
DROP TABLE adapter_events;
DROP TABLE adapter_versions;
DROP TABLE adapter_names;
DROP TABLE adapter_generations;
