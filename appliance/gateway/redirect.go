// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"net/http"
	"net/url"
	"strconv"

	"coopkit/internal/hostname"
)

// redirectTo sends visitors to another address for good. When to has neither
// path nor query, the visitor's own are kept.
func redirectTo(to *url.URL) http.Handler {
	keep := (to.Path == "" || to.Path == "/") && to.RawQuery == ""
	base := *to
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dest := base
		if keep {
			dest.Path, dest.RawPath, dest.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
		}
		http.Redirect(w, r, dest.String(), http.StatusPermanentRedirect)
	})
}

// toHTTPS sends a visitor of plain HTTP to the same page over HTTPS.
func (g *Gateway) toHTTPS(w http.ResponseWriter, r *http.Request, e *entry) {
	dest := url.URL{Scheme: "https", Host: g.authority(e.route.Host), Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	http.Redirect(w, r, dest.String(), http.StatusPermanentRedirect)
}

// authority returns host with the port that visitors use, if it is not the usual one.
func (g *Gateway) authority(host hostname.Name) string {
	if g.publicPort == 443 {
		return string(host)
	}
	return string(host) + ":" + strconv.Itoa(g.publicPort)
}
