// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"coopkit/internal/atomicfile"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

const (
	maxPath  = 1024 // bytes of a path in an archive
	maxDepth = 32   // folders deep
)

// Receive unpacks a tar stream as the next version of the site at host, which
// need not exist yet. It publishes nothing. Everything is on the disk when it
// returns; after an error nothing of the stream is left. Symbolic and hard
// links, devices, and paths that lead out of the site are refused. The errors
// are Problems: "site-archive-invalid", "site-too-large", "site-empty",
// "site-disk-full".
func (s *Sites) Receive(ctx context.Context, host hostname.Name, stream io.Reader) (Version, error) {
	number, err := s.reserve(ctx, host)
	if err != nil {
		return Version{}, err
	}
	tmp := s.path(host, number) + partial
	v, err := s.unpack(ctx, tmp, stream)
	if err == nil {
		v.Number, v.Created, v.Pending = number, s.d.Now().UTC(), true
		err = s.keep(ctx, host, tmp, v)
	}
	if err != nil {
		return Version{}, errors.Join(explain(err), os.RemoveAll(tmp), s.tidy(ctx, host))
	}
	s.d.Log.Info("site received", logkey.Host, host, logkey.Count, v.Files)
	return v, nil
}

// reserve gives the next number for a version of the site, never to be given
// again.
func (s *Sites) reserve(ctx context.Context, host hostname.Name) (int, error) {
	if _, err := hostname.Parse(string(host)); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if err != nil && !errors.Is(err, noSuchSite(host)) {
		return 0, err
	}
	site.Host = string(host)
	site.Last++
	if err := s.d.Store.PutSite(ctx, site); err != nil {
		return 0, fmt.Errorf("store site %s: %w", host, err)
	}
	return site.Last, nil
}

// tidy forgets a site that has no version, and its folder.
func (s *Sites) tidy(ctx context.Context, host hostname.Name) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx = context.WithoutCancel(ctx) // nothing may be left when the caller has gone
	site, err := s.find(ctx, host)
	if err != nil || len(site.Versions) > 0 {
		return err
	}
	if removeEmpty(filepath.Join(s.d.Dir, string(host))) != nil {
		return nil // another version is being received
	}
	return s.d.Store.DeleteSite(ctx, string(host))
}

// unpack writes the stream below dir, which it makes, and syncs it.
func (s *Sites) unpack(ctx context.Context, dir string, stream io.Reader) (Version, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the pages are public
		return Version{}, fmt.Errorf("make folder for the version: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Version{}, fmt.Errorf("open folder for the version: %w", err)
	}
	defer func() { _ = root.Close() }()
	u := unpacker{root: root, bytesLeft: s.d.MaxBytes, filesLeft: s.d.MaxFiles}
	for entries := tar.NewReader(stream); ; {
		if err := ctx.Err(); err != nil {
			return Version{}, err
		}
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Version{}, badArchive("", "the archive is damaged or is not a tar archive", err)
		}
		if err := u.entry(h, entries); err != nil {
			return Version{}, err
		}
	}
	return u.finish()
}

// unpacker writes entries of an archive below root.
type unpacker struct {
	root      *os.Root
	bytesLeft int64
	filesLeft int
	v         Version
}

func (u *unpacker) entry(h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // the settings of git archive; they hold no file
	}
	name, err := cleanPath(h.Name)
	if err != nil {
		return err
	}
	if u.filesLeft--; u.filesLeft < 0 {
		return tooLarge("it has too many files and folders")
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.mkdir(name)
	case tar.TypeReg:
		if name == "." {
			return badArchive(h.Name, "a file needs a name", nil)
		}
		return u.file(name, h.Size, content)
	case tar.TypeSymlink, tar.TypeLink:
		return badArchive(h.Name, "it is a link; a site has only files and folders", nil)
	default:
		return badArchive(h.Name, "it is a device or another special file; a site has only files and folders", nil)
	}
}

// cleanPath returns the path of an entry below the root of the site, "." for
// the root itself.
func cleanPath(name string) (string, error) {
	switch {
	case name == "" || strings.ContainsAny(name, "\x00\\"):
		return "", badArchive(name, "its name is empty or has a character that is not allowed", nil)
	case len(name) > maxPath:
		return "", badArchive(name[:80]+"…", "its name is too long", nil)
	case path.IsAbs(name):
		return "", badArchive(name, "its path is absolute", nil)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || len(part) > 255 {
			return "", badArchive(name, "its path leads out of the site or has too long a part", nil)
		}
	}
	clean := path.Clean(name)
	if strings.Count(clean, "/") >= maxDepth || !filepath.IsLocal(clean) {
		return "", badArchive(name, "its path is too deep or leads out of the site", nil)
	}
	return clean, nil
}

func (u *unpacker) mkdir(name string) error {
	if err := u.root.MkdirAll(name, 0o755); err != nil {
		return clash(name, err)
	}
	return nil
}

func (u *unpacker) file(name string, size int64, content io.Reader) (err error) {
	if size > u.bytesLeft {
		return tooLarge("it is larger than allowed")
	}
	u.bytesLeft -= size
	if err := u.mkdir(path.Dir(name)); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return clash(name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := io.CopyN(f, content, size)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return badArchive(name, "the archive ends in the middle of it", err)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	u.v.Files++
	u.v.Bytes += n
	return nil
}

// clash says that an entry cannot be made, most likely because another of the
// same archive has its name.
func clash(name string, err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EISDIR) {
		return badArchive(name, "it is there twice, or is both a file and a folder", err)
	}
	return fmt.Errorf("make %s: %w", name, err)
}

// finish makes everything durable and says what there is to say about the
// version.
func (u *unpacker) finish() (Version, error) {
	if u.v.Files == 0 {
		return Version{}, &problem.Problem{
			Code: "site-empty", Kind: problem.Invalid,
			What: "there is no file in what was pushed",
			Next: []string{"push the folder that has index.html in it"},
		}
	}
	if _, err := u.root.Stat("index.html"); err != nil {
		u.v.Warnings = append(u.v.Warnings, "there is no index.html at the top, so visitors of the bare address find no page")
	}
	return u.v, atomicfile.SyncAll(u.root.Name())
}

// keep makes a received version one of the site's.
func (s *Sites) keep(ctx context.Context, host hostname.Name, tmp string, v Version) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	site, err := s.find(ctx, host)
	if err != nil {
		return err
	}
	final := s.path(host, v.Number)
	if err := os.Rename(tmp, final); err != nil {
		return fmt.Errorf("name version %s: %w", strconv.Itoa(v.Number), err)
	}
	site.Versions = append(site.Versions, v)
	err = errors.Join(atomicfile.SyncDir(filepath.Dir(final)), atomicfile.SyncDir(s.d.Dir))
	if err == nil {
		err = s.d.Store.PutSite(ctx, site)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep version %d: %w", v.Number, err), os.RemoveAll(final))
	}
	return nil
}

// explain turns a full disk into a Problem.
func explain(err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return &problem.Problem{
		Code: "site-disk-full", Kind: problem.Failed,
		What: "the disk is full, so the site could not be received",
		Why:  "nothing of it was kept; the site that is published stays as it is",
		Next: []string{"make room on the disk and push again", "coopkit doctor"},
		Err:  err,
	}
}

func badArchive(name, why string, err error) error {
	what := "the archive of the site cannot be used"
	if name != "" {
		what = "the archive of the site has an entry that is not allowed: " + strconv.QuoteToGraphic(name)
	}
	return &problem.Problem{
		Code: "site-archive-invalid", Kind: problem.Invalid, What: what, Why: why,
		Next: []string{"take it out of the folder, or replace it by a plain file, and push again"},
		Err:  err,
	}
}

func tooLarge(why string) error {
	return &problem.Problem{
		Code: "site-too-large", Kind: problem.Invalid,
		What: "the site is too large", Why: why,
		Next: []string{"leave out what visitors do not need, such as source folders and originals of pictures"},
	}
}
