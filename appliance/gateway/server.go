// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"coopkit/internal/limit"
	"coopkit/internal/ownca"

	"github.com/mholt/acmez/v3"
)

// server makes an http.Server with the limits of the front door: headers must
// come soon and be small; bodies may be of any size, and take as long as they
// make progress.
func (g *Gateway) server(life context.Context, handle func(*visit, *http.Request)) *http.Server {
	var h http.Handler = g.admit(handle)
	if g.log.Enabled(life, slog.LevelDebug) {
		h = accessLog(g.log, h)
	}
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: g.patience.head,
		WriteTimeout:      g.patience.answer, // moved on while there is progress: visit
		IdleTimeout:       g.patience.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             http2Limits(g.patience.answer),
		ConnState:         g.conns.State,
		ConnContext:       g.conns.Context,
		BaseContext:       func(net.Listener) context.Context { return life },
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}

// httpsServer makes the server for visitors.
func (g *Gateway) httpsServer(life context.Context) *http.Server {
	s := g.server(life, g.serveHTTPS)
	s.Protocols = limit.Protocols()
	s.TLSConfig = &tls.Config{
		MinVersion: tls.VersionTLS12, CipherSuites: ownca.CipherSuites(),
		NextProtos: []string{"h2", "http/1.1", acmez.ACMETLS1Protocol},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { //nolint:contextcheck // hello brings its own
			return g.certs.getCertificate(g.table.Load().lookup(hello.ServerName) != nil, hello)
		},
	}
	return s
}

// httpServer makes the server for plain HTTP: proofs for certificate
// authorities, and redirects to HTTPS.
func (g *Gateway) httpServer(life context.Context) *http.Server { return g.server(life, g.serveHTTP) }

func (g *Gateway) serveHTTPS(w *visit, r *http.Request) {
	e := g.table.Load().lookup(r.Host)
	if e == nil {
		g.pages.misdirected(w, r)
		return
	}
	if g.hsts {
		w.Header()["Strict-Transport-Security"] = hstsValue
	}
	if e.route.Kind == Service && !e.route.Closed {
		g.serveService(w, r, e)
		return
	}
	e.handler.ServeHTTP(w, r)
}

// hstsValue holds for a year, for the name alone.
var hstsValue = []string{"max-age=31536000"}

func (g *Gateway) serveHTTP(w *visit, r *http.Request) {
	if g.certs.solveHTTP(w, r) {
		return
	}
	e := g.table.Load().lookup(r.Host)
	if e == nil {
		g.pages.misdirected(w, r)
		return
	}
	g.toHTTPS(w, r, e)
}

// tracker counts what the servers do not wait for at shutdown.
type tracker struct {
	mu    sync.Mutex
	count int
	empty chan struct{} // made by wait, closed at zero
}

// add counts one more and returns what uncounts it.
func (t *tracker) add() (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.count--; t.count == 0 && t.empty != nil {
			close(t.empty)
			t.empty = nil
		}
	}
}

// wait returns when nothing is counted or ctx ends.
func (t *tracker) wait(ctx context.Context) {
	t.mu.Lock()
	if t.count == 0 {
		t.mu.Unlock()
		return
	}
	if t.empty == nil {
		t.empty = make(chan struct{})
	}
	empty := t.empty
	t.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
