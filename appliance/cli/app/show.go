// SPDX-License-Identifier: AGPL-3.0-or-later

package app

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/complete"
	"coopkit/internal/term"
)

func newShow(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "show <name>", Short: "Show one app: state, addresses, services, images",
		Example:           "  coopkit app show wordpress",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: complete.Apps(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := env.Agent().Apps.Show(cmd.Context(), appliance.InstallName(args[0]))
			if err != nil {
				return err
			}
			return env.Show(a, func() error { return show(env, a) })
		},
	}
}

func show(env *base.Env, a appliance.App) error {
	addresses := make([]string, 0, len(a.Addresses))
	for _, h := range a.Addresses {
		addresses = append(addresses, string(h))
	}
	owner := "exists"
	if !a.HasOwner {
		owner = "not made yet: the address stays closed until it is"
	}
	err := env.Facts(
		"app", a.Title, "name", string(a.Name), "program", a.Program, "state", a.State, "address", a.URL, "names", strings.Join(addresses, ", "),
		"memory", base.Bytes(a.Usage.MemoryBytes), "processor", base.Share(a.Usage.Processor), "disk", base.Bytes(a.Usage.DiskBytes),
		"recipe", a.Recipe+" "+a.Version, "release", strconv.Itoa(a.Release), "first account", owner, "added", term.Time(a.Created),
	)
	if err != nil {
		return err
	}
	if err := settingsTable(env, a.Settings); err != nil {
		return err
	}
	rows := make([][]string, 0, len(a.Services))
	for _, s := range a.Services {
		image := a.Images[s.Name]
		rows = append(rows, []string{s.Name, s.State, s.Health, image.Ref, string(image.Source)})
	}
	if err := env.Say("\n"); err != nil {
		return err
	}
	return env.Table([]string{"service", "state", "health", "image", "from"}, rows, "It has no services yet.")
}

func settingsTable(env *base.Env, settings map[string]string) error {
	if len(settings) == 0 {
		return nil
	}
	rows := make([][]string, 0, len(settings))
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		rows = append(rows, []string{k, settings[k]})
	}
	if err := env.Say("\n"); err != nil {
		return err
	}
	return env.Table([]string{"setting", "answer"}, rows, "")
}
