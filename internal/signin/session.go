// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

const (
	sessionBytes    = 32
	maxBrowserBytes = 200
)

// SessionID names a session. It is a hash of the secret in the cookie, so it
// may be shown to its owner.
type SessionID string

// Session is one browser in which a person is signed in.
type Session struct {
	ID      SessionID
	Person  PersonID
	Created time.Time
	Seen    time.Time // to the minute
	Expires time.Time
	Browser string
	Address string
}

// newSession returns a session that begins now, and the secret for its cookie.
func (s *Service) newSession(person PersonID, c Client) (token string, _ Session) {
	secret := make([]byte, sessionBytes)
	rand.Read(secret)
	token = base64.RawURLEncoding.EncodeToString(secret)
	now := s.now()
	return token, Session{
		ID: sessionID(token), Person: person, Created: now, Seen: now, Expires: now.Add(lifetime),
		Browser: strings.ToValidUTF8(c.Browser[:min(len(c.Browser), maxBrowserBytes)], ""), Address: c.Addr.Unmap().String(),
	}
}

// sessionID is what the database knows of a token. A plain hash is enough: the
// token is 256 random bits. It also makes the time of the look-up useless.
func sessionID(token string) SessionID {
	sum := sha256.Sum256([]byte(token))
	return SessionID(hex.EncodeToString(sum[:]))
}

// Session returns who is signed in with the cookie of r. It is false for no
// cookie, a session that is over, a closed account, and when the database does
// not answer, which is logged.
func (s *Service) Session(ctx context.Context, r *http.Request) (Session, Person, bool) {
	cookie, err := r.Cookie(s.cookie)
	if err != nil || len(cookie.Value) != base64.RawURLEncoding.EncodedLen(sessionBytes) {
		return Session{}, Person{}, false
	}
	now := s.now()
	sess, p, err := s.store.session(ctx, sessionID(cookie.Value), now)
	switch {
	case errors.Is(err, errUnknownSession):
		return Session{}, Person{}, false
	case err != nil:
		s.log.Error("session not read", slog.Any(logkey.Err, err))
		return Session{}, Person{}, false
	}
	if since := now.Sub(sess.Seen); since >= touch || since < 0 {
		sess.Seen = now
		if err := s.store.touchSession(ctx, sess.ID, now); err != nil {
			s.log.Warn("use of a session not noted", slog.Any(logkey.Err, err))
		}
	}
	return sess, p, true
}

// Sessions returns where the person is signed in, last used first.
func (s *Service) Sessions(ctx context.Context, person PersonID) ([]Session, error) {
	return s.store.sessions(ctx, person, s.now())
}

// Revoke ends one session of the person; one of somebody else gives the same
// Problem "session-unknown" as one that does not exist.
func (s *Service) Revoke(ctx context.Context, person PersonID, id SessionID) error {
	ended, err := s.store.endSession(ctx, person, id)
	if err != nil || ended {
		return err
	}
	return &problem.Problem{
		Code: "session-unknown", Kind: problem.NotFound,
		What: "this browser is not signed in",
		Why:  "it was signed out before, or its time was over",
		Next: []string{"look at the list again"},
	}
}

// RevokeOthers ends all sessions of the person but this one.
func (s *Service) RevokeOthers(ctx context.Context, sess Session) error {
	return s.store.endOthers(ctx, sess.Person, sess.ID)
}

// SignOut ends the session; one that is over already is no error. ClearCookie
// goes with it.
func (s *Service) SignOut(ctx context.Context, sess Session) error {
	_, err := s.store.endSession(ctx, sess.Person, sess.ID)
	return err
}

// SetCookie gives the browser the token of a new session.
func (s *Service) SetCookie(w http.ResponseWriter, token string) {
	http.SetCookie(w, s.newCookie(token, int(lifetime/time.Second)))
}

// ClearCookie makes the browser forget it.
func (s *Service) ClearCookie(w http.ResponseWriter) { http.SetCookie(w, s.newCookie("", -1)) }

func (s *Service) newCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookie, Value: value, Path: "/", MaxAge: maxAge,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}
