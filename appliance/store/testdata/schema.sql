CREATE TABLE address (
    host    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL CHECK (kind IN ('service', 'site', 'redirect')),
    install TEXT REFERENCES install(name) ON DELETE CASCADE,
    web     TEXT NOT NULL DEFAULT '',
    target  TEXT NOT NULL DEFAULT '',
    seq     INTEGER NOT NULL,               -- order within the install; the lowest is the main one
    CHECK ((kind = 'service') = (install IS NOT NULL))
) STRICT;

CREATE INDEX address_by_install ON address (install, seq);

CREATE TABLE box (
    one INTEGER PRIMARY KEY CHECK (one = 1), -- there is one row
    id  TEXT NOT NULL                        -- identity of this box; it never changes
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

CREATE TABLE day (
    date    TEXT NOT NULL,                              -- in the time zone of the box, as 2026-11-27
    subject TEXT NOT NULL,                              -- what something was found about; '': the checks looked
    worst   INTEGER NOT NULL CHECK (worst BETWEEN 0 AND 3), -- severity, from ok to critical
    PRIMARY KEY (date, subject)
) STRICT;

CREATE TABLE desk_link (
    one           INTEGER PRIMARY KEY CHECK (one = 1), -- there is one at most
    url           TEXT NOT NULL,
    pin           BLOB,                     -- of the certificate that signed the desk's; NULL: public authorities
    desk_key      BLOB NOT NULL CHECK (length(desk_key) = 32),
    box           TEXT NOT NULL,            -- id of this box at the desk
    key           BLOB NOT NULL CHECK (length(key) = 32),    -- seed of this box's own key
    secret        BLOB NOT NULL CHECK (length(secret) = 32), -- that box and desk share
    name          TEXT NOT NULL,            -- of the desk
    coop          TEXT NOT NULL,
    words         TEXT NOT NULL CHECK (json_valid(words)),
    joined        INTEGER NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('pending', 'linked', 'refused', 'ended')),
    problem       TEXT CHECK (problem IS NULL OR json_valid(problem)),
    period        INTEGER NOT NULL,         -- milliseconds between two reports
    acked         INTEGER NOT NULL,         -- number of the last entry that the desk has
    head          BLOB NOT NULL CHECK (length(head) = 16),   -- after it
    sent          INTEGER,                  -- when the desk confirmed it
    last          BLOB,                     -- the last report that it confirmed
    told_facts    TEXT NOT NULL,            -- what the desk knows once it has the whole outbox
    told_findings TEXT NOT NULL CHECK (json_valid(told_findings))
) STRICT;

CREATE TABLE finding (
    code    TEXT NOT NULL,
    subject TEXT NOT NULL,
    finding TEXT NOT NULL CHECK (json_valid(finding)),
    PRIMARY KEY (code, subject)
) STRICT;

CREATE TABLE install (
    name      TEXT PRIMARY KEY,             -- slug; part of container and volume names
    recipe    TEXT NOT NULL,
    wanted    TEXT NOT NULL CHECK (wanted IN ('running', 'stopped')),
    release   INTEGER NOT NULL DEFAULT 0,   -- number of the current release; 0 before the first
    subnet    TEXT NOT NULL UNIQUE,         -- of its own network
    has_owner INTEGER NOT NULL DEFAULT 0 CHECK (has_owner IN (0, 1)),
    scratch   INTEGER NOT NULL DEFAULT 0 CHECK (scratch IN (0, 1)), -- made by "recipe test"
    signin_shown INTEGER NOT NULL DEFAULT 0 CHECK (signin_shown IN (0, 1)), -- its first sign-in was shown in the console
    settings  TEXT NOT NULL CHECK (json_valid(settings)),
    created   INTEGER NOT NULL
, unlabelled INTEGER NOT NULL DEFAULT 0 CHECK (unlabelled IN (0, 1)), open INTEGER NOT NULL DEFAULT 0 CHECK (open IN (0, 1)), title TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE job (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    kind      TEXT NOT NULL,
    subject   TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('running', 'done', 'undone', 'failed')),
    committed INTEGER NOT NULL DEFAULT 0 CHECK (committed IN (0, 1)),
    input     TEXT NOT NULL CHECK (json_valid(input)),
    problem   TEXT CHECK (problem IS NULL OR json_valid(problem)),
    created   INTEGER NOT NULL,
    finished  INTEGER
, until INTEGER, args TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(args)), by_kind TEXT NOT NULL DEFAULT '', by_name TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE job_event (
    job   INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,
    seq   INTEGER NOT NULL,
    time  INTEGER NOT NULL,
    event TEXT NOT NULL CHECK (json_valid(event)),
    PRIMARY KEY (job, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX job_one_per_subject ON job (subject) WHERE state = 'running';

CREATE TABLE job_step (
    job      INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,
    idx      INTEGER NOT NULL,
    name     TEXT NOT NULL,
    code    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('todo', 'running', 'done', 'bad', 'undone')),
    detail   TEXT NOT NULL DEFAULT '',
    started  INTEGER,
    finished INTEGER, args TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(args)), output TEXT CHECK (output IS NULL OR json_valid(output)), notes TEXT CHECK (notes IS NULL OR json_valid(notes)),
    PRIMARY KEY (job, idx)
) STRICT;

CREATE TABLE migration_set (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;

CREATE TABLE outbox (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    seq  INTEGER UNIQUE,                    -- number of the entry; NULL until a report had it
    kind TEXT NOT NULL,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL CHECK (json_valid(body)) -- as in the report, byte for byte
) STRICT;

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

CREATE TABLE place (
    install TEXT NOT NULL REFERENCES install(name) ON DELETE CASCADE,
    service TEXT NOT NULL,
    number  INTEGER NOT NULL CHECK (number > 1), -- of its address, counted from that of the network; 1 is the gateway's
    PRIMARY KEY (install, service),
    UNIQUE (install, number)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE recipient (
    person    TEXT PRIMARY KEY,             -- id of the account
    least     TEXT NOT NULL,                -- severity; what is milder is not told
    quiet     TEXT NOT NULL CHECK (json_valid(quiet)),
    weekly    TEXT NOT NULL CHECK (json_valid(weekly)),
    added     INTEGER NOT NULL,             -- what ended earlier is not told
    weekly_at INTEGER NOT NULL,             -- when the last weekly message was written
    lost      INTEGER NOT NULL              -- messages that were given up since the last one was written
) STRICT;

CREATE TABLE record (
    zone  TEXT NOT NULL REFERENCES zone(name) ON DELETE CASCADE,
    seq   INTEGER NOT NULL,
    name  TEXT NOT NULL,
    type  TEXT NOT NULL,
    ttl   INTEGER NOT NULL,
    data  TEXT NOT NULL,
    owner TEXT NOT NULL,                    -- who asked for it; only owners change a record
    PRIMARY KEY (zone, name, type, data)
) STRICT;

CREATE TABLE relay (
    slot  TEXT PRIMARY KEY CHECK (slot IN ('now', 'before')), -- the one that is used, and the one to go back to
    relay TEXT NOT NULL CHECK (json_valid(relay))             -- with its password; 'null': none was set
) STRICT;

CREATE TABLE release (
    install  TEXT NOT NULL REFERENCES install(name) ON DELETE CASCADE,
    number   INTEGER NOT NULL CHECK (number > 0),
    version  TEXT NOT NULL,                 -- of the recipe
    images   TEXT NOT NULL CHECK (json_valid(images)),
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    folder   BLOB NOT NULL,                 -- zip of the recipe's folder: a release never changes
    created  INTEGER NOT NULL, program TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (install, number)
) STRICT;

CREATE TABLE secret (
    install TEXT NOT NULL REFERENCES install(name) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (install, name)
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

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,                 -- coop, box, language
    value TEXT NOT NULL
) STRICT;

CREATE TABLE signin_failure (
    key    TEXT PRIMARY KEY,                    -- an address, or a name and an address
    count  INTEGER NOT NULL CHECK (count > 0),
    last   INTEGER NOT NULL,
    locked INTEGER NOT NULL                     -- until then every attempt is refused; 0: it is not
) STRICT;

CREATE TABLE signin_token (
    hash    TEXT PRIMARY KEY,                   -- SHA-256 of the token, in hex
    person  TEXT REFERENCES person(id) ON DELETE CASCADE, -- NULL: it makes the first account
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT;

CREATE TABLE site (
    host      TEXT PRIMARY KEY,
    published INTEGER NOT NULL,             -- number of the published version; 0: none
    last      INTEGER NOT NULL,             -- the highest number ever given
    versions  TEXT NOT NULL CHECK (json_valid(versions))
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

CREATE TABLE usage_app (
    id      INTEGER PRIMARY KEY AUTOINCREMENT, -- in usage_slot.used; never given again, 0 is the box
    install TEXT NOT NULL UNIQUE REFERENCES install(name) ON DELETE CASCADE
) STRICT;

CREATE TABLE usage_slot (
    span   TEXT NOT NULL CHECK (span IN ('hour', 'day', 'month')),
    place  INTEGER NOT NULL CHECK (place >= 0), -- in the ring: begins / length of a slot, modulo their number
    begins INTEGER NOT NULL,                    -- ms UTC
    used   BLOB NOT NULL,                       -- for each id: it as a varint, then mean, least, most of memory, processor, disk as little-endian float32
    PRIMARY KEY (span, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE zone (
    name        TEXT PRIMARY KEY,           -- without the final dot
    serial      INTEGER NOT NULL,
    ttl         INTEGER NOT NULL,           -- seconds, as all times of a zone
    ns          TEXT NOT NULL CHECK (json_valid(ns)),
    primary_ns  TEXT NOT NULL,
    mailbox     TEXT NOT NULL,
    refresh     INTEGER NOT NULL,
    retry       INTEGER NOT NULL,
    expire      INTEGER NOT NULL,
    minimum     INTEGER NOT NULL
) STRICT;
