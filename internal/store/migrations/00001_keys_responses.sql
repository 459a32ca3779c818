-- +goose Up
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Times are milliseconds since 1970; 0 means never.
CREATE TABLE keys (
    id        TEXT PRIMARY KEY,
    name      TEXT NOT NULL,
    role      TEXT NOT NULL,
    hash      TEXT NOT NULL UNIQUE, -- sha256 of the secret, hex
    hint      TEXT NOT NULL,        -- the secret's beginning, to recognise it by
    created   BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    revoked   BIGINT NOT NULL
);

CREATE TABLE responses (
    id      TEXT PRIMARY KEY,
    owner   TEXT NOT NULL, -- id of the key that made it; empty: made without one
    created BIGINT NOT NULL,
    bytes   BIGINT NOT NULL,
    body    TEXT NOT NULL
);
CREATE INDEX responses_created ON responses (created);

-- +goose Down
DROP TABLE responses;
DROP TABLE keys;
DROP TABLE meta;
