// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
)

// Desk says how the link to the support desk is.
func (b *backend) Desk(context.Context) (control.DeskLink, error) {
	return control.DeskLink{State: control.DeskNone}, nil
}

// PlanJoinDesk says which desk the code is of, and what would be sent to it.
func (b *backend) PlanJoinDesk(context.Context, string) (appliance.Plan, error) {
	return appliance.Plan{}, notJoined()
}

// JoinDesk uses the invitation.
func (b *backend) JoinDesk(context.Context, string, string) (control.DeskLink, error) {
	return control.DeskLink{}, notJoined()
}

// LeaveDesk ends the link.
func (b *backend) LeaveDesk(context.Context) error { return notJoined() }

// DeskPreview is the last or next report.
func (b *backend) DeskPreview(context.Context) (string, error) { return "", notJoined() }

func notJoined() error {
	return &problem.Problem{
		Code: "desk-not-joined", Kind: problem.Conflict,
		What: "this box has not joined a support desk",
		Next: []string{"ask your IT co-op for an invitation", "coopkit support join <code>"},
	}
}

// ConsoleAccess lets a person into the console once.
func (b *backend) ConsoleAccess(context.Context) (control.ConsoleAccess, error) {
	return control.ConsoleAccess{}, &problem.Problem{
		Code: "console-off", Kind: problem.Unavailable,
		What: "this agent serves no console",
		Why:  "it was started without one",
		Next: []string{"start the agent with --console"},
	}
}
