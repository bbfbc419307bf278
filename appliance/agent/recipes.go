// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"fmt"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/recipes"
)

// recipeCalls are the recipes of this box for others.
type recipeCalls struct{ *backend }

// List lists the catalogue.
func (b recipeCalls) List(context.Context) ([]*recipes.Recipe, error) { return b.catalogue.All(), nil }

// Show shows one recipe.
func (b recipeCalls) Show(_ context.Context, name string) (*recipes.Recipe, error) {
	return b.catalogue.Find(name)
}

// Test tries a recipe in a scratch place.
func (b recipeCalls) Test(ctx context.Context, req appliance.TestRecipe) (appliance.Job, error) {
	return b.apps.TestRecipe(ctx, req.Name, req.Images)
}

// RefreshImages builds images anew for which Debian has newer packages.
func (b recipeCalls) RefreshImages(ctx context.Context) (appliance.Job, error) {
	return b.jobs.Start(ctx, appliance.ChangeRefreshImages, "images", struct{}{})
}

func (b *backend) refreshSteps(context.Context, struct{}) ([]jobs.Step, error) {
	return []jobs.Step{{
		Code: appliance.StepRefresh,
		Do: func(ctx context.Context, p appliance.Progress) error {
			done, err := b.images.Refresh(ctx, b.catalogue.All(), p)
			for _, r := range done {
				p.Log(fmt.Sprintf("%s: %d packages newer", strings.TrimSpace(r.Recipe+" "+r.Service), len(r.Packages)))
			}
			if err == nil && len(done) == 0 {
				p.Log("everything is as Debian publishes it")
			}
			return err
		},
	}}, nil
}
