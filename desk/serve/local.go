// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/web"
	"coopkit/desk/wire"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/process"
	"coopkit/internal/signin"
)

// What the command line asks a desk, as JSON over the socket in the state
// folder. Who may open the socket may do everything: it belongs to the user
// that runs the desk.
type (
	// NewUser is an account to be added. With no password it gets a token.
	NewUser struct{ Name, Display, Coop, Role, Password string }
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
		Coop, Caretaker string
		Valid           time.Duration
		Confirmed       bool
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

// listenLocal opens the socket; one that is left over is replaced, since the
// lock of the folder is ours.
func listenLocal(state string) (net.Listener, error) {
	path := socketPath(state)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, process.StateUnusable(state, err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, process.StateUnusable(state, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(process.StateUnusable(state, err), l.Close())
	}
	return l, nil
}

// local answers the command line.
func (d *Desk) local() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /users/add", answer(d, d.userAdd))
	mux.Handle("POST /users/token", answer(d, d.userToken))
	mux.Handle("POST /users/list", answer(d, d.users))
	mux.Handle("POST /coops/add", answer(d, d.coopAdd))
	mux.Handle("POST /coops/list", answer(d, d.coops))
	mux.Handle("POST /invitations/make", answer(d, d.invite))
	mux.Handle("POST /boxes/list", answer(d, d.boxes))
	mux.Handle("POST /boxes/confirm", answer(d, d.boxConfirm))
	return mux
}

// answer makes a handler of a function from one JSON document to another.
func answer[In, Out any](d *Desk, do func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		var out any
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in)
		if err == nil {
			out, err = do(r.Context(), in)
		}
		status := http.StatusOK
		if err != nil {
			d.log.Info("command refused", slog.String(logkey.Path, r.URL.Path), slog.Any(logkey.Err, err))
			out, status = problem.From(err, "see the desk's log"), http.StatusBadRequest
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(out) // the command went away
	})
}

// all is the desk as the person at the machine sees it.
func (d *Desk) all() *store.View {
	return d.store.As(desk.Principal{Person: "command line", Role: desk.Coordinator})
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

func (d *Desk) users(ctx context.Context, _ struct{}) ([]User, error) {
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

func (d *Desk) coops(ctx context.Context, _ struct{}) ([]Coop, error) {
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

func (d *Desk) boxes(ctx context.Context, _ struct{}) ([]Box, error) {
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
