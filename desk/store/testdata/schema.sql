CREATE TABLE box (
    n         INTEGER PRIMARY KEY,              -- short, because millions of rows name it
    id        TEXT NOT NULL UNIQUE CHECK (length(id) = 12),
    coop      TEXT NOT NULL REFERENCES coop(id),
    caretaker TEXT REFERENCES coop(id),
    name      TEXT NOT NULL,
    key       BLOB NOT NULL CHECK (length(key) = 32), -- Ed25519 public key
    link      BLOB NOT NULL CHECK (length(link) = 32), -- shared secret that acknowledgements are made with
    words     TEXT NOT NULL,                    -- the four, with spaces between
    joined    INTEGER NOT NULL,
    kept      TEXT NOT NULL CHECK (kept IN ('pending', 'active', 'suspected', 'left')),
    facts     TEXT NOT NULL CHECK (json_valid(facts))
, agent TEXT NOT NULL DEFAULT '', backup INTEGER NOT NULL DEFAULT 0, proven INTEGER NOT NULL DEFAULT 0, open INTEGER NOT NULL DEFAULT 0, worst INTEGER NOT NULL DEFAULT 0, since INTEGER NOT NULL DEFAULT 0, gone INTEGER) STRICT;

CREATE INDEX box_gone ON box (gone) WHERE gone IS NOT NULL;

CREATE TABLE bucket (
    length   INTEGER NOT NULL CHECK (length IN (600, 3600)), -- seconds
    box      INTEGER NOT NULL REFERENCES box(n),
    start    INTEGER NOT NULL,                  -- seconds since 1970
    samples  INTEGER NOT NULL CHECK (samples > 0),
    worst    INTEGER NOT NULL,                  -- severity of the worst finding; 0: none
    apps     INTEGER NOT NULL,                  -- most that should run
    load_min REAL NOT NULL, load_sum REAL NOT NULL, load_max REAL NOT NULL,
    memory_min REAL NOT NULL, memory_sum REAL NOT NULL, memory_max REAL NOT NULL, -- shares, 0 to 1
    disk_min REAL NOT NULL, disk_sum REAL NOT NULL, disk_max REAL NOT NULL,
    up_min REAL NOT NULL, up_sum REAL NOT NULL, up_max REAL NOT NULL, -- apps that run
    PRIMARY KEY (length, box, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE coop (
    id      TEXT PRIMARY KEY CHECK (id <> ''),  -- a slug
    name    TEXT NOT NULL CHECK (name <> ''),
    place   TEXT NOT NULL,
    it_coop INTEGER NOT NULL CHECK (it_coop IN (0, 1)),
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE desk (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    alive INTEGER NOT NULL                      -- when this desk last ran, to the minute
, away_from INTEGER NOT NULL DEFAULT 0, away_until INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    box      INTEGER NOT NULL REFERENCES box(n),
    at       INTEGER NOT NULL,                  -- when it happened, as far as the desk knows
    kind     TEXT NOT NULL,
    code     TEXT NOT NULL,                     -- of a finding
    subject  TEXT NOT NULL,                     -- of a finding; an install; a person
    severity INTEGER NOT NULL,
    text     TEXT NOT NULL
, args TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(args))) STRICT;

CREATE INDEX event_by_box ON event (box, id);

CREATE TABLE finding (
    box      INTEGER NOT NULL REFERENCES box(n),
    code     TEXT NOT NULL,
    subject  TEXT NOT NULL,
    source   TEXT NOT NULL CHECK (source IN ('box', 'desk')), -- who found it
    severity INTEGER NOT NULL CHECK (severity IN (1, 2, 3)),  -- notice, warning, critical
    since    INTEGER NOT NULL,                  -- by the box's clock
    finding  TEXT NOT NULL CHECK (json_valid(finding)),
    PRIMARY KEY (box, code, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX finding_by_code ON finding (code);

CREATE TABLE invitation (
    id        TEXT PRIMARY KEY,                 -- hash of the secret
    verifier  BLOB NOT NULL CHECK (length(verifier) = 32), -- another hash of it; the secret is not here
    coop      TEXT NOT NULL REFERENCES coop(id),
    caretaker TEXT REFERENCES coop(id),
    made_by   TEXT NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER NOT NULL CHECK (expires > created),
    confirmed INTEGER NOT NULL CHECK (confirmed IN (0, 1)), -- the box need not be confirmed
    used      INTEGER,                          -- NULL: not used
    box       TEXT,                             -- that joined with it
    request   BLOB,                             -- SHA-256 of its request,
    answer    BLOB                              -- and what the desk answered, for a retry
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    id    INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL,
    box   INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last  INTEGER NOT NULL,
    body  BLOB NOT NULL
) STRICT;

CREATE TABLE migration_set (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;

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

CREATE TABLE progress (
    box      INTEGER PRIMARY KEY REFERENCES box(n),
    seen     INTEGER NOT NULL,                  -- last report; 0: none yet
    sent     INTEGER NOT NULL,                  -- the same by the box's clock
    first    INTEGER NOT NULL,                  -- number of the first entry of the last report
    heads    BLOB NOT NULL,                     -- 16 bytes each: before that entry, and after each of the report
    lost     INTEGER NOT NULL,                  -- entries that never came
    complete INTEGER NOT NULL CHECK (complete IN (0, 1)), -- 0: the desk asks for everything
    restored INTEGER NOT NULL CHECK (restored IN (0, 1)), -- 1: a person said that its journal may begin anywhere
    sample TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(sample))) STRICT;

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
