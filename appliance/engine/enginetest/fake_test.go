// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest_test

import (
	"testing"

	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
)

func TestFake_conforms(t *testing.T) {
	enginetest.Conformance(t, func(*testing.T) engine.Engine { return enginetest.NewFake() })
}
