// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import "net/http"

// HoldReason says why a host shows a holding page.
type HoldReason string

// The reasons for a holding page.
const (
	Starting         HoldReason = "starting"
	Stopped          HoldReason = "stopped"
	Failing          HoldReason = "failing"
	ClosedUntilOwner HoldReason = "closed-until-owner"

	circular HoldReason = "circular" // its redirect leads back to itself, see circles
)

var holdReasons = map[HoldReason]bool{
	Starting: true, Stopped: true, Failing: true, ClosedUntilOwner: true,
}

// holding answers every request with the page of a reason, as 503.
func (g *Gateway) holding(r Route, reason HoldReason) http.Handler {
	name := r.called()
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		g.pages.write(w, req, http.StatusServiceUnavailable, reason, name)
	})
}

// called is what people call the address.
func (r Route) called() string {
	if r.Title != "" {
		return r.Title
	}
	return string(r.Host)
}

// misdirected answers for a name that is not in the table.
func (p *pages) misdirected(w http.ResponseWriter, r *http.Request) {
	name := r.Host
	if name == "" || len(name) > 253 {
		name = "…"
	}
	p.write(w, r, http.StatusMisdirectedRequest, misdirected, name)
}
