// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
)

// Image finds an image by id, tag or digest.
func (f *Fake) Image(ctx context.Context, ref string) (engine.ImageInfo, bool, error) {
	err := f.begin(ctx, "Image", "", ref)
	defer f.mu.Unlock()
	if err != nil {
		return engine.ImageInfo{}, false, err
	}
	i := f.imageIndex(ref)
	if i < 0 {
		return engine.ImageInfo{}, false, nil
	}
	return f.images[i], true, nil
}

// Images lists images that carry the label key.
func (f *Fake) Images(ctx context.Context, label string) ([]engine.ImageInfo, error) {
	err := f.begin(ctx, "Images", "", label)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []engine.ImageInfo
	for _, i := range f.images {
		if _, ok := i.Labels[label]; ok {
			out = append(out, i)
		}
	}
	return out, nil
}

// Pull succeeds for images that AddImage added, and says for all others that
// no registry answers.
func (f *Fake) Pull(ctx context.Context, ref string, p appliance.Progress) (engine.ImageInfo, error) {
	err := f.begin(ctx, "Pull", "", ref)
	defer f.mu.Unlock()
	if err != nil {
		return engine.ImageInfo{}, err
	}
	i := f.imageIndex(ref)
	if i < 0 {
		return engine.ImageInfo{}, &problem.Problem{
			Code: "registry-unreachable", Kind: problem.Unavailable,
			What: "the image registry does not answer", Why: "the fake engine has none", Next: []string{"add the image with AddImage"},
		}
	}
	p.Advance(f.images[i].Bytes, f.images[i].Bytes)
	return f.images[i], nil
}

// Import makes an image whose id is the hash of its content.
func (f *Fake) Import(ctx context.Context, tag string, labels map[string]string, rootfs io.Reader) (engine.ImageInfo, error) {
	return f.make(ctx, "Import", tag, labels, rootfs)
}

// BuildImage makes an image whose id is the hash of its context.
func (f *Fake) BuildImage(ctx context.Context, b engine.Build, p appliance.Progress) (engine.ImageInfo, error) {
	info, err := f.make(ctx, "BuildImage", b.Tag, b.Labels, b.Context)
	if err == nil {
		p.Log("Successfully built " + info.ID)
	}
	return info, err
}

func (f *Fake) make(ctx context.Context, op, tag string, labels map[string]string, content io.Reader) (engine.ImageInfo, error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, op, tag, labels) // the same content under another name is another image
	n, readErr := io.Copy(h, content)
	err := f.begin(ctx, op, "", tag)
	defer f.mu.Unlock()
	if err != nil {
		return engine.ImageInfo{}, err
	}
	if readErr != nil {
		return engine.ImageInfo{}, fmt.Errorf("read content: %w", readErr)
	}
	info := engine.ImageInfo{
		ID: "sha256:" + hex.EncodeToString(h.Sum(nil)), Tags: []string{tag}, Labels: maps.Clone(labels),
		Bytes: n, Created: f.now(), Arch: "amd64",
	}
	for i := range f.images { // a tag names one image
		f.images[i].Tags = slices.DeleteFunc(slices.Clone(f.images[i].Tags), func(t string) bool { return t == tag })
	}
	f.images = append(f.images, info)
	return info, nil
}

// RemoveImage removes an image; one in use stays and gives an error.
func (f *Fake) RemoveImage(ctx context.Context, ref string) error {
	err := f.begin(ctx, "RemoveImage", "", ref)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	i := f.imageIndex(ref)
	if i < 0 {
		return nil
	}
	for _, in := range f.installs {
		for _, c := range in.containers {
			if c.ImageID == f.images[i].ID {
				return fmt.Errorf("remove image %s: %s uses it", ref, c.Name)
			}
		}
	}
	f.images = slices.Delete(f.images, i, i+1)
	return nil
}

func (f *Fake) imageIndex(ref string) int {
	return slices.IndexFunc(f.images, func(i engine.ImageInfo) bool {
		return i.ID == ref || slices.Contains(i.Tags, ref) || slices.Contains(i.Digests, ref) ||
			slices.ContainsFunc(i.Digests, func(d string) bool { return strings.HasSuffix(ref, "@"+d) })
	})
}
