// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

func TestReceive_twoAtATime(t *testing.T) {
	s := newShelf(t)
	var slow [2]*io.PipeWriter
	ended := make(chan error, len(slow))
	for i := range slow {
		var r *io.PipeReader
		r, slow[i] = io.Pipe()
		go func() {
			_, err := s.Receive(t.Context(), "amara", r)
			ended <- err
		}()
		if _, err := io.WriteString(slow[i], "PK"); err != nil { // it is being read
			t.Fatal(err)
		}
	}
	_, err := s.Receive(t.Context(), "bo", archive(t, "index.html", "x"))
	wantCode(t, err, "upload-busy")
	for _, w := range slow {
		_ = w.Close()
		wantFault(t, <-ended, "damaged")
	}
	s.receive(t, archive(t, "index.html", "x"))
}

func TestDraft_waitsForItsOwnerAndNotForEver(t *testing.T) {
	s := newShelf(t)
	first := s.receive(t, archive(t, "index.html", "first"))
	again := s.receive(t, archive(t, "index.html", "again"))
	other, err := s.Receive(t.Context(), "bo", archive(t, "index.html", "other"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Draft(t.Context(), first.ID); !errors.Is(err, &problem.Problem{Code: "upload-gone"}) {
		t.Errorf("what was sent before it: %v", err)
	}
	if d, err := s.Draft(t.Context(), again.ID); err != nil || !cmp.Equal(d, again) {
		t.Errorf("%+v, %v", d, err)
	}
	if info, err := os.Stat(filepath.Join(s.dir, draftsDir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look: %v, %v", info, err)
	}
	if err := errors.Join(s.DropDraft(t.Context(), other.ID), s.DropDraft(t.Context(), other.ID)); err != nil {
		t.Error(err)
	}
	if left := files(t, s.dir); len(left) != 1 || !strings.HasSuffix(left[0], "again") {
		t.Errorf("left: %v", left)
	}
	s.now = s.now.Add(31 * time.Minute)
	_, _, err = s.Claim(t.Context(), demo, again.ID, true)
	wantCode(t, err, "upload-gone")
	if left := files(t, s.dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestClaim_thatIsReleasedLeavesTheDraft(t *testing.T) {
	for name, strip := range map[string]bool{"as it is": false, "without its top": true} {
		s := newShelf(t)
		d := s.receive(t, archive(t, "top/index.html", "x"))
		for range 2 {
			_, release, err := s.Claim(t.Context(), demo, d.ID, strip)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Claim(t.Context(), demo, d.ID, strip); !errors.Is(err, &problem.Problem{Code: "upload-gone"}) {
				t.Errorf("%s: claimed twice: %v", name, err)
			}
			if err := release(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Versions(t.Context(), demo); !errors.Is(err, noSuchSite(demo)) {
			t.Errorf("%s: a site is left: %v", name, err)
		}
		want := []string{filepath.Join(draftsDir, d.ID, "top/index.html") + ": x"}
		if left := files(t, s.dir); !slices.Equal(want, left) {
			t.Errorf("%s: left: %v", name, left)
		}
	}
}

func TestPlanPush(t *testing.T) {
	s := newShelf(t)
	one := s.receive(t, archive(t, "index.html", "x")).ID
	p, err := s.PlanPush(t.Context(), demo, one)
	if err != nil || p.Lines[0] != (appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindSite, Name: string(demo)}) || p.Args["files"] != "1" {
		t.Errorf("%+v, %v", p, err)
	}
	s.push(t, demo, "x")
	if _, err := s.PlanPush(t.Context(), demo, one); !errors.Is(err, appliance.DraftGone()) {
		t.Errorf("the draft that another took the place of: %v", err)
	}
	one = s.receive(t, archive(t, "index.html", "x")).ID
	p2, err := s.PlanPush(t.Context(), demo, one)
	if err != nil || p2.Lines[0].Verb != appliance.VerbChange || p2.Lines[0].From != "1" || p2.Hash == p.Hash {
		t.Errorf("%+v, %v", p2, err)
	}
	two := s.receive(t, archive(t, "index.html", "x", "b.html", "y")).ID
	if p3, err := s.PlanPush(t.Context(), demo, two); err != nil || p3.Hash == p2.Hash {
		t.Errorf("one more file: %+v, %v", p3, err)
	}
	if _, err := s.PlanPush(t.Context(), demo, ""); err != nil {
		t.Errorf("of the address alone: %v", err)
	}
}
