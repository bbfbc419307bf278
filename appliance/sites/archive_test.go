// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// gzipped is an archive, packed.
func gzipped(tb testing.TB, r io.Reader) string {
	tb.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.Copy(z, r)
	if err := errors.Join(err, z.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

// wantFault checks what is said to be wrong with what was sent.
func wantFault(t *testing.T, err error, fault string) {
	t.Helper()
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Args["fault"] != fault || len(p.Next) == 0 {
		t.Errorf("got %v, want %s", err, fault)
	}
}

func TestReceive_everyFormatAndTheFolderAroundIt(t *testing.T) {
	for name, c := range map[string]struct {
		archive, top, index string
		leftOut             int
	}{
		"zip":             {archive: testkit.Zip(t, "index.html", "hello", "css/a.css", "x"), index: "index.html"},
		"zip with top":    {testkit.Zip(t, "my/index.html", "hello", "my/css/a.css", "x", "__MACOSX/my/._index.html", "y", "my/.git/config", "z"), "my/", "my/index.html", 2},
		"tar":             {archive: read(t, archive(t, "./index.html", "hello", "./css/", "", "./css/a.css", "x")), index: "index.html"},
		"tar.gz":          {gzipped(t, archive(t, "my/", "", "my/index.html", "hello", "my/css/a.css", "x")), "my/", "my/index.html", 0},
		"two tops":        {archive: testkit.Zip(t, "b/index.html", "hello", "a/a.css", "x"), index: "b/index.html"},
		"no page on top":  {archive: testkit.Zip(t, "my/b/index.html", "hello", "my/a.css", "x"), index: "my/b/index.html"},
		"page beside top": {archive: testkit.Zip(t, "z.html", "hello", "my/index.html", "x"), index: "my/index.html"},
		"nearest page":    {archive: testkit.Zip(t, "a/b/index.html", "hel", "b/index.html", "lo", "c/index.html", "x"), index: "b/index.html"},
	} {
		s := newShelf(t)
		d := s.receive(t, strings.NewReader(c.archive))
		if d.Top != c.top || d.Index != c.index || d.Bytes != 6 || d.LeftOut != c.leftOut {
			t.Errorf("%s: %+v", name, d)
		}
		n, _, err := s.Claim(t.Context(), demo, d.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(s.path(demo, n), strings.TrimPrefix(c.index, c.top))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(filepath.Join(s.dir, draftsDir)); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v are left", name, left, err)
		}
	}
}

func read(tb testing.TB, r io.Reader) string {
	tb.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func TestReceive_saysWhatIsWrong(t *testing.T) {
	locked := []byte(testkit.Zip(t, "index.html", "x"))
	for mark, behind := range map[string]int{"PK\x01\x02": 8, "PK\x03\x04": 6} { // where the flags are
		locked[bytes.Index(locked, []byte(mark))+behind] |= 1
	}
	broken := []byte(testkit.Zip(t, "index.html", strings.Repeat("hello world ", 50)))
	broken[45] ^= 0xff
	packed := gzipped(t, archive(t, "index.html", strings.Repeat("hello world ", 50)))
	wrong := []byte(packed)
	wrong[len(wrong)-6] ^= 0xff // its sum
	// A list that promises less than is there is not believed.
	liar := []byte(testkit.Zip(t, "index.html", strings.Repeat("hello ", 1000)))
	copy(liar[bytes.Index(liar, []byte("PK\x01\x02"))+24:], []byte{5, 0, 0, 0}) // the unpacked size
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf("%d.html", i), "x")
	}
	for name, c := range map[string]struct{ archive, fault string }{
		"a picture":       {"\x89PNG....", "kind"},
		"a large picture": {"\x89PNG" + strings.Repeat("large", 1000), "kind"},
		"only gzip":       {gzipped(t, strings.NewReader(strings.Repeat("hello", 1000))), "kind"},
		"path out":        {testkit.Zip(t, "index.html", "x", "../../etc/cron.d/x", "y"), "path"},
		"absolute path":   {testkit.Zip(t, "/etc/x", "y"), "path"},
		"windows path":    {testkit.Zip(t, `C:\x.html`, "y"), "path"},
		"twice":           {testkit.Zip(t, "index.html", "x", "./index.html", "y"), "twice"},
		"file and folder": {testkit.Zip(t, "a", "x", "a/b", "y"), "twice"},
		"password":        {string(locked), "password"},
		"broken":          {string(broken), "damaged"},
		"cut":             {testkit.Zip(t, "index.html", "x")[:40], "damaged"},
		"cut gzip":        {packed[:len(packed)-20], "damaged"},
		"wrong sum":       {string(wrong), "damaged"},
		"liar":            {string(liar), "damaged"},
		"too large":       {testkit.Zip(t, "index.html", strings.Repeat("x", 2<<20)), "large"},
		"too large, many": {testkit.Zip(t, "index.html", strings.Repeat("x", 700<<10), "b.html", strings.Repeat("x", 700<<10)), "large"},
		"too many":        {testkit.Zip(t, many...), "count"},
		"only litter":     {testkit.Zip(t, ".DS_Store", "x"), "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			_, err := s.Receive(t.Context(), "amara", strings.NewReader(c.archive))
			wantFault(t, err, c.fault)
			if left, err := os.ReadDir(filepath.Join(s.dir, draftsDir)); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}

func TestReceive_endsWhenFarMoreComesOutThanGoesIn(t *testing.T) {
	s := newShelf(t)
	s.d.MaxBytes, s.d.FreeBytes = 1<<30, 1<<20
	zeros := strings.Repeat("\x00", 2<<20)
	for _, packed := range []string{gzipped(t, archive(t, "index.html", zeros)), testkit.Zip(t, "index.html", zeros)} {
		_, err := s.Receive(t.Context(), "amara", strings.NewReader(packed))
		wantFault(t, err, "bomb")
	}
}

// TestZip_doesNotReadAnEndlessList: the list of a zip is read whole, into
// memory, before its files can be counted.
func TestZip_doesNotReadAnEndlessList(t *testing.T) {
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	for n := range 8000 {
		if _, err := z.Create(fmt.Sprintf("%0100d", n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	list := &counted{ReaderAt: bytes.NewReader(packed.Bytes())}
	wantFault(t, (&unpacker{files: 50, bytes: 1 << 20}).zip(list, int64(packed.Len())), "count")
	if whole := int64(8000 * 146); list.n >= whole {
		t.Errorf("%d bytes of the list were read, of %d", list.n, whole)
	}
}

// counted counts what is read.
type counted struct {
	io.ReaderAt
	n int64
}

func (r *counted) ReadAt(p []byte, off int64) (int, error) {
	r.n += int64(len(p))
	return r.ReaderAt.ReadAt(p, off)
}

// Whatever comes: what is received is plain files with clean, unique paths
// within the limits, or there is a Problem.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte(testkit.Zip(f, "index.html", "x", "css/a.css", "y")))
	f.Add([]byte(testkit.Zip(f, "../index.html", "x")))
	f.Add([]byte(testkit.Zip(f, "top/index.html", "x", "__MACOSX/top/._index.html", "y")))
	f.Add([]byte(gzipped(f, archive(f, "index.html", "hello"))))
	f.Add([]byte(read(f, archive(f, "index.html", "hello"))))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := New(Deps{
			Store: &memStore{sites: map[string]StoredSite{}}, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now,
			MaxBytes: 1 << 20, MaxFiles: 20, FreeBytes: 1 << 16,
		})
		if err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		dir := s.draft("fuzzed")
		d, err := s.unpack(t.Context(), dir, bytes.NewReader(data)) // and not Receive, which waits for the disk
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("not a Problem: %v", err)
			}
		}
		count, size := 0, int64(0)
		walkErr := filepath.WalkDir(s.d.Dir, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || !strings.HasPrefix(path, dir+"/") {
				t.Fatalf("%s is there: %v, %v", path, info, err)
			}
			count, size = count+1, size+info.Size()
			return nil
		})
		if walkErr != nil || count > 20 || size > 1<<20 || err == nil && (count == 0 || count != d.Files || size != d.Bytes) {
			t.Fatalf("%d files of %d bytes are there; received %+v, %v, %v", count, size, d, err, walkErr)
		}
	})
}
