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
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

func TestReceive_thenPublish(t *testing.T) {
	s := newShelf(t)
	d := s.receive(t, archive(t, "./", "", "./index.html", "hello", "./css/", "", "./css/a.css", "body{}", "deep/er/x.txt", "x"))
	want := appliance.Draft{ID: d.ID, Owner: "amara", Files: 3, Bytes: 12, Index: "index.html", Expires: s.now.Add(30 * time.Minute)}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	n, _, err := s.Claim(t.Context(), demo, d.ID, true)
	if err != nil || n != 1 {
		t.Fatal(n, err)
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
		t.Errorf("visitors cannot read it: %v, %v", info, err)
	}
}

func TestClaim_warnsWithoutAnIndex(t *testing.T) {
	s := newShelf(t)
	if _, _, err := s.Claim(t.Context(), demo, s.receive(t, archive(t, "about.html", "x")).ID, true); err != nil {
		t.Fatal(err)
	}
	if v := s.store.sites[string(demo)].Versions; len(v) != 1 || len(v[0].Warnings) != 1 {
		t.Errorf("%+v", v)
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
			_, err := s.Receive(t.Context(), "amara", c.stream(t))
			wantCode(t, err, c.code)
			if left := files(t, s.dir); len(left) != 0 || len(s.store.sites) != 0 {
				t.Errorf("left: %v, %v", left, s.store.sites)
			}
			if left, err := os.ReadDir(filepath.Join(s.dir, draftsDir)); err != nil || len(left) > 0 {
				t.Errorf("folders are left: %v, %v", left, err)
			}
		})
	}
}

func TestReceive_aBadPushLeavesThePublishedSiteAlone(t *testing.T) {
	s := newShelf(t)
	s.push(t, demo, "good")
	_, err := s.Receive(t.Context(), "amara", archive(t, "index.html", "bad", "../x", "x"))
	wantCode(t, err, "site-archive-invalid")
	if got := s.shown(t, demo); got != "good" {
		t.Errorf("visitors see %q", got)
	}
	if n := s.push(t, demo, "better"); n != 2 {
		t.Errorf("what was never a version took a number: %d", n)
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
	if _, err := s.Receive(ctx, "amara", pr); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left := files(t, s.dir); len(left) != 0 || len(s.store.sites) != 0 {
		t.Errorf("left: %v, %v", left, s.store.sites)
	}
	d := s.receive(t, archive(t, "top/index.html", "x"))
	s.store.fail = errors.New("store is away")
	if _, _, err := s.Claim(t.Context(), demo, d.ID, true); !errors.Is(err, s.store.fail) {
		t.Errorf("got %v", err)
	}
	s.store.fail = nil
	if _, _, err := s.Claim(t.Context(), demo, d.ID, true); err != nil {
		t.Errorf("the draft does not wait any more: %v", err)
	}
	if left := files(t, s.dir); len(left) != 1 || left[0] != "demo.example/1/index.html: x" {
		t.Errorf("left: %v", left)
	}
}

func TestDiskFull(t *testing.T) {
	wantCode(t, diskFull(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), "site-disk-full")
	if err := errors.New("x"); diskFull(err) != err { //nolint:errorlint // the same error, not one like it
		t.Error("another error was changed")
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
		d, err := s.Receive(t.Context(), "amara", &b)
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("not a Problem: %v", err)
			}
		}
		site, count := s.draft(d.ID), 0
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
		if err != nil || count != d.Files {
			t.Fatalf("%d files are there; received %d, %v", count, d.Files, err)
		}
	})
}
