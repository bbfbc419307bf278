// SPDX-License-Identifier: AGPL-3.0-or-later

// Package complete owns what the shell offers when Tab is pressed: names that
// the agent knows, if it answers at once. It knows nothing of the commands.
// Its tests are the CLI's scripts.
package complete

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/control"
	"coopkit/recipes"
)

// patience is how long a person who pressed Tab is kept waiting.
const patience = 300 * time.Millisecond

// Func is what cobra wants for the arguments of a command.
type Func = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// from completes argument number position (from 0) with what list answers.
func from(env *base.Env, position int, list func(context.Context, control.Agent) ([]string, error)) Func {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) != position {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		parent := cmd.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, patience)
		defer cancel()
		words, err := list(ctx, env.Agent())
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// words takes one word of each item.
func words[T any](items []T, err error, word func(T) string) ([]string, error) {
	all := make([]string, 0, len(items))
	for _, i := range items {
		all = append(all, word(i))
	}
	return all, err
}

// Apps completes the first argument with the names of apps.
func Apps(env *base.Env) Func {
	return from(env, 0, func(ctx context.Context, b control.Agent) ([]string, error) {
		apps, err := b.Apps.List(ctx)
		return words(apps, err, func(a appliance.App) string { return string(a.Name) })
	})
}

// Recipes completes the first argument with the names of recipes.
func Recipes(env *base.Env) Func {
	return from(env, 0, func(ctx context.Context, b control.Agent) ([]string, error) {
		list, err := b.Recipes.List(ctx)
		return words(list, err, func(r *recipes.Recipe) string { return r.Name + "\t" + r.Summary["en"] })
	})
}

// Sites completes argument number position with the hosts of sites.
func Sites(env *base.Env, position int) Func {
	return from(env, position, func(ctx context.Context, b control.Agent) ([]string, error) {
		sites, err := b.Sites.List(ctx)
		return words(sites, err, func(s appliance.Site) string { return string(s.Host) })
	})
}

// Zones completes the first argument with the zones of this box.
func Zones(env *base.Env) Func {
	return from(env, 0, func(ctx context.Context, b control.Agent) ([]string, error) {
		names, err := b.Names.Zones(ctx)
		return words(names, err, func(n appliance.Zone) string { return n.Zone })
	})
}

// Redirects completes the first argument with the hosts of redirects.
func Redirects(env *base.Env) Func {
	return from(env, 0, func(ctx context.Context, b control.Agent) ([]string, error) {
		list, err := b.Redirects.List(ctx)
		return words(list, err, func(r appliance.Address) string { return string(r.Host) })
	})
}

// Jobs completes the first argument with the latest jobs.
func Jobs(env *base.Env) Func {
	return from(env, 0, func(ctx context.Context, b control.Agent) ([]string, error) {
		jobs, err := b.Jobs.List(ctx, 20)
		return words(jobs, err, func(j appliance.Job) string { return fmt.Sprintf("%d\t%s %s", j.ID, j.Kind, j.Subject) })
	})
}
