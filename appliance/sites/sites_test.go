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
	"syscall"
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

// push receives and publishes one version with the given index.html.
func (s *shelf) push(tb testing.TB, host hostname.Name, text string) Version {
	tb.Helper()
	v, err := s.Receive(tb.Context(), host, archive(tb, "index.html", text))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := s.Publish(tb.Context(), host, v.Number); err != nil {
		tb.Fatal(err)
	}
	return v
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

func TestReceive_thenPublish(t *testing.T) {
	s := newShelf(t)
	v, err := s.Receive(t.Context(), demo, archive(t, "./", "", "./index.html", "hello", "./css/", "", "./css/a.css", "body{}", "deep/er/x.txt", "x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Version{Number: 1, Files: 3, Bytes: 12, Created: s.now}, v); diff != "" {
		t.Error(diff)
	}
	if _, ok := s.Root(demo); ok {
		t.Error("it is published before anybody said so")
	}
	if list, err := s.List(t.Context()); len(list) != 0 || err != nil {
		t.Errorf("listed before it is published: %v, %v", list, err)
	}
	run(t, slices.Concat(s.ReceivedSteps(demo, 1), s.PublishSteps(demo, 1, 0), s.PruneSteps(demo)))
	dir, ok := s.Root(demo)
	if !ok {
		t.Fatal("not published")
	}
	if diff := cmp.Diff([]string{"css/a.css: body{}", "deep/er/x.txt: x", "index.html: hello"}, files(t, dir)); diff != "" {
		t.Error(diff)
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 1 || list[0].Version != 1 || list[0].Files != 3 {
		t.Errorf("%+v, %v", list, err)
	}
	info, err := os.Stat(filepath.Join(dir, "index.html"))
	if err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("visitors can not read it: %v, %v", info, err)
	}
}

func TestReceive_warnsWithoutAnIndex(t *testing.T) {
	v, err := newShelf(t).Receive(t.Context(), demo, archive(t, "about.html", "x"))
	if err != nil || len(v.Warnings) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestReceive_refusesAndLeavesNothing(t *testing.T) {
	entry := func(h tar.Header, content string) func(t *testing.T) io.Reader {
		return func(t *testing.T) io.Reader {
			t.Helper()
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			h.Size = int64(len(content))
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, content); err != nil {
				t.Fatal(err)
			}
			_ = w.Flush()
			_ = w.Close()
			return &b
		}
	}
	pairs := func(p ...string) func(*testing.T) io.Reader {
		return func(t *testing.T) io.Reader { t.Helper(); return archive(t, p...) }
	}
	many := []string{"index.html", "x"}
	for i := range 60 {
		many = append(many, "f"+string(rune('0'+i/10))+string(rune('0'+i%10)), "")
	}
	for title, c := range map[string]struct {
		stream func(*testing.T) io.Reader
		code   string
	}{
		"nothing":      {func(*testing.T) io.Reader { return strings.NewReader("") }, "site-empty"},
		"only folders": {pairs("a/", "", "a/b/", ""), "site-empty"},
		"not a tar":    {func(*testing.T) io.Reader { return strings.NewReader(strings.Repeat("not a tar archive ", 100)) }, "site-archive-invalid"},
		"cut off": {func(t *testing.T) io.Reader {
			t.Helper()
			return io.LimitReader(archive(t, "index.html", strings.Repeat("x", 2000)), 1024)
		}, "site-archive-invalid"},
		"an absolute path":      {pairs("/etc/passwd", "x"), "site-archive-invalid"},
		"a path that leads out": {pairs("index.html", "x", "../out", "x"), "site-archive-invalid"},
		"out from the middle":   {pairs("a/../../out", "x"), "site-archive-invalid"},
		"even if it stays in":   {pairs("a/../index.html", "x"), "site-archive-invalid"},
		"a backslash":           {pairs(`a\..\b`, "x"), "site-archive-invalid"},
		"a symbolic link":       {entry(tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc"}, ""), "site-archive-invalid"},
		"a harmless link":       {entry(tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "index.html"}, ""), "site-archive-invalid"},
		"a hard link":           {entry(tar.Header{Name: "l", Typeflag: tar.TypeLink, Linkname: "index.html"}, ""), "site-archive-invalid"},
		"a device":              {entry(tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, ""), "site-archive-invalid"},
		"a pipe":                {entry(tar.Header{Name: "p", Typeflag: tar.TypeFifo}, ""), "site-archive-invalid"},
		"a file twice":          {pairs("index.html", "x", "index.html", "y"), "site-archive-invalid"},
		"a file as a folder":    {pairs("a", "x", "a/b", "y"), "site-archive-invalid"},
		"a folder as a file":    {pairs("a/b", "x", "a", "y"), "site-archive-invalid"},
		"too deep":              {pairs(strings.Repeat("a/", 40)+"b", "x"), "site-archive-invalid"},
		"too long a name":       {pairs(strings.Repeat("a", 300), "x"), "site-archive-invalid"},
		"too large":             {pairs("a", strings.Repeat("x", 1<<19), "b", strings.Repeat("x", 1<<19+1)), "site-too-large"},
		"too many":              {pairs(many...), "site-too-large"},
	} {
		t.Run(title, func(t *testing.T) {
			s := newShelf(t)
			_, err := s.Receive(t.Context(), demo, c.stream(t))
			wantCode(t, err, c.code)
			if left := files(t, s.dir); len(left) != 0 || len(s.store.sites) != 0 {
				t.Errorf("left: %v, %v", left, s.store.sites)
			}
			if _, err := os.Stat(filepath.Join(s.dir, string(demo))); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the folder of the site is left: %v", err)
			}
		})
	}
}

func TestReceive_aBadPushLeavesThePublishedSiteAlone(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "good")
	_, err := s.Receive(t.Context(), demo, archive(t, "index.html", "bad", "../x", "x"))
	wantCode(t, err, "site-archive-invalid")
	if got := s.shown(t, demo); got != "good" {
		t.Errorf("visitors see %q", got)
	}
	if v := s.push(t, demo, "better"); v.Number != 3 {
		t.Errorf("the number of a failed push was given again: %d", v.Number)
	}
	if left := files(t, s.dir); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

func TestReceive_whenTheCallerGivesUpOrTheStoreFails(t *testing.T) {
	s := newShelf(t)
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	go func() {
		_, _ = io.Copy(pw, io.LimitReader(archive(t, "index.html", "x", "b", strings.Repeat("y", 5000)), 1024))
		cancel()
		_ = pw.CloseWithError(context.Canceled)
	}()
	if _, err := s.Receive(ctx, demo, pr); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := files(t, s.dir); len(left) != 0 || len(s.store.sites) != 0 {
		t.Errorf("left: %v, %v", left, s.store.sites)
	}
	s.store.fail = errors.New("store is away")
	if _, err := s.Receive(t.Context(), demo, archive(t, "index.html", "x")); !errors.Is(err, s.store.fail) {
		t.Errorf("got %v", err)
	}
	if left := files(t, s.dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestExplain_aFullDisk(t *testing.T) {
	wantCode(t, explain(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), "disk-full")
	if err := errors.New("x"); explain(err) != err { //nolint:errorlint // the same error, not one like it
		t.Error("another error was changed")
	}
}

func TestRollback(t *testing.T) {
	s := newShelf(t)
	_, err := s.Rollback(t.Context(), demo, 0)
	wantCode(t, err, "no-such-site")
	s.push(t, demo, "one")
	_, err = s.Rollback(t.Context(), demo, 0)
	wantCode(t, err, "no-older-version")
	s.push(t, demo, "two")
	s.push(t, demo, "three")
	if n, err := s.Rollback(t.Context(), demo, 0); n != 2 || err != nil || s.shown(t, demo) != "two" {
		t.Errorf("%d, %v: %s", n, err, s.shown(t, demo))
	}
	if n, err := s.Rollback(t.Context(), demo, 3); n != 3 || err != nil || s.shown(t, demo) != "three" {
		t.Errorf("%d, %v: %s", n, err, s.shown(t, demo))
	}
	_, err = s.Rollback(t.Context(), demo, 9)
	wantCode(t, err, "no-such-site-version")
	versions, err := s.Versions(t.Context(), demo)
	if err != nil || len(versions) != 3 || versions[0].Version != 3 {
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
	v, err := s.Receive(t.Context(), demo, archive(t, "index.html", "two"))
	if err != nil {
		t.Fatal(err)
	}
	steps := slices.Concat(s.ReceivedSteps(demo, v.Number), s.PublishSteps(demo, v.Number, 1))
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
	v, err := s.Receive(t.Context(), demo, archive(t, "index.html", "x"))
	if err != nil {
		t.Fatal(err)
	}
	steps := slices.Concat(s.ReceivedSteps(demo, v.Number), s.PublishSteps(demo, v.Number, 0))
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

func TestRemove_keepsTheLastVersionForAMonth(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "one")
	s.push(t, demo, "two")
	p, err := s.PlanRemove(t.Context(), demo)
	if err != nil || len(p.Lines) != 2 || p.Hash == "" {
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
	for _, name := range []string{"demo.example/2.partial/index.html", "demo.example/7/index.html", "other.example/1.partial/x"} {
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

func TestPlanPush(t *testing.T) {
	s := newShelf(t)
	p, err := s.PlanPush(t.Context(), demo, 3, 1000)
	if err != nil || p.Lines[0].Verb != "create" || p.Lines[0].To != "3 files, 1000 bytes" {
		t.Errorf("%+v, %v", p, err)
	}
	s.push(t, demo, "x")
	p2, err := s.PlanPush(t.Context(), demo, 3, 1000)
	if err != nil || p2.Lines[0].Verb != "change" || p2.Hash == p.Hash {
		t.Errorf("%+v, %v", p2, err)
	}
}

// FuzzReceive unpacks hostile archives. Whatever is in them, nothing appears
// outside of the folder of the site, and nothing but plain files inside.
func FuzzReceive(f *testing.F) {
	for _, names := range [][2]string{{"index.html", "a/b"}, {"../x", "/abs"}, {"a/../../b", "./c"}, {"a", "a/b"}, {`c:\x`, "\x00"}} {
		f.Add(names[0], names[1], byte('0'), byte('2'), "target")
	}
	f.Add("link", "link/passwd", byte('2'), byte('0'), "/etc")
	f.Add("dir/", "dir", byte('5'), byte('1'), "../../x")
	f.Fuzz(func(t *testing.T, name1, name2 string, type1, type2 byte, link string) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range []*tar.Header{
			{Name: name1, Typeflag: type1, Linkname: link, Size: 4, Mode: 0o6777},
			{Name: name2, Typeflag: type2, Linkname: link, Size: 4, Mode: 0o6777},
		} {
			if w.WriteHeader(h) == nil {
				_, _ = w.Write([]byte("evil"))
			}
		}
		_ = w.Close()
		outer := t.TempDir()
		s := New(Deps{
			Store: &memStore{sites: map[string]StoredSite{}}, Dir: filepath.Join(outer, "sites"),
			Log: slog.New(slog.DiscardHandler), Now: time.Now, MaxBytes: 100, MaxFiles: 10,
		})
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		v, err := s.Receive(t.Context(), demo, &b)
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("not a Problem: %v", err)
			}
		}
		site, count := s.path(demo, 1), 0
		err = filepath.WalkDir(outer, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			count++
			info, err := d.Info()
			if err != nil || !info.Mode().IsRegular() || info.Mode()&^0o777 != 0 || !strings.HasPrefix(path, site+"/") {
				t.Fatalf("%s is there: %v, %v", path, info, err)
			}
			return nil
		})
		if err != nil || count != v.Files {
			t.Fatalf("%d files are there; received %d, %v", count, v.Files, err)
		}
	})
}
