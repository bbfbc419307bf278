-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What a step does is a code with args, which the faces say in every language.
-- Steps of older jobs keep their English title in place of the code.

ALTER TABLE job_step RENAME COLUMN title TO code;
ALTER TABLE job_step ADD COLUMN args TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(args)); -- the values in the words for the code
