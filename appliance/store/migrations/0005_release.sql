-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Releases are recorded before they are active, and services keep their places
-- in the network of their install.

ALTER TABLE release ADD COLUMN program TEXT NOT NULL DEFAULT ''; -- version of coopkit that recorded it; '': one from before this column

-- Places of installs from before are given at their first use, by the rule that
-- was in force then: by sorted name from 2 on.
CREATE TABLE place (
    install TEXT NOT NULL REFERENCES install(name) ON DELETE CASCADE,
    service TEXT NOT NULL,
    number  INTEGER NOT NULL CHECK (number > 1), -- of its address, counted from that of the network; 1 is the gateway's
    PRIMARY KEY (install, service),
    UNIQUE (install, number)
) STRICT, WITHOUT ROWID;
