// SPDX-License-Identifier: AGPL-3.0-or-later

//nolint:thelper // the checks here are the tests themselves
package enginetest

import (
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

func checkUsage(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	have := Run(t, e, spec)
	used := usage(t, e, spec.Install)
	for _, service := range []string{"web", "db"} {
		u, ok := used[service]
		if !ok || u.Container != container(t, have, service).ID || u.MemoryBytes < 100<<10 || u.MemoryBytes > 1<<30 || u.Processor <= 0 {
			t.Errorf("%s uses %+v, %v", service, u, ok)
		}
	}
	if len(used) != 2 {
		t.Errorf("what does not run uses something: %+v", used)
	}
	spec.Stopped = true
	Run(t, e, spec)
	if used := usage(t, e, spec.Install); len(used) != 0 {
		t.Errorf("stopped, it uses %+v", used)
	}
}

// usage is what the services of an install use, by name.
func usage(t *testing.T, e engine.Engine, install appliance.InstallName) map[string]engine.Usage {
	all, err := e.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]engine.Usage{}
	for _, u := range all {
		if u.Install == install {
			out[u.Service] = u
		}
	}
	return out
}

func checkVolumeBytes(t *testing.T, e engine.Engine) {
	spec := shop(t, e)
	Run(t, e, spec)
	if n, err := e.VolumeBytes(t.Context(), spec.Install, "data"); err != nil || n > 64<<10 {
		t.Errorf("a new volume takes %d bytes, %v", n, err)
	}
	if n, err := e.VolumeBytes(t.Context(), spec.Install, "none"); err == nil {
		t.Errorf("a volume that does not exist takes %d bytes", n)
	}
}
