// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode/utf8"

	"coopkit/appliance"
)

const (
	maxPath  = 1024 // bytes of a path in an archive
	maxDepth = 32   // folders deep
)

// unpacker writes what is fit for a site below root: plain files with clean
// paths, each once, within limits. Everything else is a Problem, but for the
// leavings of operating systems and version control, which are left out, and
// folders, which are there because of their files.
type unpacker struct {
	root        *os.Root
	source      *source
	bytes, free int64 // allowed; free: as many may come out of any archive
	files       int   // allowed
	got         appliance.Draft
}

// unpack writes a stream below dir, which it makes.
func (s *Sites) unpack(ctx context.Context, dir string, stream io.Reader) (appliance.Draft, error) {
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // the pages are public once they are published
		return appliance.Draft{}, fmt.Errorf("make folder for the draft: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return appliance.Draft{}, fmt.Errorf("open folder for the draft: %w", err)
	}
	defer func() { _ = root.Close() }()
	u := unpacker{
		root: root, source: &source{Reader: stream, alive: ctx.Err},
		bytes: s.d.MaxBytes, free: s.d.FreeBytes, files: s.d.MaxFiles,
	}
	if err := u.archive(s.scratch); err != nil {
		return u.got, err
	}
	if u.got.Files == 0 {
		return u.got, empty()
	}
	if u.got.Index != u.got.Top+frontPage {
		u.got.Top = "" // a folder without a front page is as it should be
	}
	return u.got, nil
}

// file writes a file of size bytes.
func (u *unpacker) file(name string, size int64, content io.Reader) (err error) {
	clean, err := cleanPath(name)
	switch {
	case err != nil:
		return err
	case litter(clean):
		u.got.LeftOut++
		return nil
	case u.got.Files >= u.files:
		return tooMany(u.files)
	case size < 0 || size > u.bytes-u.got.Bytes:
		return tooLarge(u.bytes)
	}
	if err := u.source.alive(); err != nil {
		return err
	}
	if err := u.root.MkdirAll(path.Dir(clean), 0o755); err != nil {
		return clash(clean, err)
	}
	f, err := u.root.OpenFile(clean, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return clash(clean, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := u.copy(f, content, size); err != nil {
		return err
	}
	u.note(clean, size)
	return nil
}

// copy copies size bytes, which must be all; reading to the end is what has
// archives check their sums.
func (u *unpacker) copy(to io.Writer, content io.Reader, size int64) error {
	from := blamed{content, u.blame}
	if _, err := io.CopyN(to, from, size); errors.Is(err, io.EOF) {
		return u.blame(io.ErrUnexpectedEOF)
	} else if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, io.LimitReader(from, 1))
	if err == nil && n > 0 {
		err = damaged(errors.New("a file is longer than the archive says"))
	}
	return err
}

// blamed is a reader whose errors are told apart from those of the disk.
type blamed struct {
	io.Reader
	blame func(error) error
}

// Read reads.
func (b blamed) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.blame(err)
	}
	return n, err
}

// note counts a file, and notes which folder all lie in so far and where the
// front page nearest to the top is.
func (u *unpacker) note(clean string, size int64) {
	d := &u.got
	d.Files, d.Bytes = d.Files+1, d.Bytes+size
	top, _, below := strings.Cut(clean, "/")
	if top += "/"; !below || d.Files > 1 && d.Top != top {
		top = ""
	}
	d.Top = top
	if path.Base(clean) != frontPage {
		return
	}
	deep, known := strings.Count(clean, "/"), strings.Count(d.Index, "/")
	if d.Index == "" || deep < known || deep == known && clean < d.Index {
		d.Index = clean
	}
}

// clash says that a file cannot be made, most likely because another of the
// same archive has its name.
func clash(name string, err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return twice(name, err)
	}
	return fmt.Errorf("make file of the site: %w", err)
}

// cleanPath is the path of a file below the top of the site.
func cleanPath(name string) (string, error) {
	if name == "" || len(name) > maxPath || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\\") || path.IsAbs(name) {
		return "", badPath(name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || len(part) > 255 {
			return "", badPath(name)
		}
	}
	clean := path.Clean(name)
	if clean == "." || strings.HasSuffix(name, "/") || strings.Count(clean, "/") >= maxDepth {
		return "", badPath(name)
	}
	return clean, nil
}

// litter reports whether a file is what systems leave behind and no visitor
// needs; some of it would even tell them what is not theirs.
func litter(clean string) bool {
	for part := range strings.SplitSeq(clean, "/") {
		switch part {
		case "__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".git", ".hg", ".svn":
			return true
		}
	}
	return false
}
