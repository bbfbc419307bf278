// SPDX-License-Identifier: AGPL-3.0-or-later

package console_test

import (
	"testing"

	"coopkit/internal/locale/localetest"
)

func TestMessages_areComplete(t *testing.T) {
	h := newHouse(t)
	localetest.Complete(t, h.console.Bundle())
}
