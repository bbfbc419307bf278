-- SPDX-License-Identifier: AGPL-3.0-or-later
-- What happened can be told in the reader's language: with the values in the
-- words of a finding.

ALTER TABLE event ADD COLUMN args TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(args));
