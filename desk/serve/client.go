// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"

	"golang.org/x/sync/errgroup"

	"coopkit/internal/localrpc"
	"coopkit/internal/problem"
	"coopkit/internal/process"
)

// Client is the desk of a state folder, as the command line sees it: the calls
// of this package are made with it.
type Client struct {
	*localrpc.Client
	end func() error
}

// Connect reaches the desk that runs with the state folder. Where none does,
// the client is a desk itself until Close, without a port. A folder without a
// desk gives a Problem "desk-missing", unless create.
func Connect(ctx context.Context, state string, create bool, log *slog.Logger) (*Client, error) {
	notAllowed := func(err error) error { return process.StateUnusable(state, err) }
	c := &Client{Client: localrpc.NewClient(socketPath(state), localrpc.Faults{NotAllowed: notAllowed})}
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", socketPath(state)); err == nil {
		c.end = func() error { return nil }
		return c, conn.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		return nil, notAllowed(err)
	}
	if _, err := os.Stat(databaseFile(state)); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, &problem.Problem{
			Code: "desk-missing", Kind: problem.NotFound,
			What: "there is no desk in the folder " + state,
			Why:  "it has not been started yet, or its folder is another one",
			Next: []string{"start it once: coopkit desk serve", "or say where it is with --state"},
			Err:  err,
		}
	}
	d, err := New(ctx, Config{State: state}, log)
	if err != nil {
		return nil, err
	}
	c.end, err = d.alone(ctx)
	return c, err
}

// alone answers on the socket only, until the returned function is called.
func (d *Desk) alone(ctx context.Context) (func() error, error) {
	socket, err := listenLocal(d.cfg.State) //nolint:contextcheck // a socket is opened at once
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.store.Run(ctx) })
	group.Go(func() error { return localrpc.Serve(ctx, socket, d.local(), context.Canceled) })
	return func() error {
		cancel()
		return errors.Join(group.Wait(), d.Close())
	}, nil
}

// Close ends what Connect began.
func (c *Client) Close() error {
	c.Client.Close()
	return c.end()
}
