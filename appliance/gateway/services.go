// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"errors"
	"net/http"
	"net/netip"
	"sync"
)

// services are the places at each service.
type services struct {
	mu sync.Mutex
	at map[netip.AddrPort]*turns
}

// turns returns those of a service.
func (s *services) turns(target netip.AddrPort) *turns {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.at[target]
	if t == nil {
		t = newTurns()
		s.at[target] = t
	}
	return t
}

// keep forgets services that are no longer used. Requests that are at one leave
// it as they came.
func (s *services) keep(targets map[netip.AddrPort]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for target := range s.at {
		if !targets[target] {
			delete(s.at, target)
		}
	}
}

// serveService passes a request to a service when its small body is there and
// it is its turn.
func (g *Gateway) serveService(v *visit, r *http.Request, e *entry) {
	streams := r.ContentLength != 0 && !collectable(r)
	switch err := v.collect(r); {
	case err == nil:
	case errors.Is(err, errSlow):
		turnAway(v, r, http.StatusRequestTimeout)
		return
	default:
		turnAway(v, r, http.StatusBadRequest)
		return
	}
	if err := v.slot.enter(r.Context(), g.services.turns(e.route.Target), v, streams); err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // nobody reads an answer
		}
		g.pages.write(v, r, http.StatusServiceUnavailable, busy, e.route.called())
		return
	}
	e.handler.ServeHTTP(v, r)
}
