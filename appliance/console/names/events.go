// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"net/http"
	"time"

	"coopkit/internal/webkit"
)

// events keeps an open page true: it looks again, first often, and while
// nothing changes ever more seldom. It ends when the page is closed.
func (n *names) events(w http.ResponseWriter, r *http.Request) error {
	v, err := n.examine(r)
	if err != nil {
		return err
	}
	s, err := webkit.NewStream(w)
	if err != nil {
		return err
	}
	wait, before := n.pace.short, v.State()
	for same := 0; ; same++ {
		if !n.rest(r, s, wait, v.Lead) {
			return nil
		}
		if same > 1 {
			wait = min(2*wait, n.pace.long)
		}
		if v, err = n.examine(r); err != nil {
			return nil //nolint:nilerr // the stream has begun; the browser asks again
		}
		if state := v.State(); state != before {
			wait, before, same = n.pace.short, state, 0
		}
		v.NextLook = v.Span(wait)
		part, err := n.UI.Fragment("names-live", v)
		if err != nil {
			return nil //nolint:nilerr // as above; the page itself says what is wrong
		}
		if s.Send("patch", "", part) != nil || s.Send("said", "", v.Lead) != nil {
			return nil
		}
	}
}

// rest waits, with signs of life, and reports whether the page is still open.
func (n *names) rest(r *http.Request, s *webkit.Stream, wait time.Duration, said string) bool {
	end := time.NewTimer(wait)
	defer end.Stop()
	beat := time.NewTicker(n.pace.beat)
	defer beat.Stop()
	for {
		select {
		case <-end.C:
			return true
		case <-beat.C:
			if s.Send("said", "", said) != nil {
				return false
			}
		case <-r.Context().Done():
			return false
		}
	}
}
