// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"coopkit/appliance"
	"coopkit/appliance/cli/base"
	"coopkit/internal/term"
)

func newStatus(env *base.Env) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show how the link to the support desk is",
		Example: "  coopkit support status",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := env.Agent().Desk.Status(cmd.Context())
			if err != nil {
				return err
			}
			return env.Show(l, func() error { return status(env, l) })
		},
	}
}

func status(env *base.Env, l appliance.DeskLink) error {
	if l.State == appliance.DeskNone {
		return env.Say("This box has not joined a support desk. Ask your IT co-op for an invitation, then: coopkit support join <code>\n")
	}
	var problem, why string
	var next []string
	if p := l.Problem; p != nil {
		problem, why, next = p.What, p.Why, p.Next
	}
	if err := env.Facts(
		"desk", l.Name+" at "+l.URL, "state", meaning(l.State), "problem", problem, "why", why, "co-op", l.Coop,
		"words", words(l), "box", l.Box, "key of the desk", l.KeyFingerprint,
		"joined", moment(l.Joined), "last sent", moment(l.LastSent), "last tried", moment(l.LastTried), "next try", moment(l.NextTry),
		"waiting", strconv.Itoa(l.Waiting),
	); err != nil {
		return err
	}
	for _, n := range next {
		if err := env.Say("next: %s\n", term.Clean(n)); err != nil {
			return err
		}
	}
	return nil
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return term.Time(t)
}

func meaning(s appliance.DeskState) string {
	switch s {
	case appliance.DeskPending:
		return "waits until your IT co-op has compared the four words"
	case appliance.DeskLinked:
		return "linked"
	case appliance.DeskSilent:
		return "the desk does not answer; its reports are kept"
	case appliance.DeskRefused:
		return "the desk does not take reports"
	case appliance.DeskEnded:
		return "the desk has ended the link"
	default:
		return string(s)
	}
}
