-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What each of the last days was like, for the strips of the console.

CREATE TABLE day (
    date    TEXT NOT NULL,                              -- in the time zone of the box, as 2026-11-27
    subject TEXT NOT NULL,                              -- what something was found about; '': the checks looked
    worst   INTEGER NOT NULL CHECK (worst BETWEEN 0 AND 3), -- severity, from ok to critical
    PRIMARY KEY (date, subject)
) STRICT;
