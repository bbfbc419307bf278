// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"coopkit/internal/problem"
)

// readArchive reads a zip or (compressed) tar archive into the collector. A zip
// has its list at the end, so it is kept in a file of scratch first.
func readArchive(c *collector, r io.Reader, scratch func() (*os.File, error)) error {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK")):
		return readZipStream(c, b, scratch)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return readGzip(c, b)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return readTar(c, b)
	default:
		return &fault{key: "sites.upload.kind"}
	}
}

func readZipStream(c *collector, r io.Reader, scratch func() (*os.File, error)) (err error) {
	f, err := scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, discard(f)) }()
	size, err := io.Copy(f, r)
	if err != nil {
		return err
	}
	return readZip(c, f, size)
}

// readZip checks what the list of the archive promises before it unpacks
// anything; what is unpacked cannot be more.
func readZip(c *collector, r io.ReaderAt, size int64) error {
	list := &bounded{ReaderAt: r, left: int64(c.limits.files)*listBytes + 1<<20}
	archive, err := zip.NewReader(list, size)
	if list.left < 0 {
		return tooMany(c.limits.files)
	}
	if err != nil {
		return damaged()
	}
	list.left = math.MaxInt64 // from here on the files themselves are read
	var promised uint64
	for _, f := range archive.File {
		if promised += f.UncompressedSize64; f.UncompressedSize64 > uint64(c.limits.bytes) || promised > uint64(c.limits.bytes) { //nolint:gosec // limits are positive
			return tooLarge(c.limits.bytes)
		}
	}
	if c.limits.exceeded(int64(promised), size) {
		return &fault{key: "sites.upload.bomb"}
	}
	for _, f := range archive.File {
		if err := addZipped(c, f); err != nil {
			return err
		}
	}
	return nil
}

// listBytes is how long the entry of a file in the list of a zip may be on
// average. The list is read whole before the files in it can be counted.
const listBytes = 512

// bounded reads no more than is left.
type bounded struct {
	io.ReaderAt
	left int64
}

// ReadAt reads.
func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return b.ReaderAt.ReadAt(p, off)
}

func addZipped(c *collector, f *zip.File) (err error) {
	mode := f.Mode()
	switch {
	case mode.IsDir():
		return nil
	case mode&fs.ModeSymlink != 0:
		return link(f.Name)
	case !mode.IsRegular():
		return special(f.Name)
	case f.Flags&1 != 0:
		return &fault{key: "sites.upload.password"}
	}
	content, err := f.Open()
	if err != nil {
		return damaged()
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	return c.add(f.Name, int64(f.UncompressedSize64), fromArchive{content}) //nolint:gosec // checked by readZip
}

func readGzip(c *collector, r io.Reader) error {
	in := &counted{Reader: r}
	z, err := gzip.NewReader(in)
	if err != nil {
		return damaged()
	}
	out := &watched{in: in, out: counted{Reader: fromArchive{z}}, limits: c.limits}
	return readTar(c, out)
}

func readTar(c *collector, r io.Reader) error {
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, r) // to the sum at the end
			return explain(err)
		}
		if err != nil {
			return explain(err)
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader:
		case tar.TypeReg:
			if err := c.add(h.Name, h.Size, fromArchive{entries}); err != nil {
				return err
			}
		case tar.TypeSymlink, tar.TypeLink:
			return link(h.Name)
		default:
			return special(h.Name)
		}
	}
}

// fromArchive turns errors of reading an archive into faults: it is damaged.
type fromArchive struct{ io.Reader }

// Read reads.
func (r fromArchive) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = explain(err)
	}
	return n, err
}

// explain keeps what is known already; anything else that happens while an
// archive is read means that it is damaged.
func explain(err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*fault](err); known || fromOutside(err) {
		return err
	}
	return damaged()
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

// Read reads.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// watched ends with a fault when far more comes out than goes in.
type watched struct {
	in     *counted
	out    counted
	limits limits
}

// Read reads.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.out.Read(p)
	if w.limits.exceeded(w.out.n, w.in.n) {
		return n, &fault{key: "sites.upload.bomb"}
	}
	return n, err
}

func (l limits) exceeded(unpacked, packed int64) bool {
	return unpacked > l.free && unpacked/l.ratio > packed
}

func link(name string) error {
	return &fault{key: "sites.upload.link", args: []any{"path", shown(name)}}
}

func special(name string) error {
	return &fault{key: "sites.upload.special", args: []any{"path", shown(name)}}
}

// discard closes a scratch file and removes it.
func discard(f *os.File) error {
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("remove scratch file: %w", err)
	}
	return nil
}

// fromOutside reports whether err says that the sender has gone, is too slow or
// sent too much, or that this box has a problem; then the archive may be sound.
func fromOutside(err error) bool {
	if _, ok := errors.AsType[*problem.Problem](err); ok {
		return true
	}
	_, ok := errors.AsType[*sendError](err)
	return ok
}
