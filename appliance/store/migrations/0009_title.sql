-- SPDX-License-Identifier: AGPL-3.0-or-later
-- People call an app by an everyday name, and read in the activity what it was
-- called then and who asked for a change.

ALTER TABLE install ADD COLUMN title TEXT NOT NULL DEFAULT ''; -- everyday name; empty: its recipe's title
ALTER TABLE job ADD COLUMN args TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(args)); -- values in the words about it
ALTER TABLE job ADD COLUMN by_kind TEXT NOT NULL DEFAULT ''; -- who asked for it: person, command, box or desk; empty: not known
ALTER TABLE job ADD COLUMN by_name TEXT NOT NULL DEFAULT ''; -- of the person
