// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static icons
var files embed.FS

// asset is one file as it is sent: its name holds a hash of its content, so a
// browser keeps it for ever.
type asset struct {
	data, zipped []byte
	kind         string
}

type assets struct {
	byURL map[string]asset  // /static/style.<hash>.css
	urls  map[string]string // style.css → its URL
	icons map[string]template.HTML
}

const staticPath = "/static/"

func newAssets() (*assets, error) {
	a := &assets{byURL: map[string]asset{}, urls: map[string]string{}, icons: map[string]template.HTML{}}
	if err := each("static", a.add); err != nil {
		return nil, err
	}
	return a, each("icons", a.addIcon)
}

func each(folder string, add func(name string, data []byte) error) error {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		return fmt.Errorf("read %s: %w", folder, err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil {
			return fmt.Errorf("read %s: %w", e.Name(), err)
		}
		if err := add(e.Name(), data); err != nil {
			return err
		}
	}
	return nil
}

func (a *assets) add(name string, data []byte) error {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	url := staticPath + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	if _, err := z.Write(data); err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress %s: %w", name, err)
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	a.byURL[url] = asset{data: data, zipped: b.Bytes(), kind: kinds[ext]}
	a.urls[name] = url
	return nil
}

// addIcon keeps a drawing as it stands in a page: always beside a word, so
// nobody needs to be told what it shows.
func (a *assets) addIcon(name string, data []byte) error {
	name = strings.TrimSuffix(name, ".svg")
	head, inner, ok := strings.Cut(strings.TrimSpace(string(data)), ">")
	_, box, found := strings.Cut(head, `viewBox="`)
	box, _, closed := strings.Cut(box, `"`)
	if !ok || !found || !closed {
		return fmt.Errorf("icon %s has no viewBox", name)
	}
	a.icons[name] = template.HTML(`<svg viewBox="` + box + `" aria-hidden="true" focusable="false">` + inner) //nolint:gosec // our own drawing
	return nil
}

func (a *assets) icon(name string) (template.HTML, error) {
	svg, ok := a.icons[name]
	if !ok {
		return "", fmt.Errorf("there is no icon %q", name)
	}
	return svg, nil
}

func (a *assets) url(name string) (string, error) {
	url, ok := a.urls[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return url, nil
}

// ServeHTTP sends an asset.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byURL[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	data := file.data
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		data = file.zipped
	}
	_, _ = w.Write(data) // the browser went away
}
