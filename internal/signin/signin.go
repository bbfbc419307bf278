// SPDX-License-Identifier: AGPL-3.0-or-later

// Package signin owns accounts: passwords, sessions, one-time tokens, and what
// slows down those who guess. The console and the desk share it, each with a
// database of its own. It knows nothing of pages and of what a role may do,
// and of HTTP only one cookie. Its tests use real databases and a clock of
// their own; they count password hashes instead of measuring time.
package signin

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// The times that people meet; docs/explanation/threat-model.md names them.
const (
	lifetime = 30 * 24 * time.Hour // of a session
	idle     = 7 * 24 * time.Hour  // of a session that nobody uses
	touch    = time.Minute         // how exactly the last use of a session is known
	maxWait  = 10 * time.Second    // for the turn to compute a password hash
)

// Deps are what a Service needs.
type Deps struct {
	Store   *Store
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger
	Cookie  string // name of the cookie, after "__Host-"; it begins with coopkit, and the gateway keeps it from apps
	WayBack string // what somebody does who cannot sign in, such as a command
}

// Service is what the pages use. It is safe for concurrent use and has nothing
// to close.
type Service struct {
	store   *Store
	now     func() time.Time
	log     *slog.Logger
	cookie  string
	wayBack string
	hashes  *hasher
}

// New returns the service over d.Store.
func New(d Deps) *Service {
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{store: d.Store, now: d.Now, log: d.Log, cookie: "__Host-" + d.Cookie, wayBack: d.WayBack, hashes: newHasher()}
}

// Client is who asks: Addr is the visitor's own address, not that of a proxy;
// Browser is shown in the list of sessions.
type Client struct {
	Addr    netip.Addr
	Browser string
}

// SignIn starts a session for the person who has that name and password. Its
// token goes into the cookie (SetCookie). A wrong name and a wrong password
// give the same Problem "signin-wrong" and cost the same time; too many of them
// from one address give "signin-locked" with a LockedError, even if the
// password is right. A closed account gives "account-closed".
func (s *Service) SignIn(ctx context.Context, name, password string, c Client) (token string, _ Person, err error) {
	var p Person
	err = s.hashes.alone(ctx, func(ctx context.Context) error {
		if p, err = s.check(ctx, name, password, c); err != nil {
			return err
		}
		var sess Session
		token, sess = s.newSession(p.ID, c)
		return s.store.addSession(ctx, sess)
	})
	if err != nil {
		return "", Person{}, err
	}
	s.log.Info("signed in", slog.String(logkey.Person, string(p.ID)), slog.String(logkey.Addr, c.Addr.String()))
	return token, p, nil
}

// ChangePassword is for somebody who knows their password: it checks it, sets
// the next one, ends all sessions of the person and starts a new one.
func (s *Service) ChangePassword(ctx context.Context, sess Session, current, next string, c Client) (token string, err error) {
	p, err := s.store.person(ctx, sess.Person)
	if err != nil {
		return "", err
	}
	if err := CheckPassword(p.Name, next); err != nil {
		return "", err
	}
	err = s.hashes.alone(ctx, func(ctx context.Context) error {
		if _, err := s.check(ctx, p.Name, current, c); err != nil {
			return err
		}
		var begun Session
		token, begun = s.newSession(p.ID, c)
		return s.store.setPassword(ctx, p.ID, s.hashes.hash(next), s.now(), &begun)
	})
	return token, err
}

// Confirm makes sure that somebody who is signed in is still the person: it checks
// their password, with the same limits as signing in. Problems: "signin-wrong",
// "signin-locked", "account-closed".
func (s *Service) Confirm(ctx context.Context, id PersonID, password string, c Client) error {
	p, err := s.store.person(ctx, id)
	if err != nil {
		return err
	}
	return s.hashes.alone(ctx, func(ctx context.Context) error {
		_, err := s.check(ctx, p.Name, password, c)
		return err
	})
}

// check is called by one at a time, so that nobody gets more guesses by asking
// in parallel. The work is done even if the visitor hangs up: a guess that is
// not counted would be free.
func (s *Service) check(ctx context.Context, name, password string, c Client) (Person, error) {
	ctx = context.WithoutCancel(ctx)
	name, addr := signInName(name), prefix(c.Addr)
	keys := []failureKey{{accountKey(name, addr), accountTries}, {addressKey(addr), addressTries}}
	if err := s.refuseLocked(ctx, keys); err != nil {
		return Person{}, err
	}
	p, stored, err := s.store.account(ctx, name)
	if err != nil && !errors.Is(err, errUnknownPerson) {
		return Person{}, err
	}
	right, stale, err := s.hashes.verify(stored, password)
	switch {
	case err != nil:
		return Person{}, err
	case !right:
		return Person{}, s.counted(ctx, keys, c, s.wrong())
	case p.Disabled:
		return Person{}, s.closed()
	case stale:
		if err := s.store.rehash(ctx, p.ID, stored, s.hashes.hash(password)); err != nil {
			return Person{}, err
		}
	}
	return p, s.store.forgive(ctx, keys[0].key)
}

func (s *Service) wrong() error {
	return &problem.Problem{
		Code: "signin-wrong", Kind: problem.Forbidden,
		What: "the name or the password is wrong",
		Next: []string{"type both again: capital letters count in the password", s.wayBack},
	}
}

func (s *Service) closed() error {
	return &problem.Problem{
		Code: "account-closed", Kind: problem.Forbidden,
		What: "this account is closed",
		Next: []string{"ask somebody with an account here to open it again"},
	}
}

// Run removes once an hour what is over: sessions, tokens and counted failures.
// It returns nil when ctx ends; what it cannot do is logged, and tried again.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := s.store.cleanup(ctx, s.now()); err != nil && ctx.Err() == nil {
			s.log.Warn("what is over is not removed", slog.Any(logkey.Err, err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
