-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Whether visitors may reach an install is a fact of its own, recorded once the
-- add that made it can no longer be undone.

ALTER TABLE install ADD COLUMN open INTEGER NOT NULL DEFAULT 0 CHECK (open IN (0, 1));
UPDATE install SET open = has_owner WHERE scratch = 0 AND NOT EXISTS (
    SELECT 1 FROM job WHERE kind = 'add' AND subject = 'app:' || install.name AND state = 'running' AND committed = 0);
