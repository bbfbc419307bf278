-- SPDX-License-Identifier: AGPL-3.0-or-later
-- Networks and volumes bear the label of their box from now on. Labels cannot be
-- added later, so the installs that there are keep what was made without it.

ALTER TABLE install ADD COLUMN unlabelled INTEGER NOT NULL DEFAULT 0 CHECK (unlabelled IN (0, 1)); -- made before that label
UPDATE install SET unlabelled = 1;
