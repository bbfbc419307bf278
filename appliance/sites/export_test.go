// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExport_isWhatVisitorsSeeAndCanBeSentAgain(t *testing.T) {
	s := newShelf(t)
	err := s.Export(t.Context(), string(demo), &bytes.Buffer{})
	wantCode(t, err, "no-such-site")
	s.push(t, demo, "old")
	d := s.receive(t, archive(t, "index.html", "new", "css/a.css", "body{}"))
	n, _, err := s.Claim(t.Context(), demo, d.ID, false)
	if err == nil {
		_, err = s.Publish(t.Context(), demo, n)
	}
	if err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if err := s.Export(t.Context(), string(demo), &copied); err != nil {
		t.Fatal(err)
	}
	again := s.receive(t, &copied)
	if diff := cmp.Diff(files(t, s.path(demo, n)), files(t, s.draft(again.ID))); diff != "" {
		t.Error(diff)
	}
}

// A zip without its end is refused by whatever reads it.
func TestExport_thatFailsHalfWayIsNoZip(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "x")
	dir, _ := s.Root(demo)
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "z")); err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if err := s.Export(t.Context(), string(demo), &copied); err == nil {
		t.Fatal("it ends well")
	}
	if _, err := s.Receive(t.Context(), "amara", &copied); err == nil || errors.Is(err, noSuchSite(demo)) {
		t.Errorf("half of a site is taken for a whole one: %v", err)
	}
}
