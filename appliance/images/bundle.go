// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"

	"github.com/distribution/reference"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// fromBundle gets the image from an offline bundle: a folder below bundles/
// in the OCI image layout (blobs/sha256/…), as "skopeo copy --all" writes it.
// The engine pulls it by digest from a registry that lives only for that long
// on this machine, so that the engine itself checks every byte.
func (im *Images) fromBundle(ctx context.Context, w want, p appliance.Progress) (appliance.Image, error) {
	ref, err := parseImage(w)
	if err != nil {
		return appliance.Image{}, errNoSource
	}
	layout := im.bundleWith(ref.Digest().String())
	if layout == "" {
		return appliance.Image{}, errNoSource
	}
	if got, ok, err := im.have(ctx, w, ref); err != nil || ok {
		return got, err
	}
	return im.fetch(ctx, w, ref, appliance.FromBundle, p, func(ctx context.Context) (engine.ImageInfo, error) {
		return im.pullFromLayout(ctx, layout, ref, p)
	})
}

var sha256Digest = regexp.MustCompile(`^sha256:([0-9a-f]{64})$`)

// bundleWith returns the bundle that has the digest, or "".
func (im *Images) bundleWith(digest string) string {
	m := sha256Digest.FindStringSubmatch(digest)
	if m == nil {
		return ""
	}
	found, err := filepath.Glob(filepath.Join(im.Dir, "bundles", "*", "blobs", "sha256", m[1]))
	if err != nil || len(found) == 0 {
		return ""
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(found[0])))
}

func (im *Images) pullFromLayout(ctx context.Context, layout string, ref reference.Canonical, p appliance.Progress) (engine.ImageInfo, error) {
	root, err := os.OpenRoot(layout)
	if err != nil {
		return engine.ImageInfo{}, fmt.Errorf("open bundle: %w", err)
	}
	defer func() { _ = root.Close() }()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return engine.ImageInfo{}, fmt.Errorf("serve bundle: %w", err)
	}
	srv := &http.Server{Handler: layoutRegistry(root), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	defer func() { _ = srv.Close(); <-done }()
	name := fmt.Sprintf("%s/%s@%s", l.Addr(), reference.Path(ref), ref.Digest())
	return im.Engine.Pull(ctx, name, p)
}

// layoutRegistry answers the three questions of a pull by digest from an OCI
// image layout. It is read-only and knows no tags.
func layoutRegistry(root *os.Root) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			w.WriteHeader(http.StatusOK)
			return
		}
		kind, digest := splitQuestion(r.URL.Path)
		m := sha256Digest.FindStringSubmatch(digest)
		if m == nil || kind == "" {
			http.NotFound(w, r)
			return
		}
		f, err := root.Open("blobs/sha256/" + m[1])
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer func() { _ = f.Close() }()
		w.Header().Set("Docker-Content-Digest", digest)
		w.Header().Set("Content-Type", "application/octet-stream")
		if kind == "manifests" {
			w.Header().Set("Content-Type", manifestType(io.LimitReader(f, 4<<20)))
		}
		http.ServeContent(w, r, "", time.Time{}, f) // seeks back to the start
	})
}

// manifestType returns a manifest's own media type; OCI lets it go unsaid.
func manifestType(r io.Reader) string {
	var m struct {
		MediaType string            `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
	}
	err := json.NewDecoder(r).Decode(&m)
	switch {
	case err == nil && m.MediaType != "":
		return m.MediaType
	case err == nil && m.Manifests != nil:
		return ocispec.MediaTypeImageIndex
	default:
		return ocispec.MediaTypeImageManifest
	}
}

// splitQuestion takes /v2/<name>/<kind>/<digest> apart.
func splitQuestion(path string) (kind, digest string) {
	parts := strings.Split(path, "/")
	if len(parts) < 5 {
		return "", ""
	}
	kind, digest = parts[len(parts)-2], parts[len(parts)-1]
	if kind != "manifests" && kind != "blobs" {
		return "", ""
	}
	return kind, digest
}
