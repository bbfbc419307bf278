// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// nothing is an endless stream of zeros.
type nothing struct{}

func (nothing) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func wantFault(t *testing.T, err error, key string) {
	t.Helper()
	f, ok := errors.AsType[*fault](err)
	if !ok || f.key != key {
		t.Errorf("got %v, want %s", err, key)
	}
}

func scratchIn(dir string) func() (*os.File, error) {
	return newSpool(dir, time.Now, slog.New(slog.DiscardHandler)).scratch
}

func TestReadArchive_endsWhenFarMoreComesOutThanGoesIn(t *testing.T) {
	const size = 2 << 20
	roomy := limits{sent: maxSent, bytes: 1 << 30, files: 10, ratio: 200, free: 1 << 20}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: "index.html", Typeflag: tar.TypeReg, Size: size}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, nothing{}, size); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	wantFault(t, readArchive(newCollector(io.Discard, roomy), &packed, scratchIn(t.TempDir())), "sites.upload.bomb")
	wantFault(t, readArchive(newCollector(io.Discard, roomy), strings.NewReader(Zipped(t, "index.html", strings.Repeat("\x00", size))), scratchIn(t.TempDir())), "sites.upload.bomb")
}

// A list that promises less than is there is not believed.
func TestReadZip_unpacksNoMoreThanPromised(t *testing.T) {
	data := []byte(Zipped(t, "index.html", strings.Repeat("hello ", 1000)))
	at := bytes.Index(data, []byte("PK\x01\x02"))
	copy(data[at+24:], []byte{5, 0, 0, 0}) // the unpacked size
	var out bytes.Buffer
	wantFault(t, readArchive(newCollector(&out, small()), bytes.NewReader(data), scratchIn(t.TempDir())), "sites.upload.damaged")
	if out.Len() > 2048 {
		t.Errorf("%d bytes came out", out.Len())
	}
}

// TestReadZip_doesNotReadAnEndlessList: the list of a zip is read whole, into
// memory, before its files can be counted.
func TestReadZip_doesNotReadAnEndlessList(t *testing.T) {
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
	list := &read{ReaderAt: bytes.NewReader(packed.Bytes())}
	wantFault(t, readZip(newCollector(io.Discard, small()), list, int64(packed.Len())), "sites.upload.count")
	if whole := int64(8000 * 146); list.n >= whole {
		t.Errorf("%d bytes of the list were read, of %d", list.n, whole)
	}
}

// read counts what is read.
type read struct {
	io.ReaderAt
	n int64
}

func (r *read) ReadAt(p []byte, off int64) (int, error) {
	r.n += int64(len(p))
	return r.ReaderAt.ReadAt(p, off)
}

func TestReadArchive_onAFullDiskSaysSo(t *testing.T) {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		testkit.Missing(t, "mount", "only root may mount the small disk")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s := &site{spool: newSpool(filepath.Join(dir, "spool"), time.Now, slog.New(slog.DiscardHandler)), limits: small()}
	file, err := s.spool.scratch()
	if err != nil {
		t.Fatal(err)
	}
	err = full(s.readFile(newCollector(file, small()), "a.bin", strings.NewReader(strings.Repeat("x", 500_000))))
	if !errors.Is(err, &problem.Problem{Code: "upload-disk-full"}) {
		t.Errorf("got %v", err)
	}
	if err := discard(file); err != nil {
		t.Error(err)
	}
}

func TestWithoutTop_canBeLeftInTheMiddle(t *testing.T) {
	var b bytes.Buffer
	c := newCollector(&b, small())
	if err := c.add("top/index.html", 1<<20, io.LimitReader(nothing{}, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.finish(); err != nil {
		t.Fatal(err)
	}
	r := withoutTop(io.NopCloser(&b), "top/")
	h, err := tar.NewReader(r).Next()
	if err != nil || h.Name != "index.html" {
		t.Errorf("%v, %v", h, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestPublish_aLargeFileOfAFolderGoesThroughTheDisk(t *testing.T) {
	dir := t.TempDir()
	large := strings.Repeat("x", 3<<20)
	s := &site{spool: newSpool(dir, time.Now, slog.New(slog.DiscardHandler)), limits: small()}
	var out bytes.Buffer
	c := newCollector(&out, small())
	if err := s.readFile(c, "s/a.bin", strings.NewReader(large)); err != nil {
		t.Fatal(err)
	}
	if c.bytes != 3<<20 || !strings.Contains(out.String(), large) {
		t.Errorf("%d bytes collected", c.bytes)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestSend_twoAtATime(t *testing.T) {
	s := newSpool(t.TempDir(), time.Now, slog.New(slog.DiscardHandler))
	leave, err := s.enter()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.enter(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.enter(); !errors.Is(err, &problem.Problem{Code: "upload-busy"}) {
		t.Errorf("a third may send: %v", err)
	}
	leave()
	if _, err := s.enter(); err != nil {
		t.Error(err)
	}
}

// Whatever comes: what is collected is a tar of plain files with clean, unique
// paths within the limits, or there is a fault.
func FuzzReadArchive(f *testing.F) {
	f.Add([]byte(Zipped(f, "index.html", "x", "css/a.css", "y")))
	f.Add([]byte(Zipped(f, "../index.html", "x")))
	f.Add([]byte(Zipped(f, "top/index.html", "x", "__MACOSX/top/._index.html", "y")))
	f.Add([]byte(Tarred(f, tar.Header{Name: "index.html", Typeflag: tar.TypeReg, Size: 5})))
	f.Add([]byte(Tarred(f, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/etc"})))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	scratch := scratchIn(f.TempDir())
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		l := limits{sent: 1 << 20, bytes: 1 << 20, files: 20, ratio: 200, free: 1 << 16}
		c := newCollector(&out, l)
		if err := readArchive(c, bytes.NewReader(data), scratch); err != nil {
			if _, ok := errors.AsType[*fault](err); !ok {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		if _, err := c.finish(); err != nil {
			return
		}
		seen, bytes := map[string]bool{}, int64(0)
		for r := tar.NewReader(&out); ; {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.Typeflag != tar.TypeReg || seen[h.Name] || path.Clean(h.Name) != h.Name || !filepath.IsLocal(h.Name) {
				t.Errorf("entry %+v", h)
			}
			seen[h.Name] = true
			bytes += h.Size
		}
		if len(seen) == 0 || len(seen) > l.files || bytes > l.bytes {
			t.Errorf("%d files, %d bytes", len(seen), bytes)
		}
	})
}
