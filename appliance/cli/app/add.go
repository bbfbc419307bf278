// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/term"
	"coopkit/recipes"
)

type addOptions struct {
	req    appliance.AddApp
	images string
	set    []string
	yes    bool
}

func newAdd(env *base.Env) *cobra.Command {
	var o addOptions
	cmd := &cobra.Command{
		Use:   "add <recipe> --address <host>",
		Short: "Add an app at a name",
		Long: "Adds an app from a recipe and gives it an address with HTTPS. On a terminal it asks the recipe's " +
			"questions that have no answer yet. Shows what will be made, asks, " +
			"follows the work, and prints how to sign in the first time. If anything fails, everything is put back.",
		Example: `  coopkit app add wordpress --address www.demo.coop
  coopkit app add dokuwiki --address wiki.demo.coop --name members-wiki --title Handbook --set title="Our wiki" --yes`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Recipes(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.req.Recipe = args[0]
			return o.run(cmd.Context(), env, cmd.CommandPath())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.req.Host, "address", "", "host name where it will be, e.g. www.demo.coop")
	f.StringVar(&o.req.Name, "name", "", "short name of the app on this box, for commands (default: the recipe's)")
	f.StringVar(&o.req.Title, "title", "", "what people call it, e.g. Handbook (default: the recipe's title)")
	f.StringArrayVar(&o.set, "set", nil, "answer to one of the recipe's questions, as `key=value`; may be repeated")
	f.StringVar(&o.images, "images", "", "where images come from: registry or debian (default: what works, in this order)")
	f.BoolVar(&o.yes, "yes", false, "do not ask, go ahead")
	return cmd
}

func (o *addOptions) run(ctx context.Context, env *base.Env, command string) error {
	if o.req.Host == "" {
		return term.Usage(command, "the app needs an address", "say where it will be: --address www.demo.coop")
	}
	var err error
	if o.req.Settings, err = settings(command, o.set); err != nil {
		return err
	}
	if o.req.Images, err = change.Images(command, o.images); err != nil {
		return err
	}
	b := env.Agent()
	if env.CanAsk() && !o.yes {
		if err := o.ask(ctx, env); err != nil {
			return err
		}
	}
	return change.Change{
		Yes:  o.yes,
		Plan: func(ctx context.Context) (appliance.Plan, error) { return b.Apps.PlanAdd(ctx, o.req) },
		Start: func(ctx context.Context, hash string) (appliance.Job, error) {
			o.req.PlanHash = hash
			return b.Apps.Add(ctx, o.req)
		},
		Done: func(ctx context.Context, _ appliance.Job) error { return o.done(ctx, env) },
	}.Run(ctx, env)
}

// ask asks the recipe's questions that need an answer and have none yet. What
// is left empty the agent refuses, and says how to answer.
func (o *addOptions) ask(ctx context.Context, env *base.Env) error {
	r, err := env.Agent().Recipes.Show(ctx, o.req.Recipe)
	if err != nil {
		return err
	}
	for _, s := range r.Settings {
		if _, given := o.req.Settings[s.Name]; given || !s.Required || s.Default != "" {
			continue
		}
		answer, err := env.Ask(ctx, question(s))
		if err != nil {
			return err
		}
		if o.req.Settings == nil {
			o.req.Settings = map[string]string{}
		}
		if answer != "" {
			o.req.Settings[s.Name] = answer
		}
	}
	return nil
}

func question(s recipes.Setting) string {
	q := term.Clean(cmp.Or(s.Title["en"], s.Name))
	if help := s.Help["en"]; help != "" {
		q += " (" + term.Clean(help) + ")"
	}
	if len(s.Choices) > 0 {
		q += " [" + term.Clean(strings.Join(s.Choices, ", ")) + "]"
	}
	return q + ": "
}

func (o *addOptions) done(ctx context.Context, env *base.Env) error {
	name := cmp.Or(o.req.Name, o.req.Recipe)
	a, err := env.Agent().Apps.Show(ctx, appliance.InstallName(name))
	if err != nil {
		return err
	}
	if err := env.Say("\n%s is ready at %s\n", term.Clean(a.Title), a.URL); err != nil {
		return err
	}
	r, err := env.Agent().Recipes.Show(ctx, o.req.Recipe)
	if err != nil {
		return err
	}
	if r.FirstAccount.None {
		return env.Say("It has no accounts: whoever knows the address can use it.\n")
	}
	s, err := env.Agent().Apps.Signin(ctx, appliance.InstallName(name))
	if err != nil {
		return err
	}
	if err := env.Facts("sign in", s.URL, "user", s.User, "password", s.Password); err != nil {
		return err
	}
	return env.Say("Change the password when you sign in the first time. To see this again: coopkit app signin %s\n", name)
}

// settings reads key=value pairs.
func settings(command string, pairs []string) (map[string]string, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	m := map[string]string{}
	for _, p := range pairs {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" {
			return nil, term.Usage(command, "“"+p+"” is not an answer", "write it as --set title=\"Our site\"")
		}
		if _, twice := m[key]; twice {
			return nil, term.Usage(command, "“"+key+"” is answered twice", "give each --set once")
		}
		m[key] = value
	}
	return m, nil
}
