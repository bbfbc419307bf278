// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"testing"

	"coopkit/appliance"
	"coopkit/recipes"
)

// packaged is what Debian has: the same of everything.
type packaged string

func (p packaged) DebianVersion(string, appliance.Image) string                 { return string(p) }
func (p packaged) BuiltVersion(context.Context, *recipes.Recipe, string) string { return string(p) }

// TestVersion_isTheOneThatReallyRuns: a release built of Debian's packages is
// not of the version that its recipe is written for.
func TestVersion_isTheOneThatReallyRuns(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	recipe, err := b.Catalogue.Find("echo")
	if err != nil {
		t.Fatal(err)
	}
	b.Images = &source{fake: fake, kind: appliance.FromDebian}
	job, err := b.Add(t.Context(), echo)
	b.follow(t, job, err)
	for _, c := range []struct {
		debian DebianVersions
		want   string
	}{{nil, "(Debian)"}, {packaged(""), "(Debian)"}, {packaged("6.1.9"), "6.1.9 (Debian)"}} {
		b.Debian = c.debian
		if got, err := b.Show(t.Context(), "echo"); err != nil || got.Version != c.want {
			t.Errorf("the app has version %q, %v; want %q", got.Version, err, c.want)
		}
		req := echo
		req.Name, req.Host, req.Images = "second", "second.demo.coop", appliance.FromDebian
		if plan, err := b.PlanAdd(t.Context(), req); err != nil || plan.Args["version"] != c.want {
			t.Errorf("the plan says version %q, %v; want %q", plan.Args["version"], err, c.want)
		}
		req.Images = appliance.FromRegistry
		if plan, err := b.PlanAdd(t.Context(), req); err != nil || plan.Args["version"] != recipe.Version {
			t.Errorf("from a registry it is %q, %v; want %q", plan.Args["version"], err, recipe.Version)
		}
	}
}
