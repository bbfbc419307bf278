// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"crypto/tls"
	"net/http"
	"slices"

	"coopkit/desk/server"
	"coopkit/internal/limit"
)

// How many connections a desk has at a time: somewhat more than 2,000 boxes that
// all report at once. Each takes 40 KiB, and 200 KiB while the largest message
// comes slowly; one that many requests share takes 1.2 MiB at most. One address
// has an eighth of each.
const (
	mostConnections = 2560
	mostFromOne     = mostConnections / 8
	mostShared      = 256 // that carry many requests at a time
	mostSharedOfOne = mostShared / 8
	mostBodies      = 512
	mostBodiesOfOne = mostBodies / 8
)

// mostStreams is how many requests share a connection: the live pages that a
// browser may have open, and what it asks for beside them.
const mostStreams = 40

// fewShared lets few connections speak HTTP/2, which carries many requests at a
// time: people need it for their live pages, boxes do not speak it. The others
// speak HTTP/1.1, which browsers do as well.
func fewShared(cfg *tls.Config, shared *limit.Budget) *tls.Config {
	alone, all := cfg.Clone(), cfg.Clone()
	alone.NextProtos = []string{"http/1.1"}
	all.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, "h2") && !limit.Of(hello.Conn).Join(shared) {
			return alone, nil
		}
		return all, nil
	}
	return all
}

// fewBodies bounds how many bodies are read at a time from connections that
// carry many requests; of the others, each has one.
func fewBodies(h http.Handler) http.Handler {
	bodies := limit.NewBudget(mostBodies, mostBodiesOfOne)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor > 1 && r.Body != http.NoBody {
			network := limit.Network(r.RemoteAddr)
			if !bodies.Take(network, 1) {
				server.Busy(w)
				return
			}
			defer bodies.Give(network, 1)
		}
		h.ServeHTTP(w, r)
	})
}
