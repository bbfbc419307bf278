-- SPDX-License-Identifier: AGPL-3.0-or-later
-- How the box reaches its people: the mail server, whom it tells what and by
-- which channel, and the messages on their way.

CREATE TABLE relay (
    slot  TEXT PRIMARY KEY CHECK (slot IN ('now', 'before')), -- the one that is used, and the one to go back to
    relay TEXT NOT NULL CHECK (json_valid(relay))             -- with its password; 'null': none was set
) STRICT;

CREATE TABLE recipient (
    person    TEXT PRIMARY KEY,             -- id of the account
    least     TEXT NOT NULL,                -- severity; what is milder is not told
    quiet     TEXT NOT NULL CHECK (json_valid(quiet)),
    weekly    TEXT NOT NULL CHECK (json_valid(weekly)),
    added     INTEGER NOT NULL,             -- what ended earlier is not told
    weekly_at INTEGER NOT NULL,             -- when the last weekly message was written
    lost      INTEGER NOT NULL              -- messages that were given up since the last one was written
) STRICT;

CREATE TABLE channel (
    person    TEXT NOT NULL,                -- id of the account
    kind      TEXT NOT NULL,                -- mail, ntfy, webhook
    target    TEXT NOT NULL,                -- mail address, server or URL
    topic     TEXT NOT NULL,                -- of ntfy
    secret    TEXT NOT NULL,                -- token of ntfy, secret of a webhook
    proven    INTEGER,                      -- when a test message had arrived; NULL: it is not used
    asked     INTEGER,                      -- when the test message was sent whose code is awaited
    code      TEXT NOT NULL,                -- of that message
    guesses   INTEGER NOT NULL,             -- wrong codes since then
    delivered INTEGER,                      -- when the last message arrived
    failing   INTEGER,                      -- since when none arrives; NULL: the last one did
    problem   TEXT CHECK (problem IS NULL OR json_valid(problem)),
    PRIMARY KEY (person, kind)
) STRICT;

CREATE TABLE told (
    person   TEXT NOT NULL,                 -- id of the account
    cause    TEXT NOT NULL,                 -- code and subject of a finding, or a job
    severity TEXT NOT NULL,                 -- the worst that was told
    open     INTEGER NOT NULL CHECK (open IN (0, 1)), -- it lasts
    said     INTEGER NOT NULL CHECK (said IN (0, 1)), -- the person was told that it began
    at       INTEGER,                       -- of the last message about it; NULL: none arrived
    gone     INTEGER,                       -- since when it is not found any more
    thread   TEXT NOT NULL,                 -- id of the first message about it
    finding  TEXT NOT NULL CHECK (json_valid(finding)), -- as it was last
    PRIMARY KEY (person, cause)
) STRICT;

CREATE TABLE post (
    id      TEXT NOT NULL,                  -- of the message; the same by every channel and at every try
    kind    TEXT NOT NULL,                  -- of the channel
    person  TEXT NOT NULL,                  -- id of the account
    message TEXT NOT NULL CHECK (json_valid(message)), -- as it is delivered
    causes  TEXT NOT NULL CHECK (json_valid(causes)),  -- what it tells of
    at      INTEGER NOT NULL,               -- when it was written
    due     INTEGER NOT NULL,               -- when it is tried next
    tries   INTEGER NOT NULL,
    sent    INTEGER,                        -- when it was accepted
    dropped INTEGER,                        -- when it was given up
    problem TEXT CHECK (problem IS NULL OR json_valid(problem)),
    PRIMARY KEY (id, kind)
) STRICT;
CREATE INDEX post_waiting ON post (due) WHERE sent IS NULL AND dropped IS NULL;
