-- +goose Up
-- What endpoints are still to be told. A row goes when it has been delivered, or given up.
CREATE TABLE webhooks (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE, -- the same at each attempt
    url      TEXT NOT NULL,
    created  BIGINT NOT NULL,
    next     BIGINT NOT NULL, -- when the next attempt is due
    attempts BIGINT NOT NULL, -- made so far
    body     TEXT NOT NULL    -- JSON, as it is sent
);
CREATE INDEX webhooks_next ON webhooks (next, seq);

-- +goose Down
DROP TABLE webhooks;
