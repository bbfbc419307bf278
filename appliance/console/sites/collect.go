// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// limits are what a site that is sent may have at most.
type limits struct {
	sent  int64 // bytes as they come
	bytes int64 // unpacked
	files int
	ratio int64 // unpacked bytes for one that came
	free  int64 // up to so many unpacked bytes the ratio does not matter
}

const (
	maxPath  = 1024
	maxDepth = 32
)

// fault is what is wrong with what was sent: a message to show at the form.
// Nothing was published.
type fault struct {
	key  string
	args []any
}

// Error is for logs.
func (f *fault) Error() string { return fmt.Sprint(f.key, f.args) }

// collector writes what is fit for a site as a tar stream: plain files with
// clean paths, each once, within limits. Everything else is a fault, but for
// the leavings of operating systems and version control, which are left out.
type collector struct {
	out     *tar.Writer
	limits  limits
	files   map[string]bool
	folders map[string]bool
	bytes   int64
	leftOut int
}

func newCollector(w io.Writer, l limits) *collector {
	return &collector{out: tar.NewWriter(w), limits: l, files: map[string]bool{}, folders: map[string]bool{}}
}

// add writes a file of size bytes.
func (c *collector) add(name string, size int64, content io.Reader) error {
	clean, err := cleanPath(name)
	if err != nil {
		return err
	}
	if litter(clean) {
		c.leftOut++
		_, err := io.Copy(io.Discard, content)
		return err
	}
	if err := c.claim(clean); err != nil {
		return err
	}
	if len(c.files) > c.limits.files {
		return tooMany(c.limits.files)
	}
	if c.bytes += size; size < 0 || c.bytes > c.limits.bytes {
		return tooLarge(c.limits.bytes)
	}
	if err := c.out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: clean, Mode: 0o644, Size: size}); err != nil {
		return fmt.Errorf("write file to spool: %w", err)
	}
	_, err = io.CopyN(c.out, content, size)
	if err == nil {
		err = ended(content)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged()
	}
	return err
}

// ended reads to the end, where archives check their sums.
func ended(r io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, 1))
	if n > 0 {
		return damaged()
	}
	return err
}

// claim takes a path for a file; no other may have it, and no file be a folder.
func (c *collector) claim(clean string) error {
	twice := &fault{key: "sites.upload.twice", args: []any{"path", clean}}
	if c.files[clean] || c.folders[clean] {
		return twice
	}
	for dir := path.Dir(clean); dir != "."; dir = path.Dir(dir) {
		if c.files[dir] {
			return twice
		}
		c.folders[dir] = true
	}
	c.files[clean] = true
	return nil
}

// finish ends the stream and returns the folder that holds the site: empty, or
// the one that everything lies in, with a slash.
func (c *collector) finish() (top string, err error) {
	if err := c.out.Close(); err != nil {
		return "", fmt.Errorf("end spool: %w", err)
	}
	if len(c.files) == 0 {
		return "", &fault{key: "sites.upload.empty"}
	}
	if c.files["index.html"] {
		return "", nil
	}
	if top := c.top(); top != "" && c.files[top+"index.html"] {
		return top, nil
	}
	if found := c.index(); found != "" {
		return "", &fault{key: "sites.upload.index-below", args: []any{"folder", path.Dir(found)}}
	}
	return "", &fault{key: "sites.upload.no-index"}
}

// top is the folder that all files lie in, with a slash, or nothing.
func (c *collector) top() string {
	var top string
	for name := range c.files {
		first, _, below := strings.Cut(name, "/")
		if !below || top != "" && top != first+"/" {
			return ""
		}
		top = first + "/"
	}
	return top
}

// index is the first page nearest to the top.
func (c *collector) index() string {
	var all []string
	for name := range c.files {
		if path.Base(name) == "index.html" {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return slices.MinFunc(all, func(a, b string) int {
		if d := strings.Count(a, "/") - strings.Count(b, "/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

// cleanPath is the path of a file below the top of the site.
func cleanPath(name string) (string, error) {
	bad := &fault{key: "sites.upload.path", args: []any{"path", shown(name)}}
	if name == "" || len(name) > maxPath || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\\") || path.IsAbs(name) {
		return "", bad
	}
	if len(name) > 1 && name[1] == ':' { // C:
		return "", bad
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." || len(part) > 255 {
			return "", bad
		}
	}
	clean := path.Clean(name)
	if clean == "." || strings.HasSuffix(name, "/") || strings.Count(clean, "/") >= maxDepth {
		return "", bad
	}
	return clean, nil
}

// shown is a name from outside as an error says it.
func shown(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return '�'
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 80 {
		return string(runes[:80]) + "…"
	}
	return name
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

func damaged() error { return &fault{key: "sites.upload.damaged"} }

func tooLarge(limit int64) error {
	return &fault{key: "sites.upload.large", args: []any{"mb", limit / 1_000_000}}
}

func tooMany(limit int) error {
	return &fault{key: "sites.upload.count", args: []any{"count", limit}}
}
