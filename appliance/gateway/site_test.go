// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func TestSite_servesFilesAndNothingElse(t *testing.T) {
	big := strings.Repeat("big ", 200<<10)
	dir := folder(t, map[string]string{
		"index.html": "home", "docs/index.html": "docs", "empty/x.txt": "x", "404.html": "own 404", ".git/config": "secret",
		".well-known/security.txt": "contact", "docs/.hidden": "secret", "a b.txt": "space", "big.bin": big, "x.js": "plain js", "x.js.br": "brotli js",
	})
	outside := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"out": outside, "up": "../../../../etc", "in": "a b.txt"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, local(t), Route{Host: "demo.coop", Kind: Site, Root: dir})
	for path, want := range map[string]string{
		"/": "200 home", "/docs/": "200 docs", "/docs?a=b": "308 /docs/?a=b", "/a%20b.txt": "200 space", "/in": "200 space",
		"/.well-known/security.txt": "200 contact", "/big.bin": "200 " + big, "/x.js": "200 plain js",
		"/.git/config": "404 own 404", "/docs/.hidden": "404 own 404", "/out": "404 own 404", "/up/passwd": "404 own 404",
		"/empty/": "404 own 404", "/index.html/": "404 own 404", "/%2e%2e/%2e%2e/etc/passwd": "404 own 404",
		"/docs/..%2f..%2fetc/passwd": "404 own 404", "//docs/": "404 own 404", "/docs%00": "404 own 404", "/nothing": "404 own 404",
	} {
		for range 2 { // from the disk, then from memory
			a := d.get("https://demo.coop" + path)
			body := a.body
			if a.StatusCode == http.StatusPermanentRedirect {
				body = a.Header.Get("Location")
			}
			if got := a.Status[:4] + body; got != want {
				t.Errorf("%s: %.60q; want %.60q", path, got, want)
			}
		}
	}
	if a := d.do(http.MethodPost, "https://demo.coop/", strings.NewReader("x")); a.StatusCode != 405 || a.Header.Get("Allow") == "" {
		t.Errorf("POST: %d", a.StatusCode)
	}
	if a := d.get("https://demo.coop/x.js", "Accept-Encoding", "gzip, br"); a.body != "brotli js" || a.Header.Get("Content-Encoding") != "br" {
		t.Errorf("br: %q %v", a.body, a.Header)
	}
	if a := d.get("https://demo.coop/x.js", "Accept-Encoding", "br;q=0"); a.body != "plain js" {
		t.Errorf("br;q=0: %q", a.body)
	}
}

func TestSite_rangesTagsAndCompression(t *testing.T) {
	text, big := strings.Repeat("co-op ", 1000), strings.Repeat("0123456789", 40000)
	d := open(t, local(t), Route{Host: "demo.coop", Kind: Site, Root: folder(t, map[string]string{"a.txt": text, "b.bin": big})})
	for url, whole := range map[string]string{"https://demo.coop/a.txt": text, "https://demo.coop/b.bin": big} {
		if a := d.get(url, "Range", "bytes=3-9"); a.StatusCode != 206 || a.body != whole[3:10] {
			t.Errorf("%s range: %d %q", url, a.StatusCode, a.body)
		}
		if a := d.get(url, "Range", "bytes=99999999-"); a.StatusCode != 416 {
			t.Errorf("%s far range: %d", url, a.StatusCode)
		}
		a := d.get(url)
		if a.Header.Get("X-Content-Type-Options") != "nosniff" || a.Header.Get("Last-Modified") == "" || a.ContentLength != int64(len(whole)) {
			t.Errorf("%s: %v", url, a.Header)
		}
		if again := d.get(url, "If-None-Match", a.Header.Get("Etag")); again.StatusCode != 304 || again.body != "" {
			t.Errorf("%s unchanged: %d", url, again.StatusCode)
		}
	}
	for takes, want := range map[string]string{"*": "gzip", "*;q=0": "", "gzip;q=0, *": "", "br, *;q=0.1": "gzip"} {
		if a := d.get("https://demo.coop/a.txt", "Accept-Encoding", takes); a.Header.Get("Content-Encoding") != want {
			t.Errorf("%s: %q", takes, a.Header.Get("Content-Encoding"))
		}
	}
	a := d.get("https://demo.coop/a.txt", "Accept-Encoding", "gzip")
	z, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil || a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v %v", err, a.Header)
	}
	if b, _ := io.ReadAll(z); string(b) != text {
		t.Error("the compressed text is another")
	}
	if a := d.get("https://demo.coop/missing", "Accept-Language", "fr"); a.StatusCode != 404 || !strings.Contains(a.body, "Cette page n’existe pas") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func FuzzSitePath(f *testing.F) {
	for _, s := range []string{"/", "/index.html", "/../secret", "/a/../../secret", "//", "/./", "/.well-known/x", "/.git", "/a\\..\\b", "/\x00", "", "secret", "/out", "/a/"} {
		f.Add(s)
	}
	dir := f.TempDir()
	for name, body := range map[string]string{"secret": "SECRET", "root/index.html": "public", "root/a/x": "public", "root/.hidden": "SECRET"} {
		p := filepath.Join(dir, name)
		if os.MkdirAll(filepath.Dir(p), 0o755) != nil || os.WriteFile(p, []byte(body), 0o600) != nil {
			f.Fatal("prepare")
		}
	}
	if err := os.Symlink("../secret", filepath.Join(dir, "root", "out")); err != nil {
		f.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(dir, "root"))
	if err != nil {
		f.Fatal(err)
	}
	words, err := newPages()
	if err != nil {
		f.Fatal(err)
	}
	s := (&Gateway{pages: words, log: discard}).site(Route{Host: "demo.coop"}, root)
	f.Fuzz(func(t *testing.T, path string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Header: http.Header{}})
		if bytes.Contains(w.Body.Bytes(), []byte("SECRET")) {
			t.Errorf("%q shows what it must not", path)
		}
		if to := w.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
			t.Errorf("%q leads to %q", path, to)
		}
	})
}

func BenchmarkSite(b *testing.B) {
	dir := folder(b, map[string]string{"index.html": strings.Repeat("x", 1024)})
	root, err := os.OpenRoot(dir)
	if err != nil {
		b.Fatal(err)
	}
	s := (&Gateway{log: discard}).site(Route{Host: "demo.coop"}, root)
	r := httptest.NewRequest(http.MethodGet, "https://demo.coop/", nil)
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func BenchmarkLookup(b *testing.B) {
	table := &table{hosts: map[string]*entry{"www.demo.coop": {}}}
	b.ReportAllocs()
	for b.Loop() {
		if table.lookup("www.demo.coop:8443") == nil {
			b.Fatal("not found")
		}
	}
}
