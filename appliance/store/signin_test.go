// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"testing"

	"coopkit/internal/signin"
)

func TestSchema_hasTheTablesOfAccounts(t *testing.T) {
	if err := signin.CheckSchema(t.Context(), open(t).db); err != nil {
		t.Error(err)
	}
}
