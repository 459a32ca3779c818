-- +goose Up
-- What evaluations have shown of a generation.
CREATE TABLE adapter_verdicts (
    generation TEXT NOT NULL REFERENCES adapter_generations (generation) ON DELETE CASCADE,
    run        TEXT NOT NULL, -- id of the evaluation
    seq        BIGINT NOT NULL, -- rises with each that is recorded
    task       TEXT NOT NULL,
    base       TEXT NOT NULL, -- id of the model that it was compared with
    outcome    TEXT NOT NULL,
    created    BIGINT NOT NULL,
    author     TEXT NOT NULL, -- id of a key
    body       TEXT NOT NULL, -- JSON: the numbers
    PRIMARY KEY (generation, run)
);

ALTER TABLE adapter_events ADD COLUMN note TEXT NOT NULL DEFAULT ''; -- why it was allowed

-- +goose Down
ALTER TABLE adapter_events DROP COLUMN note;
DROP TABLE adapter_verdicts;
