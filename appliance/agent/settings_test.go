// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

func TestAgent_settingsAreKept(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	r := run(t, cfg)
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := r.Box.Settings(t.Context()); err != nil || s != (appliance.Settings{Box: name, Language: "en"}) {
		t.Errorf("at first %+v, %v", s, err)
	}
	want := appliance.Settings{Coop: "Café «Común»", Box: "shop", Language: "fr", Contact: "hola@comun.coop"}
	if err := r.Box.SaveSettings(t.Context(), appliance.Settings{Coop: " Café «Común» ", Box: "shop", Language: "fr", Contact: " hola@comun.coop "}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []appliance.Settings{
		{Language: "de"}, {Language: "en", Coop: strings.Repeat("x", 81)}, {Language: "en", Box: "two\nlines"},
	} {
		if err := r.Box.SaveSettings(t.Context(), bad); !errors.Is(err, &problem.Problem{Code: "settings-invalid"}) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := r.Box.SaveSettings(t.Context(), appliance.Settings{Language: "en", Contact: "at the counter"}); !errors.Is(err, &problem.Problem{Code: "contact-invalid"}) {
		t.Errorf("no contact: %v", err)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	got, err := run(t, cfg).Box.Settings(t.Context())
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("after a restart (%v, -want +got):\n%s", err, d)
	}
}

func TestAgent_knowsItsMachine(t *testing.T) {
	t.Parallel()
	h, err := run(t, config(t)).Box.Host(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if h.Name == "" || h.System == "" || h.Kernel == "" || h.Arch != runtime.GOARCH || h.CPUs != runtime.NumCPU() || h.UptimeS < 1 ||
		h.MemoryUsed == 0 || h.MemoryUsed >= h.MemoryBytes || h.DiskUsed == 0 || h.DiskUsed >= h.DiskBytes {
		t.Errorf("%+v", h)
	}
	t.Logf("%+v", h)
}

func TestSystemName(t *testing.T) {
	for want, in := range map[string][2]string{
		"Debian 12": {"debian", "12.11"}, "Debian 13": {"debian", "13"}, "Ubuntu 24.04": {"ubuntu", "24.04"}, "": {"", ""},
	} {
		if got := systemName(in[0], in[1]); got != want {
			t.Errorf("%v: %q; want %q", in, got, want)
		}
	}
}
