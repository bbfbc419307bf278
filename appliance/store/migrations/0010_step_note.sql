-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What a person should know of a step that is done: JSON, a list of notes.

ALTER TABLE job_step ADD COLUMN notes TEXT CHECK (notes IS NULL OR json_valid(notes));
