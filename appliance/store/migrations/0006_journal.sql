-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What a step hands to later ones, and jobs that wait.

ALTER TABLE job ADD COLUMN until INTEGER;        -- a running job waits until then; NULL: it does not wait
ALTER TABLE job_step ADD COLUMN output TEXT CHECK (output IS NULL OR json_valid(output));
