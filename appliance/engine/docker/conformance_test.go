// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"testing"

	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
)

func connect(t *testing.T) *Engine {
	t.Helper()
	testkit.NeedDocker(t)
	e, err := New("", Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func TestDocker_conforms(t *testing.T) {
	enginetest.Conformance(t, func(t *testing.T) engine.Engine {
		t.Helper()
		return connect(t)
	})
}
