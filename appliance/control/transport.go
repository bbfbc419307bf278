// SPDX-License-Identifier: AGPL-3.0-or-later

package control

import (
	"context"
	"errors"
	"net"
	"net/http"

	"coopkit/internal/localrpc"
	"coopkit/internal/problem"
)

// Listen makes the agent's socket: mode 0660, owned by group gid (negative: the
// process's own), in a folder that is made with mode 0750 when it is missing.
// A socket that a dead agent left is replaced; a living agent gives a Problem
// "agent-already-running". The caller closes the listener, which removes it.
func Listen(path string, gid int) (net.Listener, error) {
	ln, err := localrpc.Listen(path, 0o660, gid)
	if errors.Is(err, localrpc.ErrInUse) {
		return nil, &problem.Problem{
			Code: "agent-already-running", Kind: problem.Conflict,
			What: "another agent is running on this box",
			Why:  "it answers at " + path,
			Next: []string{"coopkit status", "stop it first: sudo systemctl stop coopkit-agent"}, Err: err,
		}
	}
	return ln, err
}

// Serve answers requests until ctx is done; those that run then end with a
// Problem "agent-stopping". It returns nil after an orderly end; ln is closed.
func Serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	return localrpc.Serve(ctx, ln, h, &problem.Problem{
		Code: "agent-stopping", Kind: problem.Unavailable,
		What: "the agent is stopping",
		Why:  "it was told to; a change that runs goes on at its next start",
		Next: []string{"coopkit status", "coopkit job list"},
	})
}

// faults says in our words what keeps an agent from answering at socket.
func faults(socket string) localrpc.Faults {
	return localrpc.Faults{
		NotRunning: func(err error) error {
			return &problem.Problem{
				Code: "agent-not-running", Kind: problem.Unavailable,
				What: "the agent is not running on this machine",
				Why:  "nobody answers at " + socket,
				Next: []string{"sudo systemctl start coopkit-agent", "coopkit agent run", "name its socket with --socket if it is another"},
				Err:  err,
			}
		},
		NotAllowed: func(err error) error {
			return &problem.Problem{
				Code: "agent-not-allowed", Kind: problem.Forbidden,
				What: "you may not talk to the agent",
				Why:  "only root and members of the group of " + socket + " may",
				Next: []string{"run the command with sudo", "or let your account in: sudo usermod -aG coopkit $USER, then sign in again"},
				Err:  err,
			}
		},
		Unexpected: func(err error) error {
			return &problem.Problem{
				Code: "agent-answer-unexpected", Kind: problem.Failed,
				What: "the agent gave an answer that this command does not understand",
				Why:  "the two may be of different versions, or a name in the command is not one",
				Next: []string{"compare “coopkit version” with “coopkit status”", "restart the agent: sudo systemctl restart coopkit-agent"},
				Err:  err,
			}
		},
		WentAway: func(err error) error {
			return &problem.Problem{
				Code: "agent-went-away", Kind: problem.Unavailable,
				What: "the agent went away in the middle of the request",
				Why:  "it may have been stopped or restarted; a change that had begun goes on when it is back",
				Next: []string{"coopkit status", "coopkit job list"}, Err: err,
			}
		},
	}
}
