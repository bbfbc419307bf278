// SPDX-License-Identifier: AGPL-3.0-or-later

package webkit

import (
	"context"
	"net/http"
	"sync"
	"time"

	"coopkit/internal/problem"
)

// A live page holds a connection and asks for everything anew again and again,
// so a session has a bounded number of them, and they end with it.
const (
	mostLive  = 32
	sessionIn = 10 * time.Second // how soon the end of a session is seen
)

// lives counts the streams that are open, by session.
type lives struct {
	mu   sync.Mutex
	open map[string]int
}

// enter counts one more; false if the session has enough of them.
func (l *lives) enter(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[string]int{}
	}
	if l.open[session] >= mostLive {
		return false
	}
	l.open[session]++
	return true
}

func (l *lives) leave(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[session]--; l.open[session] <= 0 {
		delete(l.open, session)
	}
}

// live lets h send events for as long as the session of the user lasts; then
// the browser loads the page again, which leads to the sign-in.
func (rt *Router) live(user User, h Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !rt.lives.enter(user.Session) {
			return tooManyLive()
		}
		defer rt.lives.leave(user.Session)
		ctx, stop := context.WithCancel(r.Context())
		defer stop()
		over := make(chan bool, 1)
		go func() {
			over <- rt.sessionEnds(ctx, r)
			stop()
		}()
		err := h(w, r.WithContext(ctx))
		stop()
		if <-over && err == nil {
			s := &Stream{w: w, rc: http.NewResponseController(w)}
			_ = s.Send("end", "", "") // the browser may be gone
		}
		return err
	}
}

// sessionEnds waits for ctx to end, and reports whether the session of r ended
// before.
func (rt *Router) sessionEnds(ctx context.Context, r *http.Request) bool {
	tick := time.NewTicker(sessionIn)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
			if _, ok := rt.ui.cfg.User(r.WithContext(context.WithoutCancel(ctx))); !ok {
				return true
			}
		}
	}
}

func tooManyLive() error {
	return &problem.Problem{
		Code: "too-many-live", Kind: problem.Unavailable, What: "too many live pages are open in this browser",
		Why: "each of them asks for what is new all the time", Next: []string{"close some, or reload this one by hand"},
	}
}
