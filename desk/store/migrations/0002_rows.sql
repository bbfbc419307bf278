-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Everything that the desk decides by is in rows that are written with the
-- report. Before, progress and bucket could be behind the journal: behind.go
-- brings them up to it in the same transaction.

-- What the fleet shows and sorts by, from facts and findings.
ALTER TABLE box ADD COLUMN agent TEXT NOT NULL DEFAULT '';    -- version
ALTER TABLE box ADD COLUMN backup INTEGER NOT NULL DEFAULT 0; -- last one; 0: none,
ALTER TABLE box ADD COLUMN proven INTEGER NOT NULL DEFAULT 0; -- and last one that was restored
ALTER TABLE box ADD COLUMN open INTEGER NOT NULL DEFAULT 0;   -- how many findings are
ALTER TABLE box ADD COLUMN worst INTEGER NOT NULL DEFAULT 0;  -- severity of the worst of them
ALTER TABLE box ADD COLUMN since INTEGER NOT NULL DEFAULT 0;  -- of the oldest of the worst
ALTER TABLE box ADD COLUMN gone INTEGER;                      -- when it left; NULL: it has not

UPDATE box SET
    agent = coalesce(facts ->> '$.agent', ''),
    backup = coalesce(unixepoch(nullif(facts ->> '$.backup.last', '')), 0) * 1000,
    proven = coalesce(unixepoch(nullif(facts ->> '$.backup.proven', '')), 0) * 1000,
    open = (SELECT count(*) FROM finding WHERE box = n),
    worst = (SELECT coalesce(max(severity), 0) FROM finding WHERE box = n),
    gone = CASE kept WHEN 'left' THEN (SELECT coalesce(max(at), joined) FROM event WHERE box = n) END;
UPDATE box SET since = coalesce((SELECT min(since) FROM finding WHERE box = n AND severity = worst), 0);
CREATE INDEX box_gone ON box (gone) WHERE gone IS NOT NULL;

-- The newest sample changes with every report, so it is where those changes go.
ALTER TABLE progress ADD COLUMN sample TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(sample));
UPDATE progress SET sample = (SELECT coalesce(sample, '{}') FROM box WHERE n = box);
ALTER TABLE box DROP COLUMN sample;

-- The last time when no desk ran: boxes were not missed then. Both are 0 before.
ALTER TABLE desk ADD COLUMN away_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE desk ADD COLUMN away_until INTEGER NOT NULL DEFAULT 0;
INSERT OR IGNORE INTO desk (one, alive) VALUES (1, 0);
