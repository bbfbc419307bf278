// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"strconv"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/appliance/cli/change"
)

func newLeave(env *base.Env) *cobra.Command {
	yes := false
	cmd := &cobra.Command{
		Use: "leave", Short: "Leave the support desk",
		Long: "Ends the link: the keys and all that waits to be sent are removed from this box. It works without the desk too; " +
			"if it can be reached, it is told. What the desk has already stays there.",
		Example: "  coopkit support leave",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, ctx := env.Agent(), cmd.Context()
			link, err := b.Desk.Status(ctx)
			if err != nil {
				return err
			}
			if link.State != appliance.DeskNone {
				if err := change.Agree(ctx, env, plan(link), yes); err != nil {
					return err
				}
			}
			if err := b.Desk.Leave(ctx); err != nil {
				return err
			}
			return env.Show(appliance.DeskLink{State: appliance.DeskNone}, func() error {
				return env.Say("\nThis box has left %s. Nothing is sent any more.\n", link.URL)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask, go ahead")
	return cmd
}

func plan(l appliance.DeskLink) appliance.Plan {
	return appliance.Plan{
		Kind: appliance.ChangeLeave, Subject: "desk:" + l.URL,
		Lines: []appliance.Line{
			{Verb: appliance.VerbDelete, Kind: appliance.KindKey},
			{Verb: appliance.VerbDelete, Kind: appliance.KindEntries, Name: strconv.Itoa(l.Waiting)},
			{Verb: appliance.VerbTell, Kind: appliance.KindDesk, Name: l.URL},
		},
		Notes:   []appliance.Note{{Code: appliance.NoteNoMoreReports}, {Code: appliance.NoteDeskKeeps}},
		WayBack: appliance.Note{Code: appliance.BackInvitation},
	}
}
