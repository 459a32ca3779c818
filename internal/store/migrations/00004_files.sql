-- +goose Up
CREATE TABLE files (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT, -- the order that they came in
    id      TEXT NOT NULL UNIQUE,
    owner   TEXT NOT NULL, -- id of the key that made it; empty: made without one
    name    TEXT NOT NULL,
    purpose TEXT NOT NULL,
    bytes   BIGINT NOT NULL,
    digest  TEXT NOT NULL, -- of the content, which files may share
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX files_digest ON files (digest);

-- Files that come in parts.
CREATE TABLE uploads (
    id       TEXT PRIMARY KEY,
    owner    TEXT NOT NULL,
    name     TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    bytes    BIGINT NOT NULL, -- that the file will have
    lifetime BIGINT NOT NULL, -- of the file, in milliseconds; 0: no end
    status   TEXT NOT NULL,
    file     TEXT NOT NULL,   -- its id, once it is there
    created  BIGINT NOT NULL,
    expires  BIGINT NOT NULL  -- the upload
);

CREATE TABLE upload_parts (
    id      TEXT PRIMARY KEY,
    upload  TEXT NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    bytes   BIGINT NOT NULL,
    digest  TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX upload_parts_upload ON upload_parts (upload);
CREATE INDEX upload_parts_digest ON upload_parts (digest);

-- +goose Down
DROP TABLE upload_parts;
DROP TABLE uploads;
DROP TABLE files;
