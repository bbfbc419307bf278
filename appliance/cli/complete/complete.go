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

// question is a call that answers with a list.
type question[T any] = func(context.Context) ([]T, error)

// from completes argument number position (from 0) with a word of each item of
// the answer.
func from[T any](env *base.Env, position int, ask func(control.Agent) question[T], word func(T) string) Func {
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
		items, err := ask(env.Agent())(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		words := make([]string, len(items))
		for i, item := range items {
			words[i] = word(item)
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// Apps completes the first argument with the names of apps.
func Apps(env *base.Env) Func {
	return from(env, 0, func(a control.Agent) question[appliance.App] { return a.Apps.List },
		func(a appliance.App) string { return string(a.Name) })
}

// Recipes completes the first argument with the names of recipes.
func Recipes(env *base.Env) Func {
	return from(env, 0, func(a control.Agent) question[*recipes.Recipe] { return a.Recipes.List },
		func(r *recipes.Recipe) string { return r.Name + "\t" + r.Summary["en"] })
}

// Sites completes argument number position with the hosts of sites.
func Sites(env *base.Env, position int) Func {
	return from(env, position, func(a control.Agent) question[appliance.Site] { return a.Sites.List },
		func(s appliance.Site) string { return string(s.Host) })
}

// Zones completes the first argument with the zones of this box.
func Zones(env *base.Env) Func {
	return from(env, 0, func(a control.Agent) question[appliance.Zone] { return a.Names.Zones },
		func(z appliance.Zone) string { return z.Zone })
}

// Redirects completes the first argument with the hosts of redirects.
func Redirects(env *base.Env) Func {
	return from(env, 0, func(a control.Agent) question[appliance.Address] { return a.Redirects.List },
		func(r appliance.Address) string { return string(r.Host) })
}

// Jobs completes the first argument with the latest jobs.
func Jobs(env *base.Env) Func {
	return from(env, 0, func(a control.Agent) question[appliance.Job] {
		return func(ctx context.Context) ([]appliance.Job, error) { return a.Jobs.List(ctx, 20) }
	}, func(j appliance.Job) string { return fmt.Sprintf("%d\t%s %s", j.ID, j.Kind, j.Subject) })
}
