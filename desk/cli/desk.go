// SPDX-License-Identifier: AGPL-3.0-or-later

// Package cli has the commands of the desk: serve, and what somebody with
// access to its machine does beside it: accounts, co-ops, invitations, boxes.
// It asks the desk that runs, or is the desk for a moment where none runs. It
// never knows the appliance. Its tests run the commands on a real desk.
package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"coopkit/desk/serve"
	"coopkit/internal/localrpc"
	"coopkit/internal/process"
	"coopkit/internal/term"
)

// DefaultState is where a desk keeps its records unless told otherwise.
const DefaultState = "/var/lib/coopkit-desk"

// options is what the commands share.
type options struct {
	*term.Terminal
	state string
}

// New returns the noun "desk" with its verbs.
func New(t *term.Terminal) *cobra.Command {
	o := &options{Terminal: t}
	cmd := &cobra.Command{
		Use:   "desk",
		Short: "Run a support desk, and look after it",
		Long: "A desk is where IT co-ops see how the boxes of many co-ops are. It only listens:\n" +
			"it cannot run, read or change anything on a box.",
	}
	cmd.PersistentFlags().StringVar(&o.state, "state", DefaultState, "folder for everything that the desk keeps")
	cmd.AddCommand(newServe(o), newUser(o), newCoop(o), newInvite(o), newBox(o))
	return cmd
}

// ask makes a call of the desk of the state folder and shows the answer. With
// create there need be no desk yet.
func ask[P, R any](ctx context.Context, o *options, create bool, call localrpc.Call[P, R], p P, people func(R) error) error {
	log, err := process.NewLog(o.Err, "error")
	if err != nil {
		return err
	}
	c, err := serve.Connect(ctx, o.state, create, log)
	if err != nil {
		return err
	}
	answer, err := call.Do(ctx, c.Client, p)
	if err := errors.Join(err, c.Close()); err != nil {
		return err
	}
	return o.Show(answer, func() error { return people(answer) })
}
