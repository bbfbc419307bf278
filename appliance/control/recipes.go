// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/recipes"
)

// Recipes are what this agent can add. Through a client they come without their
// files.
type Recipes interface {
	List(ctx context.Context) ([]*recipes.Recipe, error)
	Show(ctx context.Context, name string) (*recipes.Recipe, error)
	Test(ctx context.Context, req appliance.TestRecipe) (appliance.Job, error)
	RefreshImages(ctx context.Context) (appliance.Job, error)
}

var recipesArea = area[Recipes]{part: func(a Agent) Recipes { return a.Recipes }}

var (
	listRecipes   = get(&recipesArea, "/v1/recipes", "The recipes that this agent can add.", bare(Recipes.List))
	showRecipe    = get(&recipesArea, "/v1/recipes/{name}", "One recipe.", Recipes.Show)
	testRecipe    = post(&recipesArea, "/v1/recipes/{name}/test", "Adds it to a scratch place, runs its smoke test and removes it.", Recipes.Test)
	refreshImages = post(&recipesArea, "/v1/images/refresh", "Builds images again whose Debian packages have updates.", bare(Recipes.RefreshImages))
)

type recipesClient struct{ *client }

func (c recipesClient) List(ctx context.Context) ([]*recipes.Recipe, error) {
	return listRecipes.do(ctx, c.client, none{})
}

func (c recipesClient) Show(ctx context.Context, name string) (*recipes.Recipe, error) {
	return showRecipe.do(ctx, c.client, name)
}

func (c recipesClient) Test(ctx context.Context, req appliance.TestRecipe) (appliance.Job, error) {
	return testRecipe.do(ctx, c.client, req)
}

func (c recipesClient) RefreshImages(ctx context.Context) (appliance.Job, error) {
	return refreshImages.do(ctx, c.client, none{})
}
