-- SPDX-License-Identifier: AGPL-3.0-or-later
-- The tables of internal/signin. Times are milliseconds since 1970, UTC.

CREATE TABLE person (
    id       TEXT PRIMARY KEY,                  -- random; it never changes
    name     TEXT NOT NULL UNIQUE,              -- to sign in with; lower case, so that case does not count
    display  TEXT NOT NULL,                     -- what others read
    language TEXT NOT NULL DEFAULT '',          -- of the pages; empty: as the browser asks
    password TEXT NOT NULL DEFAULT '',          -- argon2id as a PHC string; empty: only a token lets this person in
    coop     TEXT NOT NULL DEFAULT '',
    role     TEXT NOT NULL DEFAULT 'steward',
    disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
    created  INTEGER NOT NULL,
    changed  INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    id        TEXT PRIMARY KEY,                 -- SHA-256 of the cookie's value, in hex
    person    TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE,
    created   INTEGER NOT NULL,
    seen      INTEGER NOT NULL,                 -- last use, to the minute
    confirmed INTEGER NOT NULL,                 -- when the password was last typed
    expires   INTEGER NOT NULL,
    browser   TEXT NOT NULL,
    address   TEXT NOT NULL
) STRICT;
CREATE INDEX session_by_person ON session (person, seen);

CREATE TABLE signin_token (
    hash    TEXT PRIMARY KEY,                   -- SHA-256 of the token, in hex
    person  TEXT REFERENCES person(id) ON DELETE CASCADE, -- NULL: it makes the first account
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT;

CREATE TABLE signin_failure (
    key    TEXT PRIMARY KEY,                    -- an address, or a name and an address
    count  INTEGER NOT NULL CHECK (count > 0),
    last   INTEGER NOT NULL,
    locked INTEGER NOT NULL                     -- until then every attempt is refused; 0: it is not
) STRICT;
