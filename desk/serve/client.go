// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"

	"golang.org/x/sync/errgroup"

	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/process"
)

// Client is the desk of a state folder, as the command line sees it.
type Client struct {
	http *http.Client
	done func() error
}

// Connect reaches the desk that runs with the state folder. Where none does,
// the client is a desk itself until Close, without a port. A folder without a
// desk gives a Problem "desk-missing", unless create.
func Connect(ctx context.Context, state string, create bool, log *slog.Logger) (*Client, error) {
	c := &Client{http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socketPath(state))
	}}}}
	if conn, err := new(net.Dialer).DialContext(ctx, "unix", socketPath(state)); err == nil {
		c.done = func() error { return nil }
		return c, conn.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		return nil, process.StateUnusable(state, err)
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
	c.done, err = d.alone(ctx)
	return c, err
}

// alone answers on the socket only, until the returned function is called.
func (d *Desk) alone(ctx context.Context) (func() error, error) {
	socket, err := listenLocal(d.cfg.State)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.store.Run(ctx) })
	group.Go(func() error { return d.serve(ctx, socket, d.local()) })
	return func() error {
		cancel()
		return errors.Join(group.Wait(), d.Close())
	}, nil
}

// Close ends what Connect began.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return c.done()
}

func ask[Out any](ctx context.Context, c *Client, path string, in any) (out Out, err error) {
	body, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encode request: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://desk"+path, bytes.NewReader(body))
	if err != nil {
		return out, fmt.Errorf("make request: %w", err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return out, fmt.Errorf("ask desk: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		p := &problem.Problem{}
		if err := json.NewDecoder(res.Body).Decode(p); err != nil {
			return out, fmt.Errorf("read answer of desk: %w", err)
		}
		return out, p
	}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		return out, fmt.Errorf("read answer of desk: %w", err)
	}
	return out, nil
}

// AddUser adds an account.
func (c *Client) AddUser(ctx context.Context, n NewUser) (User, error) {
	return ask[User](ctx, c, "/users/add", n)
}

// Token makes a token for somebody who can not sign in, and opens the account
// if it is closed.
func (c *Client) Token(ctx context.Context, name string) (User, error) {
	return ask[User](ctx, c, "/users/token", name)
}

// Users lists the accounts.
func (c *Client) Users(ctx context.Context) ([]User, error) {
	return ask[[]User](ctx, c, "/users/list", struct{}{})
}

// AddCoop adds a co-op.
func (c *Client) AddCoop(ctx context.Context, n Coop) (Coop, error) {
	return ask[Coop](ctx, c, "/coops/add", n)
}

// Coops lists the co-ops.
func (c *Client) Coops(ctx context.Context) ([]Coop, error) {
	return ask[[]Coop](ctx, c, "/coops/list", struct{}{})
}

// Invite makes an invitation.
func (c *Client) Invite(ctx context.Context, n NewInvitation) (Invitation, error) {
	return ask[Invitation](ctx, c, "/invitations/make", n)
}

// Boxes lists the boxes, worst first.
func (c *Client) Boxes(ctx context.Context) ([]Box, error) {
	return ask[[]Box](ctx, c, "/boxes/list", struct{}{})
}

// Confirm says that the words of a box were compared.
func (c *Client) Confirm(ctx context.Context, id wire.BoxID) (Box, error) {
	return ask[Box](ctx, c, "/boxes/confirm", id)
}
