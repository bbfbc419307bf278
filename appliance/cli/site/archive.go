// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"coopkit/internal/problem"
)

// archive is a folder as it will be sent: its files, sorted. The same files
// make the same bytes, whoever sends them and when.
type archive struct {
	root    *os.Root
	files   []entry
	bytes   int64
	skipped []string
}

// entry is a file by its path with slashes.
type entry struct {
	path string
	size int64
}

// maxSkipped is how many skipped names are kept to tell.
const maxSkipped = 5

// openArchive looks through a folder. The caller closes the archive.
func openArchive(dir string) (*archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &problem.Problem{
			Code: "site-folder-unreadable", Kind: problem.Invalid,
			What: "“" + dir + "” is not a folder that can be read",
			Next: []string{"name the folder that holds the site's index.html"}, Err: err,
		}
	}
	a := &archive{root: root}
	err = fs.WalkDir(root.FS(), ".", a.visit)
	if err == nil && len(a.files) == 0 {
		err = &problem.Problem{
			Code: "site-empty", Kind: problem.Invalid,
			What: "there is nothing to publish in “" + dir + "”",
			Why:  "it has no files, or only some that begin with a dot",
			Next: []string{"name the folder that holds the site's index.html"},
		}
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	slices.SortFunc(a.files, func(x, y entry) int { return cmp.Compare(x.path, y.path) })
	return a, nil
}

// Close closes the folder.
func (a *archive) Close() error { return a.root.Close() }

func (a *archive) hasIndex() bool {
	return slices.ContainsFunc(a.files, func(e entry) bool { return e.path == "index.html" })
}

func (a *archive) visit(name string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return unreadable(name, err)
	case name == ".":
		return nil
	case strings.HasPrefix(path.Base(name), ".") && path.Base(name) != ".well-known":
		return a.skip(name, d)
	case d.IsDir():
		return nil
	}
	info, err := a.root.Stat(name) // follows links, but never out of the folder
	if err != nil {
		if d.Type()&fs.ModeSymlink != 0 {
			return badLink(name, "it leads out of the folder, or to nothing", err)
		}
		return unreadable(name, err)
	}
	if info.IsDir() {
		return badLink(name, "it leads to a folder", nil)
	}
	if !info.Mode().IsRegular() {
		return &problem.Problem{
			Code: "site-file-special", Kind: problem.Invalid,
			What: "“" + name + "” is not an ordinary file",
			Next: []string{"take it out of the folder"},
		}
	}
	a.files = append(a.files, entry{name, info.Size()})
	a.bytes += info.Size()
	return nil
}

func (a *archive) skip(name string, d fs.DirEntry) error {
	switch {
	case len(a.skipped) < maxSkipped:
		a.skipped = append(a.skipped, name)
	case len(a.skipped) == maxSkipped:
		a.skipped = append(a.skipped, "…")
	}
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func unreadable(name string, err error) error {
	return &problem.Problem{
		Code: "site-file-unreadable", Kind: problem.Invalid,
		What: "“" + name + "” cannot be read",
		Next: []string{"let your account read it, or take it out of the folder"}, Err: err,
	}
}

func badLink(name, why string, err error) error {
	return &problem.Problem{
		Code: "site-link-refused", Kind: problem.Invalid,
		What: "the link “" + name + "” cannot be published", Why: why,
		Next: []string{"put what it leads to in its place, or take it out"}, Err: err,
	}
}

// write sends the files as a tar stream with neutral owners, times and modes.
func (a *archive) write(w io.Writer) error {
	t := tar.NewWriter(w)
	for _, e := range a.files {
		if err := a.copy(t, e); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return fmt.Errorf("end archive: %w", err)
	}
	return nil
}

func (a *archive) copy(t *tar.Writer, e entry) (err error) {
	f, err := a.root.Open(e.path)
	if err != nil {
		return unreadable(e.path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	head := &tar.Header{
		Typeflag: tar.TypeReg, Name: e.path, Size: e.size, Mode: 0o644,
		ModTime: time.Unix(0, 0).UTC(), Format: tar.FormatPAX,
	}
	if err := t.WriteHeader(head); err != nil {
		return fmt.Errorf("write archive: %w", err)
	}
	n, err := io.Copy(t, io.LimitReader(f, e.size+1))
	switch {
	case errors.Is(err, tar.ErrWriteTooLong), err == nil && n != e.size:
		return changed(e.path)
	case err != nil:
		return fmt.Errorf("write archive: %w", err)
	}
	return nil
}

func changed(name string) error {
	return &problem.Problem{
		Code: "site-changed-while-pushed", Kind: problem.Conflict,
		What: "“" + name + "” changed while it was sent; nothing was published",
		Next: []string{"push again when the files are still"},
	}
}
