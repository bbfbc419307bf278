// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

// folder writes files, the given names in the given order, and opens it.
func folder(t *testing.T, names ...string) (*archive, string) {
	t.Helper()
	dir := t.TempDir()
	for _, n := range names {
		path := filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := openArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a, dir
}

func TestArchive_sameFilesMakeSameBytes(t *testing.T) {
	one, _ := folder(t, "index.html", "img/logo.svg", "a.css")
	two, dir := folder(t, "a.css", "img/logo.svg", "index.html")
	then := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "a.css"), then, then); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "a.css"), 0o755); err != nil {
		t.Fatal(err)
	}
	var b1, b2 bytes.Buffer
	if err := errors.Join(one.write(&b1), two.write(&b2)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b1.Bytes(), b2.Bytes()) {
		t.Error("the archives differ")
	}
	got := map[string]string{}
	r := tar.NewReader(&b1)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = string(text)
		if h.Mode != 0o644 || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s tells of its owner: %+v", h.Name, h)
		}
	}
	want := map[string]string{
		"a.css": "content of a.css", "img/logo.svg": "content of img/logo.svg", "index.html": "content of index.html",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestArchive_linkWithinTheFolderIsItsTarget(t *testing.T) {
	_, dir := folder(t, "2026/index.html")
	if err := os.Symlink("2026/index.html", filepath.Join(dir, "index.html")); err != nil {
		t.Fatal(err)
	}
	a, err := openArchive(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if !a.hasIndex() || a.bytes != 2*int64(len("content of 2026/index.html")) {
		t.Errorf("%+v", a.files)
	}
}

func TestArchive_fileThatChangesWhileItIsSent(t *testing.T) {
	for name, text := range map[string]string{"longer": "much longer content than before", "shorter": "x"} {
		a, dir := folder(t, "index.html")
		if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := a.write(io.Discard); !errors.Is(err, &problem.Problem{Code: "site-changed-while-pushed"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
