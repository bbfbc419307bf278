-- SPDX-License-Identifier: AGPL-3.0-or-later
-- How much memory, processor and disk the box and its apps used. A span (hour,
-- day, month) is a ring with a fixed number of places: the table never grows
-- beyond them, whatever the clock does.

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
