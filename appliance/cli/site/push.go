// SPDX-License-Identifier: AGPL-3.0-or-later

package site

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
	"coopkit/appliance/control"
	"coopkit/internal/term"
)

func newPush(env *base.Env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "push <folder> <host>", Short: "Publish a folder as a site at a name",
		Long: "Publishes a folder as the new version of a site, immediately for every visitor. " +
			"Files and folders that begin with a dot are left out, except .well-known; links that lead out of the folder are refused.",
		Example: "  coopkit site push public/ demo.coop",
		Args:    cobra.ExactArgs(2),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
			return complete.Sites(env, 1)(cmd, args, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return push(cmd.Context(), env, args[0], args[1], yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}

func push(ctx context.Context, env *base.Env, dir, host string, yes bool) (err error) {
	a, err := openArchive(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := describe(env, dir, a); err != nil {
		return err
	}
	sites := env.Agent().Sites
	req := appliance.PushSite{Host: host}
	if _, err := sites.PlanPush(ctx, req); err != nil { // before anything is sent
		return err
	}
	d, err := control.Send(ctx, sites, "command-"+rand.Text(), a.write)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sites.DropDraft(context.WithoutCancel(ctx), d.ID)) }()
	req.Draft = d.ID
	return change.Change{
		Yes:  yes,
		Plan: func(ctx context.Context) (appliance.Plan, error) { return sites.PlanPush(ctx, req) },
		Start: func(ctx context.Context, hash string) (appliance.Job, error) {
			req.PlanHash = hash
			return sites.Push(ctx, req)
		},
		Done: func(context.Context, appliance.Job) error {
			return env.Say("\nThe site is published at %s. To go back: coopkit site rollback %[1]s\n", host)
		},
	}.Run(ctx, env)
}

func describe(env *base.Env, dir string, a *archive) error {
	if err := env.Say("%s: %s, %s\n", dir, term.Count(len(a.files), "file"), term.Bytes(a.bytes)); err != nil {
		return err
	}
	if len(a.skipped) > 0 {
		if err := env.Say("left out: %s\n", term.Clean(strings.Join(a.skipped, ", "))); err != nil {
			return err
		}
	}
	if !a.hasIndex() {
		if err := env.Say("note: it has no index.html, so visitors of the bare name see “not found”\n"); err != nil {
			return err
		}
	}
	return env.Say("\n")
}
