// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"

	"coopkit/appliance"
	"coopkit/internal/localrpc"
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

var recipesArea = localrpc.Area[Agent, Recipes]{Part: func(a Agent) Recipes { return a.Recipes }}

var (
	listRecipes   = localrpc.Get(&recipesArea, "/v1/recipes", "The recipes that this agent can add.", localrpc.Bare(Recipes.List))
	showRecipe    = localrpc.Get(&recipesArea, "/v1/recipes/{name}", "One recipe.", Recipes.Show)
	testRecipe    = localrpc.Post(&recipesArea, "/v1/recipes/{name}/test", "Adds it to a scratch place, runs its smoke test and removes it.", Recipes.Test)
	refreshImages = localrpc.Post(&recipesArea, "/v1/images/refresh", "Builds images again whose Debian packages have updates.", localrpc.Bare(Recipes.RefreshImages))
)

type recipesClient struct{ *localrpc.Client }

func (c recipesClient) List(ctx context.Context) ([]*recipes.Recipe, error) {
	return listRecipes.Do(ctx, c.Client, localrpc.None{})
}

func (c recipesClient) Show(ctx context.Context, name string) (*recipes.Recipe, error) {
	return showRecipe.Do(ctx, c.Client, name)
}

func (c recipesClient) Test(ctx context.Context, req appliance.TestRecipe) (appliance.Job, error) {
	return testRecipe.Do(ctx, c.Client, req)
}

func (c recipesClient) RefreshImages(ctx context.Context) (appliance.Job, error) {
	return refreshImages.Do(ctx, c.Client, localrpc.None{})
}
