// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// Image returns the image that ref names: a tag, a name@digest or an id.
func (e *Engine) Image(ctx context.Context, ref string) (engine.ImageInfo, bool, error) {
	if err := e.meet(ctx); err != nil {
		return engine.ImageInfo{}, false, err
	}
	i, err := e.cli.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return engine.ImageInfo{}, false, nil
	}
	if err != nil {
		return engine.ImageInfo{}, false, e.wrap(err, "inspect image")
	}
	created, _ := time.Parse(time.RFC3339Nano, i.Created) // zero if the image does not say
	info := engine.ImageInfo{
		ID: i.ID, Tags: i.RepoTags, Digests: i.RepoDigests, Bytes: i.Size, Created: created, Arch: i.Architecture,
	}
	if i.Config != nil {
		info.Labels = i.Config.Labels
	}
	return info, true, nil
}

// Images lists images that carry the label key, with any value.
func (e *Engine) Images(ctx context.Context, label string) ([]engine.ImageInfo, error) {
	if err := e.meet(ctx); err != nil {
		return nil, err
	}
	list, err := e.cli.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("label", label))})
	if err != nil {
		return nil, e.wrap(err, "list images")
	}
	var out []engine.ImageInfo
	for _, s := range list {
		info, ok, err := e.Image(ctx, s.ID)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, info)
		}
	}
	return out, nil
}

// RemoveImage removes an image; one in use stays and gives an error.
func (e *Engine) RemoveImage(ctx context.Context, ref string) error {
	_, err := e.cli.ImageRemove(ctx, ref, image.RemoveOptions{PruneChildren: true})
	return e.wrap(ignoreMissing(err), "remove image")
}

// Pull fetches ref from its registry. A registry that cannot be reached gives
// a Problem "registry-unreachable", an image that it does not give, or gives
// with the wrong digest, "image-pull-failed".
func (e *Engine) Pull(ctx context.Context, ref string, p appliance.Progress) (engine.ImageInfo, error) {
	stream, err := e.cli.ImagePull(ctx, ref, image.PullOptions{})
	if err != nil {
		return engine.ImageInfo{}, e.pullFailed(ctx, ref, err)
	}
	layers := layerProgress{}
	err = readMessages(stream, func(m message) {
		switch {
		case m.Progress.Total > 0 && m.Status == "Downloading":
			p.Advance(layers.add(m.ID, m.Progress.Current, m.Progress.Total))
		case m.ID == "" && m.Status != "":
			p.Log(m.Status)
		}
	})
	if err := errors.Join(err, stream.Close()); err != nil {
		return engine.ImageInfo{}, e.pullFailed(ctx, ref, err)
	}
	return e.made(ctx, ref)
}

// pullFailed sorts what the engine said by its status. The engine answers
// "not found", "unauthorised" and the like for what a registry refused; what
// it calls its own failure before anything came is the way to the registry.
func (e *Engine) pullFailed(ctx context.Context, ref string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	wrapped := e.wrap(err, "pull image")
	if _, ok := errors.AsType[*problem.Problem](wrapped); ok {
		return wrapped
	}
	registry, _, _ := strings.Cut(ref, "/")
	if cerrdefs.IsInternal(err) || cerrdefs.IsUnavailable(err) || cerrdefs.IsUnknown(err) {
		return &problem.Problem{
			Code: "registry-unreachable", Kind: problem.Unavailable,
			What: "the image registry " + registry + " does not answer", Why: "the container engine says: " + err.Error(),
			Next: []string{"check the Internet connection of this machine", "use --images debian, if the recipe can be built here", "try again later: registries limit how often one may ask"},
			Err:  wrapped,
		}
	}
	return &problem.Problem{
		Code: "image-pull-failed",
		What: "the image " + ref + " could not be fetched", Why: "the container engine says: " + err.Error(),
		Next: []string{"df -h, to see whether the disk is full", "try again later", "tell the recipe's maintainer if it goes on"},
		Err:  wrapped,
	}
}

// Import makes an image of a root file system tar stream.
func (e *Engine) Import(ctx context.Context, tag string, labels map[string]string, rootfs io.Reader) (engine.ImageInfo, error) {
	var changes []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		changes = append(changes, "LABEL "+quote(k)+"="+quote(labels[k]))
	}
	stream, err := e.cli.ImageImport(ctx, image.ImportSource{Source: rootfs, SourceName: "-"}, tag, image.ImportOptions{Changes: changes})
	if err != nil {
		return engine.ImageInfo{}, cause(ctx, e.wrap(err, "import image"))
	}
	err = readMessages(stream, func(message) {})
	if err := errors.Join(err, stream.Close()); err != nil {
		return engine.ImageInfo{}, cause(ctx, e.wrap(err, "import image"))
	}
	return e.made(ctx, tag)
}

// quote writes a word for a Dockerfile line: quoted, nothing expanded.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", " ", "\r", " ").Replace(s) + `"`
}

// made finds the image that the engine says it just made.
func (e *Engine) made(ctx context.Context, ref string) (engine.ImageInfo, error) {
	info, ok, err := e.Image(ctx, ref)
	if err == nil && !ok {
		err = fmt.Errorf("find image %s: the engine does not have what it just made", ref)
	}
	return info, err
}

// layerProgress adds up the layers of an image.
type layerProgress map[string][2]int64

func (l layerProgress) add(layer string, current, total int64) (done, all int64) {
	l[layer] = [2]int64{current, total}
	for _, v := range l {
		done += v[0]
		all += v[1]
	}
	return done, all
}
