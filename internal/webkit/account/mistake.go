// SPDX-License-Identifier: AGPL-3.0-or-later

package account

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

// Mistake is something in a form about accounts that can be put right.
type Mistake struct {
	Code  string // of the Problem
	Field string // name, display, password or token
	Text  string // one sentence in the reader's language
}

// MistakeOf says a Problem of package signin in the words of the page's
// language, for the field of a form. It is false for every other error, which
// is a page of its own.
func MistakeOf(p *webkit.Page, err error) (Mistake, bool) {
	found, ok := errors.AsType[*problem.Problem](err)
	if !ok || !p.Has("account.mistake."+found.Code) {
		return Mistake{}, false
	}
	m := Mistake{Code: found.Code, Field: "password"}
	switch {
	case strings.HasPrefix(m.Code, "person-display"):
		m.Field = "display"
	case strings.HasPrefix(m.Code, "person-"):
		m.Field = "name"
	case strings.HasPrefix(m.Code, "token-"):
		m.Field = "token"
	}
	wait := time.Duration(0)
	if locked, ok := errors.AsType[*signin.LockedError](err); ok {
		wait = max(locked.Until.Sub(p.Now), time.Second)
	}
	m.Text = p.T("account.mistake."+m.Code, "span", p.Span(wait))
	return m, true
}

// Status is that of a form that comes back with this mistake.
func (m Mistake) Status() int {
	if m.Code == "signin-locked" {
		return http.StatusTooManyRequests
	}
	return http.StatusUnprocessableEntity
}
