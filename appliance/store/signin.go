// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import "coopkit/internal/signin"

// Signin returns the accounts of the console, which are in the same database.
func (s *Store) Signin() *signin.Store { return signin.NewStore(s.db) }

// Statements is how many statements were sent to the database since it was
// opened.
func (s *Store) Statements() int64 { return s.db.Statements() }
