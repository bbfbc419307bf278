// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/recipes"
)

// DebianVersion is the version of a recipe's program in an image that was built
// here of Debian's packages, as the package named like the recipe has it: "6.1.9".
// It is empty when that is not known.
func (im *Images) DebianVersion(recipe string, image appliance.Image) string {
	if image.Source != appliance.FromDebian {
		return ""
	}
	list, err := os.ReadFile(im.packagesPath(image.ID))
	if err != nil {
		return ""
	}
	return packagedVersion(string(list), recipe)
}

// BuiltVersion is the DebianVersion of the image that Ensure would take for a
// service, asked for Debian's; empty when it would have to be built first.
func (im *Images) BuiltVersion(ctx context.Context, r *recipes.Recipe, service string) string {
	w := wanted(r, service, "")
	if w.debian == "" {
		return ""
	}
	files, err := readContext(w)
	if err != nil {
		return ""
	}
	host, err := im.Apt.host(ctx, im.Suite)
	if err != nil {
		return ""
	}
	b, ok, err := im.findBase(ctx, host)
	if err != nil || !ok {
		return ""
	}
	got, _, err := im.findBuilt(ctx, w, serviceKey(b, files))
	if err != nil {
		return ""
	}
	return im.DebianVersion(r.Name, got)
}

// versioned is an image that was built here, with the version of the program in
// it. Another box's agent may have built it at the same engine: then its
// packages are listed now.
func (im *Images) versioned(ctx context.Context, w want, image appliance.Image) (appliance.Image, error) {
	if _, err := os.Stat(im.packagesPath(image.ID)); errors.Is(err, fs.ErrNotExist) {
		done, err := im.turn(ctx)
		if err != nil {
			return appliance.Image{}, fmt.Errorf("list packages: %w", err)
		}
		im.recordPackages(ctx, image.ID)
		done()
	}
	image.Version = im.DebianVersion(w.recipe, image)
	im.Log.DebugContext(ctx, "image has a version", logkey.Image, image.Ref, "version", image.Version)
	return image, nil
}

// packagedVersion finds a package in a list with one "name version" a line, and
// returns its version as upstream counts.
func packagedVersion(list, name string) string {
	for line := range strings.Lines(list) {
		if version, ok := strings.CutPrefix(line, name+" "); ok {
			return upstreamVersion(strings.TrimSpace(version))
		}
	}
	return ""
}

// upstreamVersion takes from a package's version what Debian added to that of
// the program: epoch, revision, and the mark of sources that were packed anew
// (deb-version(7), Debian Developer's Reference 6.7.8.2):
// "1:6.1.9+dfsg1-0+deb12u1" → "6.1.9".
func upstreamVersion(version string) string {
	if _, rest, ok := strings.Cut(version, ":"); ok {
		version = rest
	}
	if i := strings.LastIndexByte(version, '-'); i > 0 {
		version = version[:i]
	}
	for _, mark := range []string{"+dfsg", "~dfsg", ".dfsg", "+ds", "~ds", "+repack"} {
		version, _, _ = strings.Cut(version, mark)
	}
	return version
}
