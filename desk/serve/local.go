// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/web"
	"coopkit/desk/wire"
	"coopkit/internal/localrpc"
	"coopkit/internal/problem"
	"coopkit/internal/process"
	"coopkit/internal/signin"
)

// What the command line asks a desk, as JSON over the socket in the state
// folder. Who may open the socket may do everything: it belongs to the user
// that runs the desk.
type (
	// NewUser is an account to be added. With no password it gets a token.
	NewUser struct {
		Name     string `json:"name"`
		Display  string `json:"display"`
		Coop     string `json:"coop"`
		Role     string `json:"role"`
		Password string `json:"password"`
	}
	// User is an account. Token is set where one was made.
	User struct {
		ID       string    `json:"id"`
		Name     string    `json:"name"`
		Display  string    `json:"display"`
		Coop     string    `json:"coop,omitempty"`
		Role     string    `json:"role"`
		Disabled bool      `json:"disabled,omitempty"`
		Token    string    `json:"token,omitempty"`
		Expires  time.Time `json:"expires,omitzero"`
		URL      string    `json:"url,omitempty"` // where the token is typed
	}
	// NewInvitation is an invitation to be made.
	NewInvitation struct {
		Coop      string        `json:"coop"`
		Caretaker string        `json:"caretaker"`
		Valid     time.Duration `json:"valid"` // in nanoseconds
		Confirmed bool          `json:"confirmed"`
	}
	// Invitation is one that was made; Code is its secret.
	Invitation struct {
		ID      string    `json:"id"`
		Coop    string    `json:"coop"`
		Code    string    `json:"code"`
		Expires time.Time `json:"expires"`
	}
	// Coop is a co-op of the desk.
	Coop struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Place  string `json:"place,omitempty"`
		ITCoop bool   `json:"it_coop"`
	}
	// Box is a box of the desk.
	Box struct {
		ID      wire.BoxID    `json:"id"`
		Name    string        `json:"name"`
		Coop    string        `json:"coop"`
		State   desk.BoxState `json:"state"`
		Level   store.Level   `json:"level"`
		Seen    time.Time     `json:"seen,omitzero"`
		Version string        `json:"version"`
		Words   []string      `json:"words,omitempty"` // while it is pending
	}
)

// tokenFor is how long a token from the command line is good.
const tokenFor = time.Hour

func socketPath(state string) string { return filepath.Join(state, "desk.sock") }

// listenLocal opens the socket. One that is left over is replaced: the lock of
// the folder is ours.
func listenLocal(state string) (net.Listener, error) {
	l, err := localrpc.Listen(socketPath(state), 0o600, -1)
	if _, ok := errors.AsType[*problem.Problem](err); err != nil && !ok {
		err = process.StateUnusable(state, err)
	}
	return l, err
}

// calls is what the command line can ask. Exported are its calls.
var calls = localrpc.Area[*Desk, *Desk]{Part: func(d *Desk) *Desk { return d }}

var (
	// AddUser adds an account.
	AddUser = localrpc.Post(&calls, "/v1/users", "Adds an account.", (*Desk).userAdd)
	// Token makes a token for somebody who cannot sign in, by name, and opens the
	// account if it is closed.
	Token = localrpc.Post(&calls, "/v1/users/{name}/tokens", "Makes a token for somebody who cannot sign in.", (*Desk).userToken)
	// Users lists the accounts.
	Users = localrpc.Get(&calls, "/v1/users", "The accounts.", localrpc.Bare((*Desk).users))
	// AddCoop adds a co-op.
	AddCoop = localrpc.Post(&calls, "/v1/coops", "Adds a co-op.", (*Desk).coopAdd)
	// Coops lists the co-ops.
	Coops = localrpc.Get(&calls, "/v1/coops", "The co-ops.", localrpc.Bare((*Desk).coops))
	// Invite makes an invitation.
	Invite = localrpc.Post(&calls, "/v1/invitations", "Makes an invitation for one box.", (*Desk).invite)
	// Boxes lists the boxes, worst first.
	Boxes = localrpc.Get(&calls, "/v1/boxes", "The boxes, worst first.", localrpc.Bare((*Desk).boxes))
	// Confirm says that the words of a box were compared.
	Confirm = localrpc.Post(&calls, "/v1/boxes/{id}/confirm", "Says that the words of a box were compared.", (*Desk).boxConfirm)
)

// local answers the command line.
func (d *Desk) local() http.Handler {
	return localrpc.Server[*Desk]{Program: "desk", Log: d.part("local"), Routes: calls.Routes}.Handler(d)
}

// all is the desk as the person at the machine sees it.
func (d *Desk) all() *store.View {
	return d.store.As(desk.Principal{Person: desk.CommandLine, Role: desk.Coordinator})
}

func (d *Desk) userAdd(ctx context.Context, n NewUser) (User, error) {
	if n.Role == "" && n.Coop == "" {
		n.Role = string(desk.Coordinator)
	}
	p, err := web.AddPerson(ctx, d.store, d.signin, signin.NewPerson{Name: n.Name, Display: n.Display, Coop: n.Coop, Role: n.Role, Password: n.Password})
	if err != nil || n.Password != "" {
		return d.user(p), err
	}
	return d.withToken(ctx, p)
}

func (d *Desk) withToken(ctx context.Context, p signin.Person) (User, error) {
	token, err := d.signin.NewToken(ctx, p.ID, tokenFor)
	u := d.user(p)
	u.Token, u.Expires, u.URL = token.Text, token.Expires.UTC(), d.cfg.URL+"/signin/recover"
	return u, err
}

func (d *Desk) user(p signin.Person) User {
	return User{ID: string(p.ID), Name: p.Name, Display: p.Display, Coop: p.Coop, Role: p.Role, Disabled: p.Disabled}
}

// userToken is the way back. It opens a closed account too: whoever has the
// machine has all of it.
func (d *Desk) userToken(ctx context.Context, name string) (User, error) {
	p, err := d.signin.PersonByName(ctx, name)
	if err != nil {
		return User{}, err
	}
	if p.Disabled {
		if err := d.signin.Enable(ctx, p.ID); err != nil {
			return User{}, err
		}
		p.Disabled = false
	}
	return d.withToken(ctx, p)
}

func (d *Desk) users(ctx context.Context) ([]User, error) {
	people, err := d.signin.People(ctx)
	out := []User{}
	for _, p := range people {
		out = append(out, d.user(p))
	}
	return out, err
}

func (d *Desk) coopAdd(ctx context.Context, c Coop) (Coop, error) {
	return c, d.all().AddCoop(ctx, desk.Coop{ID: desk.CoopID(c.ID), Name: c.Name, Place: c.Place, ITCoop: c.ITCoop})
}

func (d *Desk) coops(ctx context.Context) ([]Coop, error) {
	all, err := d.all().Coops(ctx)
	out := []Coop{}
	for _, c := range all {
		out = append(out, Coop{string(c.ID), c.Name, c.Place, c.ITCoop})
	}
	return out, err
}

func (d *Desk) invite(ctx context.Context, n NewInvitation) (Invitation, error) {
	code, err := d.invitation()
	if err != nil {
		return Invitation{}, err
	}
	made, err := d.all().Invite(ctx, code, store.Invite{Coop: desk.CoopID(n.Coop), Caretaker: desk.CoopID(n.Caretaker), Valid: n.Valid, Confirmed: n.Confirmed})
	if err != nil {
		return Invitation{}, err
	}
	return Invitation{ID: made.ID, Coop: string(made.Coop), Code: code.String(), Expires: made.Expires}, nil
}

func (d *Desk) boxes(ctx context.Context) ([]Box, error) {
	out := []Box{}
	for page, pages := 1, 1; page <= pages; page++ {
		fleet, err := d.all().Fleet(ctx, store.FleetFilter{Page: page})
		if err != nil {
			return nil, err
		}
		pages = fleet.Pages
		for _, r := range fleet.Rows {
			b := Box{ID: r.ID, Name: r.Name, Coop: string(r.Coop.ID), State: r.State, Level: r.Level, Seen: r.Seen, Version: r.Version}
			if r.State == desk.BoxPending {
				whole, err := d.all().Box(ctx, r.ID)
				if err != nil {
					return nil, err
				}
				b.Words = whole.Words[:]
			}
			out = append(out, b)
		}
	}
	return out, nil
}

func (d *Desk) boxConfirm(ctx context.Context, id wire.BoxID) (Box, error) {
	if err := d.all().Confirm(ctx, id); err != nil {
		return Box{}, err
	}
	b, err := d.all().Box(ctx, id)
	if err != nil {
		return Box{}, fmt.Errorf("read box: %w", err)
	}
	return Box{ID: b.ID, Name: b.Name, Coop: string(b.Coop), State: b.State, Seen: b.Seen, Version: b.Facts.Agent}, nil
}
