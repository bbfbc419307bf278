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

const (
	// zipFiles is how many files a zip may have at most: its list is in memory,
	// that of a tar never.
	zipFiles = 20_000
	// listBytes is how long the entry of a file in the list of a zip may be on
	// average. The list is read whole before the files in it can be counted.
	listBytes = 512
	// ratio is how many unpacked bytes may come out for one that came, once there
	// are more than DefaultFreeBytes.
	ratio = 200
)

// source is what a stream is read from. It notes what ends it, so that an
// archive is not called damaged when its sender has gone, and how much came.
type source struct {
	io.Reader
	alive func() error // the error of the context
	n     int64
	err   error
}

// Read reads.
func (s *source) Read(p []byte) (int, error) {
	if s.err = s.alive(); s.err != nil {
		return 0, s.err
	}
	n, err := s.Reader.Read(p)
	s.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// archive unpacks a zip or (compressed) tar archive. A zip has its list at the
// end, so it waits in a file that scratch makes first.
func (u *unpacker) archive(scratch func() (*os.File, error)) error {
	b := bufio.NewReaderSize(u.source, 64<<10)
	head, err := b.Peek(512) // a block of a tar
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK")):
		return u.zipStream(b, scratch)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return u.gzip(b)
	case err != nil && len(head) > 0:
		return noArchive(err)
	default:
		return u.tar(b)
	}
}

func (u *unpacker) zipStream(r io.Reader, scratch func() (*os.File, error)) (err error) {
	f, err := scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	size, err := io.Copy(f, r)
	if err != nil {
		return err
	}
	return u.zip(f, size)
}

// zip checks what the list of the archive promises before it unpacks anything;
// what is unpacked cannot be more.
func (u *unpacker) zip(r io.ReaderAt, size int64) error {
	files := min(u.files, zipFiles)
	list := &bounded{ReaderAt: r, left: int64(files)*listBytes + 1<<20}
	archive, err := zip.NewReader(list, size)
	if list.left < 0 {
		return tooMany(files)
	}
	if err != nil {
		return damaged(err)
	}
	if len(archive.File) > files {
		return tooMany(files)
	}
	list.left = math.MaxInt64 // from here on the files themselves are read
	left := u.bytes
	for _, f := range archive.File {
		if f.UncompressedSize64 > uint64(left) { //nolint:gosec // it is never negative
			return tooLarge(u.bytes)
		}
		left -= int64(f.UncompressedSize64) //nolint:gosec // no more than left
	}
	if u.bomb(u.bytes-left, size) {
		return bomb()
	}
	for _, f := range archive.File {
		if err := u.zipped(f); err != nil {
			return err
		}
	}
	return nil
}

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

func (u *unpacker) zipped(f *zip.File) (err error) {
	mode := f.Mode()
	switch {
	case mode.IsDir():
		return nil
	case mode&fs.ModeSymlink != 0:
		return link(f.Name)
	case !mode.IsRegular():
		return special(f.Name)
	case f.Flags&1 != 0:
		return locked()
	}
	content, err := f.Open()
	if err != nil {
		return damaged(err)
	}
	defer func() { _ = content.Close() }()                      // it is only read
	return u.file(f.Name, int64(f.UncompressedSize64), content) //nolint:gosec // checked by zip
}

func (u *unpacker) gzip(r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return u.blame(err)
	}
	out := &unpacked{Reader: z, over: func(n int64) bool { return u.bomb(n, u.source.n) }}
	if err := u.tar(out); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, out) // to the sum at the end
	return u.blame(err)
}

// unpacked ends with a Problem when far more comes out than goes in.
type unpacked struct {
	io.Reader
	over func(n int64) bool
	n    int64
}

// Read reads.
func (o *unpacked) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if o.n += int64(n); o.over(o.n) {
		return n, bomb()
	}
	return n, err
}

func (u *unpacker) bomb(unpacked, packed int64) bool {
	return unpacked > u.free && unpacked/ratio > packed
}

func (u *unpacker) tar(r io.Reader) error {
	entries := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := entries.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, tar.ErrHeader) && n == 0:
			return noArchive(err)
		case err != nil:
			return u.blame(err)
		case n > u.files: // folders count here, or there would be no end of them
			return tooMany(u.files)
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader: // what git archive says of itself
		case tar.TypeReg:
			err = u.file(h.Name, h.Size, entries)
		case tar.TypeSymlink, tar.TypeLink:
			err = link(h.Name)
		default:
			err = special(h.Name)
		}
		if err != nil {
			return err
		}
	}
}

// blame says whose fault an error of reading is: what is known already stays;
// of the rest, the archive is damaged unless its sender has gone.
func (u *unpacker) blame(err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*problem.Problem](err); known {
		return err
	}
	if u.source.err != nil {
		return fmt.Errorf("receive site: %w", u.source.err)
	}
	return damaged(err)
}
