// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

// The limits of what a site keeps in memory.
const (
	smallFileBytes = 256 << 10 // larger files come from the disk
	siteCacheBytes = 4 << 20   // for each site
	squeezeBytes   = 512       // smaller files are not worth compressing
)

// coding is a compression with the suffix of its files.
type coding struct{ name, suffix string }

// codings in the order in which they are preferred.
var codings = []coding{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}

// smallFile is a file in memory, with its compressed variants.
type smallFile struct {
	plain                   variant
	coded                   []variant       // made by whoever published, best first
	squeeze                 func() *variant // gzip made here, at first use; nil = none
	kind, caching, modified []string        // ready-made header values
	modTime                 time.Time
	varies                  bool
	size                    int
}

// variant is one form of a file; the strings are ready-made header values.
type variant struct {
	body                 []byte
	etag, length, coding []string
}

func newVariant(body []byte, coding string) variant {
	sum := sha256.Sum256(body)
	v := variant{
		body:   body,
		etag:   []string{`"` + hex.EncodeToString(sum[:12]) + `"`},
		length: []string{strconv.Itoa(len(body))},
	}
	if coding != "" {
		v.coding = []string{coding}
	}
	return v
}

// choose returns the best variant that the visitor takes; a range is always of
// the plain one.
func (f *smallFile) choose(r *http.Request) *variant {
	takes := r.Header["Accept-Encoding"]
	if len(takes) == 0 || r.Header["Range"] != nil {
		return &f.plain
	}
	for i := range f.coded {
		if accepts(takes, f.coded[i].coding[0]) {
			return &f.coded[i]
		}
	}
	if f.squeeze != nil && accepts(takes, "gzip") {
		return f.squeeze()
	}
	return &f.plain
}

// accepts reports whether an Accept-Encoding header gives coding a weight above
// zero (RFC 9110 section 12.5.3). A "*" stands for those that it does not name.
func accepts(header []string, coding string) bool {
	others := false
	for _, line := range header {
		for item := range strings.SplitSeq(line, ",") {
			name, params, _ := strings.Cut(item, ";")
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, coding):
				return weighs(params)
			case name == "*":
				others = weighs(params)
			}
		}
	}
	return others
}

// weighs reports whether the parameters of a coding give it a weight above zero.
func weighs(params string) bool {
	q, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
	if !ok {
		return true
	}
	weight, err := strconv.ParseFloat(q, 64)
	return err == nil && weight > 0
}

// open reads a file into memory, or returns it open when it is too large. Only
// regular files are served.
func (s *site) open(name string) (*smallFile, *os.File, error) {
	info, err := s.root.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fs.ErrNotExist
	}
	if info.Size() > smallFileBytes {
		f, err := s.root.Open(name)
		return nil, f, err
	}
	body, err := s.read(name)
	if err != nil {
		return nil, nil, err
	}
	f := &smallFile{
		plain:    newVariant(body, ""),
		kind:     []string{contentType(name)},
		caching:  []string{cacheControl(name)},
		modified: []string{info.ModTime().UTC().Format(http.TimeFormat)},
		modTime:  info.ModTime(),
		size:     len(body),
	}
	for _, c := range codings {
		if coded, err := s.read(name + c.suffix); err == nil {
			f.coded = append(f.coded, newVariant(coded, c.name))
			f.size += len(coded)
		}
	}
	if len(body) >= squeezeBytes && compressible(f.kind[0]) {
		f.squeeze = sync.OnceValue(func() *variant { return squeezed(f) })
		f.size += len(body) / 2 // reckoned
	}
	f.varies = len(f.coded) > 0 || f.squeeze != nil
	return f, nil, nil
}

// read returns a regular file of at most smallFileBytes.
func (s *site) read(name string) ([]byte, error) {
	info, err := s.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > smallFileBytes {
		return nil, fs.ErrNotExist
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, smallFileBytes))
}

// squeezed returns the file in gzip, or as it is when that is no smaller.
func squeezed(f *smallFile) *variant {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(f.plain.body)
	if err == nil {
		err = z.Close()
	}
	if err != nil || out.Len() >= len(f.plain.body) {
		return &f.plain
	}
	v := newVariant(bytes.Clone(out.Bytes()), "gzip")
	return &v
}

// siteCache keeps small files by the path of the request, up to a size; when it
// is full, the others are read again each time.
type siteCache struct {
	files sync.Map // string → *smallFile
	mu    sync.Mutex
	bytes int
}

func (c *siteCache) get(path string) *smallFile {
	if v, ok := c.files.Load(path); ok {
		return v.(*smallFile)
	}
	return nil
}

func (c *siteCache) put(path string, f *smallFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes+f.size > siteCacheBytes {
		return
	}
	if _, there := c.files.LoadOrStore(strings.Clone(path), f); !there {
		c.bytes += f.size
	}
}

// tagOf makes the entity tag of a file on the disk.
func tagOf(info os.FileInfo, suffix string) string {
	return fmt.Sprintf(`"%x-%x%s"`, info.Size(), info.ModTime().UnixNano(), suffix)
}

// cacheControl lets browsers keep what pages are made of for some minutes, but
// ask each time whether a page itself is still the newest.
func cacheControl(name string) string {
	if ext := path.Ext(name); ext == ".html" || ext == ".htm" {
		return "no-cache"
	}
	return "max-age=300"
}

// compressible reports whether a type is text.
func compressible(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+xml") || strings.HasSuffix(kind, "+json") ||
		strings.Contains(kind, "javascript") || kind == "application/json" || kind == "application/xml" || kind == "application/wasm"
}

// contentTypes of what sites are made of; the machine's own table, which can
// differ, is asked for the rest.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".txt": "text/plain; charset=utf-8", ".md": "text/markdown; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	".ics": "text/calendar; charset=utf-8", ".vcf": "text/vcard; charset=utf-8",
	".xml": "application/xml", ".atom": "application/atom+xml", ".rss": "application/rss+xml", ".svg": "image/svg+xml",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".avif": "image/avif", ".ico": "image/vnd.microsoft.icon", ".woff": "font/woff", ".woff2": "font/woff2",
	".ttf": "font/ttf", ".otf": "font/otf", ".pdf": "application/pdf", ".epub": "application/epub+zip",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".mp4": "video/mp4", ".webm": "video/webm",
	".zip": "application/zip", ".gz": "application/gzip", ".wasm": "application/wasm",
}

// contentType returns the type of a file by its name.
func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if kind := contentTypes[ext]; kind != "" {
		return kind
	}
	if kind := mime.TypeByExtension(ext); kind != "" {
		return kind
	}
	return "application/octet-stream"
}
