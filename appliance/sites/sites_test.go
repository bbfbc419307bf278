// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// memStore is a Store in memory. It can be made to fail.
type memStore struct {
	mu    sync.Mutex
	sites map[string]StoredSite
	fail  error
}

func (m *memStore) Sites(context.Context) ([]StoredSite, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []StoredSite
	for _, s := range m.sites {
		s.Versions = slices.Clone(s.Versions)
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b StoredSite) int { return strings.Compare(a.Host, b.Host) })
	return out, nil
}

func (m *memStore) PutSite(_ context.Context, s StoredSite) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.sites[s.Host] = s
	}
	return m.fail
}

func (m *memStore) DeleteSite(_ context.Context, host string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		delete(m.sites, host)
	}
	return m.fail
}

// shelf is Sites with its parts.
type shelf struct {
	*Sites
	store *memStore
	dir   string
	now   time.Time
}

func newShelf(tb testing.TB) *shelf {
	tb.Helper()
	s := &shelf{
		store: &memStore{sites: map[string]StoredSite{}}, dir: tb.TempDir(),
		now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
	}
	s.Sites = New(Deps{
		Store: s.store, Dir: s.dir, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return s.now }, MaxBytes: 1 << 20, MaxFiles: 50,
	})
	if err := s.Load(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

const demo hostname.Name = "demo.example"

// archive makes a tar of "path", "content" pairs.
func archive(tb testing.TB, pairs ...string) io.Reader {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		h := &tar.Header{Name: pairs[i], Mode: 0o600, Size: int64(len(pairs[i+1])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(h.Name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(w, pairs[i+1]); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return &b
}

// files returns what is below dir, "path: content".
func files(tb testing.TB, dir string) []string {
	tb.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out = append(out, rel+": "+string(content))
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// receive sends an archive as a draft.
func (s *shelf) receive(tb testing.TB, stream io.Reader) appliance.Draft {
	tb.Helper()
	d, err := s.Receive(tb.Context(), "amara", stream)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// claim makes a draft with the given index.html a version and returns its number.
func (s *shelf) claim(tb testing.TB, host hostname.Name, text string) int {
	tb.Helper()
	n, _, err := s.Claim(tb.Context(), host, s.receive(tb, archive(tb, "index.html", text)).ID, false)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// push publishes one version with the given index.html.
func (s *shelf) push(tb testing.TB, host hostname.Name, text string) int {
	tb.Helper()
	n := s.claim(tb, host, text)
	if _, err := s.Publish(tb.Context(), host, n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// shown returns the index.html that visitors see.
func (s *shelf) shown(tb testing.TB, host hostname.Name) string {
	tb.Helper()
	dir, ok := s.Root(host)
	if !ok {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != code || len(p.Next) == 0 {
		t.Errorf("got %v; want the problem %s", err, code)
	}
}

func run(t *testing.T, steps []jobs.Step) {
	t.Helper()
	for _, s := range steps {
		if err := s.Do(t.Context(), appliance.Quiet{}); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
	}
}

// rollback publishes the version that a rollback to number leads to.
func (s *shelf) rollback(t *testing.T, host hostname.Name, number int) (int, error) {
	t.Helper()
	number, err := s.RollbackTarget(t.Context(), host, number)
	if err != nil {
		return 0, err
	}
	_, err = s.Publish(t.Context(), host, number)
	return number, err
}

func TestRollback(t *testing.T) {
	s := newShelf(t)
	_, err := s.rollback(t, demo, 0)
	wantCode(t, err, "no-such-site")
	s.push(t, demo, "one")
	_, err = s.rollback(t, demo, 0)
	wantCode(t, err, "no-older-version")
	s.push(t, demo, "two")
	s.push(t, demo, "three")
	if n, err := s.rollback(t, demo, 0); n != 2 || err != nil || s.shown(t, demo) != "two" {
		t.Errorf("%d, %v: %s", n, err, s.shown(t, demo))
	}
	if n, err := s.rollback(t, demo, 3); n != 3 || err != nil || s.shown(t, demo) != "three" {
		t.Errorf("%d, %v: %s", n, err, s.shown(t, demo))
	}
	_, err = s.rollback(t, demo, 9)
	wantCode(t, err, "no-such-site-version")
	versions, err := s.Versions(t.Context(), demo)
	if err != nil || len(versions) != 3 || versions[0].Version != 3 || !versions[0].Published || versions[1].Published {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestPrune_keepsFiveAndThePublishedOne(t *testing.T) {
	s := newShelf(t)
	for range 8 {
		s.push(t, demo, "x")
	}
	if _, err := s.Publish(t.Context(), demo, 2); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Prune(t.Context(), demo); err != nil {
			t.Fatal(err)
		}
	}
	var kept []int
	for _, v := range s.store.sites[string(demo)].Versions {
		kept = append(kept, v.Number)
		if len(files(t, s.path(demo, v.Number))) != 1 {
			t.Errorf("version %d is not there", v.Number)
		}
	}
	if diff := cmp.Diff([]int{2, 5, 6, 7, 8}, kept); diff != "" {
		t.Error(diff)
	}
	if n := len(files(t, s.dir)); n != 5 {
		t.Errorf("%d files left", n)
	}
}

func TestSteps_undone(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "one")
	n := s.claim(t, demo, "two")
	steps := slices.Concat(s.ReceivedSteps(demo, n), s.PublishSteps(demo, n, 1))
	run(t, steps)
	if s.shown(t, demo) != "two" {
		t.Error("not published")
	}
	for range 2 {
		for _, step := range slices.Backward(steps) {
			if err := step.Undo(t.Context()); err != nil {
				t.Fatalf("%s: %v", step.Name, err)
			}
		}
	}
	if got := s.shown(t, demo); got != "one" || len(files(t, s.dir)) != 1 {
		t.Errorf("visitors see %q; files: %v", got, files(t, s.dir))
	}
}

func TestSteps_undoneOnTheFirstPushLeaveNothing(t *testing.T) {
	s := newShelf(t)
	n := s.claim(t, demo, "x")
	steps := slices.Concat(s.ReceivedSteps(demo, n), s.PublishSteps(demo, n, 0))
	run(t, steps)
	for range 2 {
		for _, step := range slices.Backward(steps) {
			if err := step.Undo(t.Context()); err != nil {
				t.Fatalf("%s: %v", step.Name, err)
			}
		}
	}
	if _, ok := s.Root(demo); ok || len(s.store.sites) != 0 || len(files(t, s.dir)) != 0 {
		t.Errorf("left: %v, %v", s.store.sites, files(t, s.dir))
	}
}

// TestLoad_dropsWhatNobodyWillPublish: a push that a crash ended before its job
// began.
func TestLoad_dropsWhatNobodyWillPublish(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "one")
	s.push(t, demo, "two")
	if _, err := s.Publish(t.Context(), demo, 1); err != nil { // the second stays, to go forward again
		t.Fatal(err)
	}
	for _, host := range []hostname.Name{demo, "other.demo.coop"} {
		s.claim(t, host, "never")
	}
	s.receive(t, archive(t, "index.html", "never even asked for"))
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	versions, err := s.Versions(t.Context(), demo)
	if err != nil || len(versions) != 2 || s.shown(t, demo) != "one" {
		t.Errorf("%+v, %v", versions, err)
	}
	if _, ok := s.store.sites["other.demo.coop"]; ok || len(files(t, s.dir)) != 2 {
		t.Errorf("left: %v, %v", s.store.sites, files(t, s.dir))
	}
	if _, err := os.Stat(filepath.Join(s.dir, "other.demo.coop")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder is left: %v", err)
	}
}

func TestRemove_keepsTheLastVersionForAMonth(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "one")
	s.push(t, demo, "two")
	p, err := s.PlanRemove(t.Context(), demo)
	want := []appliance.Line{
		{Verb: appliance.VerbDelete, Kind: appliance.KindVersion, Name: "1", Destructive: true},
		{Verb: appliance.VerbRemove, Kind: appliance.KindVersion, Name: "2"},
	}
	if slices.SortFunc(p.Lines, func(a, b appliance.Line) int { return strings.Compare(a.Name, b.Name) }); err != nil || !slices.Equal(want, p.Lines) || p.Hash == "" {
		t.Errorf("%+v, %v", p, err)
	}
	run(t, s.RemoveSteps(demo))
	run(t, s.RemoveSteps(demo)) // as after a crash
	if _, ok := s.Root(demo); ok || len(s.store.sites) != 0 {
		t.Errorf("still there: %v", s.store.sites)
	}
	left := files(t, s.dir)
	if len(left) != 1 || !strings.HasPrefix(left[0], ".removed/demo.example-2026") || !strings.HasSuffix(left[0], "two") {
		t.Errorf("kept: %v", left)
	}
	s.now = s.now.Add(29 * 24 * time.Hour)
	if err := s.Load(t.Context()); err != nil || len(files(t, s.dir)) != 1 {
		t.Errorf("after 29 days: %v, %v", files(t, s.dir), err)
	}
	s.now = s.now.Add(2 * 24 * time.Hour)
	if err := s.Load(t.Context()); err != nil || len(files(t, s.dir)) != 0 {
		t.Errorf("after 31 days: %v, %v", files(t, s.dir), err)
	}
	_, err = s.PlanRemove(t.Context(), demo)
	wantCode(t, err, "no-such-site")
}

func TestLoad_tidiesWhatACrashLeft(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "good")
	for _, name := range []string{"demo.example/2.partial/index.html", "demo.example/7/index.html", "other.example/1.partial/x", ".drafts/abc/index.html", ".drafts/archive-1"} {
		path := filepath.Join(s.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("left"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	again := &shelf{store: s.store, dir: s.dir, Sites: New(s.d)}
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := again.shown(t, demo); got != "good" {
		t.Errorf("visitors see %q", got)
	}
	if diff := cmp.Diff([]string{".removed/demo.example-7-20261123T000000/index.html: left", "demo.example/1/index.html: good"}, files(t, s.dir)); diff != "" {
		t.Error(diff)
	}
}
