// SPDX-License-Identifier: AGPL-3.0-or-later

package images

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// PackageChange is one package that got newer; From is empty when it is new.
type PackageChange struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// Refreshed is one image that was built anew because Debian published newer
// packages for it.
type Refreshed struct {
	Recipe   string          `json:"recipe"`  // empty: the base of all
	Service  string          `json:"service"` // empty: the base of all
	Old      string          `json:"old"`     // image id
	New      appliance.Image `json:"new"`
	Packages []PackageChange `json:"packages"` // of this image, beside those of the base
}

// Refresh asks Debian's archive whether it has newer packages for the base
// and for the images of these recipes that were built here, and builds those
// anew. Images that were never built are left alone. The old ones stay, for
// going back, until Clean. What was done before an error is returned with it.
func (im *Images) Refresh(ctx context.Context, all []*recipes.Recipe, p appliance.Progress) ([]Refreshed, error) {
	var wants []want
	for _, r := range all {
		for service, source := range r.Images {
			if source.Debian != "" {
				wants = append(wants, want{
					recipe: r.Name, version: r.Version, service: service, debian: source.Debian, files: r.Files(),
				})
			}
		}
	}
	slices.SortFunc(wants, func(a, b want) int { return strings.Compare(a.name(), b.name()) })
	return im.refresh(ctx, wants, p)
}

func (im *Images) refresh(ctx context.Context, wants []want, p appliance.Progress) ([]Refreshed, error) {
	host, err := im.Apt.host(ctx, im.Suite)
	if err != nil {
		return nil, err
	}
	old, ok, err := im.findBase(ctx, host)
	if err != nil || !ok {
		return nil, err
	}
	var done []Refreshed
	now := old
	updates, err := im.updates(ctx, old.id)
	if err != nil {
		return nil, err
	}
	if len(updates) > 0 {
		p.Log(fmt.Sprintf("the base: %d newer packages", len(updates)))
		if now, err = once(ctx, im, "base", func() (base, error) { return im.makeBase(ctx, host, p) }); err != nil {
			return nil, err
		}
		done = append(done, Refreshed{
			Old: old.id, Packages: updates,
			New: appliance.Image{Ref: now.tag, ID: now.id, Source: appliance.FromDebian},
		})
	}
	for i, w := range wants {
		p.Advance(int64(i), int64(len(wants)))
		r, ok, err := im.refreshService(ctx, w, now, p)
		if err != nil {
			return done, err
		}
		if ok {
			done = append(done, r)
		}
	}
	p.Advance(int64(len(wants)), int64(len(wants)))
	return done, nil
}

// refreshService builds one image anew if it was built of another base or
// another recipe folder than there is now, or if Debian has newer packages for
// it.
func (im *Images) refreshService(ctx context.Context, w want, now base, p appliance.Progress) (Refreshed, bool, error) {
	files, err := readContext(w)
	if err != nil {
		return Refreshed{}, false, err
	}
	before, err := im.newest(ctx, func(i engine.ImageInfo) bool {
		return i.Labels[LabelService] == w.name() && len(i.Tags) > 0
	})
	if err != nil || before == nil {
		return Refreshed{}, false, err
	}
	updates, err := im.updates(ctx, before.ID)
	if err != nil {
		return Refreshed{}, false, err
	}
	if len(updates) == 0 && before.Labels[LabelKey] == serviceKey(now, files) {
		return Refreshed{}, false, nil
	}
	p.Log(fmt.Sprintf("%s: %d newer packages", w.name(), len(updates)))
	image, err := im.build(ctx, w, now, files, true, p)
	if err != nil {
		return Refreshed{}, false, err
	}
	return Refreshed{Recipe: w.recipe, Service: w.service, Old: before.ID, New: image, Packages: updates}, true, nil
}

// updates asks apt inside an image what an upgrade would install.
func (im *Images) updates(ctx context.Context, id string) ([]PackageChange, error) {
	done, err := im.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	lines, err := im.inside(ctx, id, "{ apt-get -qq -o APT::Update::Error-Mode=any update && apt-get -s -qq dist-upgrade; }")
	if errors.Is(err, &problem.Problem{Code: "engine-unreachable"}) || ctx.Err() != nil {
		return nil, err
	}
	if err != nil {
		return nil, &problem.Problem{
			Code: "debian-updates-unknown", Kind: problem.Unavailable,
			What: "Debian's archive could not be asked for updates",
			Why:  "this box, or the containers on it, cannot reach the archive: " + problem.Reason(err),
			Next: []string{"check that this box can install packages: apt-get update", "try again later; nothing was changed"},
			Err:  err,
		}
	}
	return parseUpgrade(lines), nil
}

// aptInst matches what "apt-get -s" says of a package that it would install:
// Inst libc6 [2.36-9] (2.36-9+deb12u10 Debian:12.11/stable [amd64])
var aptInst = regexp.MustCompile(`^Inst (\S+) (?:\[([^\]]+)\] )?\((\S+) `)

func parseUpgrade(lines []string) []PackageChange {
	var changes []PackageChange
	for _, line := range lines {
		if m := aptInst.FindStringSubmatch(line); m != nil {
			changes = append(changes, PackageChange{Name: m[1], From: m[2], To: m[3]})
		}
	}
	return changes
}
