// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"coopkit/internal/logkey"
)

// site serves the files of one published version of a static site. Everything
// is opened through an os.Root, so neither a path nor a symbolic link leads out
// of the folder. The files never change: a new version is a new folder.
type site struct {
	g     *Gateway
	route Route
	root  *os.Root // closed by its finaliser once no request uses the site
	cache siteCache
}

func (g *Gateway) site(r Route, root *os.Root) http.Handler {
	return &site{g: g, route: r, root: root}
}

// ServeHTTP answers GET and HEAD with a file, a redirect to a folder's proper
// address, or the site's 404.html.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if f := s.cache.get(r.URL.Path); f != nil {
		f.serve(w, r, http.StatusOK)
		return
	}
	name, ok := fileName(r.URL.Path)
	if !ok {
		s.missing(w, r)
		return
	}
	info, err := s.root.Stat(name)
	switch {
	case err != nil:
		s.missing(w, r)
	case info.IsDir() && !strings.HasSuffix(r.URL.Path, "/"):
		toFolder(w, r)
	case info.IsDir():
		s.file(w, r, path.Join(name, "index.html"))
	case strings.HasSuffix(r.URL.Path, "/"):
		s.missing(w, r)
	default:
		s.file(w, r, name)
	}
}

// fileName turns the path of a request into a name below the root. It refuses
// what is not in its simplest form, and dot files but for .well-known.
func fileName(p string) (string, bool) {
	name, ok := strings.CutPrefix(p, "/")
	name = strings.TrimSuffix(name, "/")
	if !ok || strings.ContainsAny(name, "\x00\\") {
		return "", false
	}
	if name == "" {
		return ".", p == "/"
	}
	for i, part := range strings.Split(name, "/") {
		if part == "" || part[0] == '.' && (i > 0 || part != ".well-known") {
			return "", false
		}
	}
	return name, true
}

// toFolder adds the slash that relative links in a folder's page need.
func toFolder(w http.ResponseWriter, r *http.Request) {
	to := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
	http.Redirect(w, r, to.String(), http.StatusPermanentRedirect)
}

// file serves one file: from memory when it is small, else from the disk.
func (s *site) file(w http.ResponseWriter, r *http.Request, name string) {
	f, big, err := s.open(name)
	switch {
	case err != nil:
		s.missing(w, r)
	case big != nil:
		defer func() { _ = big.Close() }()
		s.stream(w, r, name, big)
	default:
		s.cache.put(r.URL.Path, f)
		f.serve(w, r, http.StatusOK)
	}
}

// stream serves a file that is too large to keep in memory, with a compressed
// twin ("name.br", "name.zst", "name.gz") in its place where there is one.
func (s *site) stream(w http.ResponseWriter, r *http.Request, name string, big *os.File) {
	info, err := big.Stat()
	if err != nil {
		s.missing(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cacheControl(name))
	h.Set("Etag", tagOf(info, ""))
	if r.Header.Get("Range") == "" {
		for _, c := range codings {
			twin, twinInfo := s.twin(name+c.suffix, r, c)
			if twin == nil {
				continue
			}
			defer func() { _ = twin.Close() }()
			h.Set("Content-Encoding", c.name)
			h.Set("Vary", "Accept-Encoding")
			h.Set("Etag", tagOf(twinInfo, c.suffix))
			big = twin
			break
		}
	}
	http.ServeContent(w, r, "", info.ModTime(), big)
}

// twin opens a compressed twin that the visitor takes, or returns nil.
func (s *site) twin(name string, r *http.Request, c coding) (*os.File, os.FileInfo) {
	if !accepts(r.Header["Accept-Encoding"], c.name) {
		return nil, nil
	}
	info, err := s.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, nil
	}
	return f, info
}

// missing answers 404 with the site's own page, or the gateway's.
func (s *site) missing(w http.ResponseWriter, r *http.Request) {
	f := s.cache.get(ownMissing)
	if f == nil {
		var big *os.File
		var err error
		if f, big, err = s.open("404.html"); err == nil && big == nil {
			s.cache.put(ownMissing, f)
		}
		if big != nil {
			_ = big.Close()
			f = nil
			s.g.log.Debug("the site's 404.html is too large", logkey.Host, s.route.Host)
		}
	}
	if f == nil {
		s.g.pages.write(w, r, http.StatusNotFound, notFound, s.route.called())
		return
	}
	plain := *r
	plain.Header = http.Header{"Accept-Encoding": r.Header["Accept-Encoding"]} // a 404 is never partial, nor unchanged
	f.serve(w, &plain, http.StatusNotFound)
}

// ownMissing is the cache's key for 404.html; no path of a request has it.
const ownMissing = "404"

// serve sends a small file.
func (f *smallFile) serve(w http.ResponseWriter, r *http.Request, status int) {
	v := &f.plain
	if len(f.coded) > 0 || f.squeeze != nil {
		v = f.choose(r)
	}
	h := w.Header()
	h["Content-Type"], h["X-Content-Type-Options"], h["Cache-Control"] = f.kind, noSniff, f.caching
	h["Etag"], h["Last-Modified"] = v.etag, f.modified
	if v.coding != nil {
		h["Content-Encoding"] = v.coding
	}
	if f.varies {
		h["Vary"] = varyEncoding
	}
	if status == http.StatusOK && conditional(r.Header) {
		http.ServeContent(w, r, "", f.modTime, bytes.NewReader(v.body))
		return
	}
	h["Content-Length"] = v.length
	if status == http.StatusOK {
		h["Accept-Ranges"] = acceptRanges
	}
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = w.Write(v.body) //nolint:gosec // a site may say what it wants; a visitor who went away needs no file
	}
}

var (
	noSniff      = []string{"nosniff"}
	varyEncoding = []string{"Accept-Encoding"}
	acceptRanges = []string{"bytes"}
)

// conditional reports whether a request wants less than the whole file.
func conditional(h http.Header) bool {
	return h["If-None-Match"] != nil || h["If-Modified-Since"] != nil || h["Range"] != nil ||
		h["If-Match"] != nil || h["If-Unmodified-Since"] != nil
}
