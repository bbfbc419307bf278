// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/recipes"
)

// runs is the version of the program that a release really runs: that of its
// recipe, or the one that Debian had when its image was built here.
func (a *Apps) runs(r *release) string {
	image := r.Images[r.recipe.Web[0].Service]
	if image.Source != appliance.FromDebian {
		return r.Version
	}
	if a.Debian != nil && image.Version == "" { // an older program did not record it
		image.Version = a.Debian.DebianVersion(r.recipe.Name, image)
	}
	return ofDebian(image.Version)
}

// willRun is what runs will be after an add, as far as that is known before.
func (a *Apps) willRun(ctx context.Context, r *recipes.Recipe, spec engine.Spec, force appliance.ImageSource) string {
	main := r.Web[0].Service
	at := slices.IndexFunc(spec.Services, func(s engine.Service) bool { return s.Name == main })
	if at < 0 || !builds(spec.Services[at].Service, force) {
		return r.Version
	}
	if a.Debian == nil {
		return ofDebian("")
	}
	return ofDebian(a.Debian.BuiltVersion(ctx, r, main))
}

// builds reports whether the image of a service can only be built here.
func builds(s recipes.Service, force appliance.ImageSource) bool {
	return force == appliance.FromDebian || s.Image == ""
}

// ofDebian marks a version, which may be unknown, as Debian's: it is the same
// mark in every language.
func ofDebian(version string) string { return strings.TrimSpace(version + " (Debian)") }
