// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/dns/zonefile"
)

func TestExport_isReadAgainAsTheSameZone(t *testing.T) {
	b := newBox(t).withZone(t)
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:wordpress"); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := b.Export(t.Context(), "Demo.example.", &file); err != nil {
		t.Fatal(err)
	}
	got, err := zonefile.Parse(&file, "demo.example")
	if err != nil {
		t.Fatal(err)
	}
	want, err := b.find(t.Context(), "demo.example")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Zone, got); diff != "" {
		t.Error(diff)
	}
	wantCode(t, b.Export(t.Context(), "other.example", &file), "no-such-zone")
}
