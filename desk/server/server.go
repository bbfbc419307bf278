// SPDX-License-Identifier: AGPL-3.0-or-later

// Package server is the desk's side of the protocol between boxes and desks
// (docs/reference/desk-protocol.md): it checks who sends, hands reports to the
// store and acknowledges what is durable. It knows nothing of pages, of people
// or of SQL. Its tests speak the protocol over TLS, with every mistake that a
// box, a network or an attacker can make, and kill a desk under load.
package server

import (
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"coopkit/desk/store"
	"coopkit/desk/wire"
)

// Deps are what a Server needs.
type Deps struct {
	Store *store.Store
	Key   ed25519.PrivateKey // the desk's own; boxes pin its public half
	Name  string             // of the desk, for people
	Log   *slog.Logger
	Now   func() time.Time
}

// Server answers boxes. It is safe for concurrent use.
type Server struct {
	Deps

	reports limiter[wire.BoxID] // of each box
	bytes   limiter[wire.BoxID] // of each box, of all that it sends in reports
	guesses limiter[string]     // of each address: enrolments that were refused
	bodies  sync.Pool

	signatures wire.Verifier // of reports
}

// How much one box may send, and how often one address may guess.
const (
	reportEvery = 100 * time.Millisecond
	reportBurst = 300 // a week that the desk was away is 168 reports
	// A box keeps 16 MiB at most while the desk is away, and may send all of it at
	// once when the desk is back. After that, each period of the shortest kind has
	// room for one report as large as they come, of which an honest box needs a
	// hundredth. The journal of three hours is so bounded to 43 MiB for each box.
	bytesBurst = 20 << 20
	byteEvery  = wire.ShortestPeriod / wire.MaxReportBytes
	guessEvery = 10 * time.Second
	guessBurst = 10
)

// New returns a server. It starts nothing.
func New(d Deps) *Server {
	return &Server{
		Deps:    d,
		reports: limiter[wire.BoxID]{every: reportEvery, burst: reportBurst},
		bytes:   limiter[wire.BoxID]{every: byteEvery, burst: bytesBurst},
		guesses: limiter[string]{every: guessEvery, burst: guessBurst},
		bodies:  sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }},
	}
}

// Handler answers the paths of package wire; everything else is not found.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+wire.PathReports, s.handle(s.report))
	mux.Handle("POST "+wire.PathEnrol, s.handle(s.enrol))
	mux.Handle("POST "+wire.PathLeave, s.handle(s.leave))
	mux.Handle("/", s.handle(s.notFound))
	return mux
}
