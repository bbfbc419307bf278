// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

func newStatus(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how the agent is",
		Example: "  coopkit status\n  coopkit status --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := env.Agent().Box.Status(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(s, func() error {
				reach, err := env.Agent().Box.Reach(cmd.Context(), appliance.AskReach{})
				if err != nil {
					return err
				}
				return env.Facts(
					"agent", fmt.Sprintf("runs, version %s, process %d", s.Version, s.PID), "since", term.Time(s.Started),
					"health", health(s), "addresses", addresses(env, reach),
					"memory used", base.Bytes(s.Usage.MemoryBytes), "processor used", base.Share(s.Usage.Processor), "disk used", base.Bytes(s.Usage.DiskBytes), "engine", s.Engine, "https", s.HTTPS, "http", s.HTTP, "dns", s.DNS, "console", s.Console,
					"local CA", s.CA, "state", s.State,
				)
			})
		},
	}
}

// health is what the checks found last: something may have happened since.
func health(s appliance.Status) string {
	switch worst := s.Worst; {
	case worst == nil:
		return "not known yet: the checks are looking for the first time; coopkit doctor looks now"
	case *worst == appliance.OK:
		return "ok when the checks looked last, at " + term.Time(s.Looked) + "; coopkit doctor looks now"
	default:
		return worst.String() + ": see coopkit doctor"
	}
}

// addresses counts the addresses by how far they reach.
func addresses(env *base.Env, all []appliance.AddressReach) string {
	var parts []string
	for _, r := range appliance.Reaches {
		n := 0
		for _, a := range all {
			if a.Reach == r {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, say.Reach(env.Words(), r)))
		}
	}
	if len(parts) == 0 {
		return "none yet"
	}
	return strings.Join(parts, "; ")
}
