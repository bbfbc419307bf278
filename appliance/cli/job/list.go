// SPDX-License-Identifier: AGPL-3.0-or-later

package job

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/say"
	"coopkit/internal/term"
)

func newList(env *base.Env) *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use: "list", Short: "List the latest jobs, newest first",
		Example: "  coopkit job list --limit 5",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return term.Usage(cmd.CommandPath(), "--limit must be 1 or more")
			}
			jobs, err := env.Agent().Jobs.List(cmd.Context(), limit)
			if err != nil {
				return err
			}
			return env.Show(jobs, func() error {
				rows := make([][]string, 0, len(jobs))
				for _, j := range jobs {
					rows = append(rows, []string{fmt.Sprint(j.ID), say.Job(env.Words(), j), say.By(env.Words(), j.By), state(j), term.Time(j.Created), took(j)})
				}
				return env.Table([]string{"job", "change", "by", "state", "began", "took"}, rows, "No jobs yet.")
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "how many at most")
	return cmd
}

// state is the state of a job in a word, with what else is to know at a glance.
func state(j appliance.Job) string {
	if j.HeldUp {
		return string(j.State) + " (held up)"
	}
	return string(j.State)
}

func took(j appliance.Job) string {
	if j.Finished.IsZero() {
		return ""
	}
	return j.Finished.Sub(j.Created).Round(100 * time.Millisecond).String()
}
