// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"
	"sync/atomic"
	"time"

	"coopkit/internal/logkey"
)

// proxy passes the requests of one host to a service over HTTP/1.1.
//
// It is used in place of net/http/httputil's because that one, with
// http.Transport below it, spends more time on waking goroutines than on the
// request: each connection to a service has two. Here one goroutine writes the
// request and reads the answer; only a request with a body gets a second one.
// Parsing is net/http's on both sides.
type proxy struct {
	g     *Gateway
	route Route
}

func (g *Gateway) proxy(r Route) http.Handler { return &proxy{g, r} }

// idempotent methods may be sent again when a connection breaks before an
// answer (RFC 9110 section 9.2.2).
var idempotent = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodOptions: true,
	http.MethodTrace: true, http.MethodPut: true, http.MethodDelete: true,
}

// noAnswerError says that a connection broke before the first byte of an answer.
type noAnswerError struct{ error }

// Unwrap returns why it broke.
func (e noAnswerError) Unwrap() error { return e.error }

// ServeHTTP sends r to the service and its answer to the visitor. A request
// that is safe to repeat is sent a second time, on a new connection, when the
// first one could not be made or had been closed by the service.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	upgrade := wantsUpgrade(r.Header)
	repeatable := r.ContentLength == 0 && idempotent[r.Method]
	for first := true; ; first = false {
		c, err := p.g.back.get(r.Context(), p.route.Target, !first || upgrade, !repeatable)
		switch {
		case err != nil:
		case upgrade:
			err = p.tunnel(w, r, c)
		default:
			err = p.exchange(w, r, c)
		}
		if err == nil {
			return
		}
		if !first || !repeatable || r.Context().Err() != nil || !worthAnother(c, err) {
			p.refuse(w, r, err)
			return
		}
	}
}

// worthAnother reports whether a new connection may do better.
func worthAnother(c *backConn, err error) bool {
	if c == nil {
		return true
	}
	_, silent := errors.AsType[noAnswerError](err)
	return silent && c.reused && stopped(err)
}

// refuse answers in plain words for a service that did not.
func (p *proxy) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody reads an answer; net/http closes the stream without one
	}
	p.g.log.LogAttrs(r.Context(), slog.LevelDebug, "service did not answer",
		slog.String(logkey.Host, string(p.route.Host)), slog.String(logkey.Addr, p.route.Target.String()), slog.Any(logkey.Err, err))
	status := http.StatusServiceUnavailable
	if _, silent := errors.AsType[noAnswerError](err); silent || errors.Is(err, errBadAnswer) {
		status = http.StatusBadGateway
	}
	p.g.pages.write(w, r, status, unreachable, p.route.called())
}

// exchange sends r on c and passes the answer on. An error means that nothing
// was sent to the visitor yet. c is put back or closed.
func (p *proxy) exchange(w http.ResponseWriter, r *http.Request, c *backConn) error {
	stop := context.AfterFunc(r.Context(), func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	up := p.send(w, r, c)
	resp, err := readAnswer(w, r, c) //nolint:bodyclose // the connection is put back or closed, which ends the body
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		err = errBadAnswer
	}
	if err != nil {
		stop()
		up.end(w, c)
		return err
	}
	passed := pass(w, resp, c)
	clean := stop() && up.done() && passed == nil && !resp.Close && c.in.Buffered() == 0
	if clean {
		p.g.back.put(p.route.Target, c)
		return nil
	}
	up.end(w, c)
	if passed != nil {
		// The visitor has a part of the answer and must not take it for all.
		// This is net/http's way to break the connection or stream off.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// upload is the sending of a request's body; nil when there is none.
type upload struct {
	read     atomic.Bool // the visitor's part is over; what is left is to write the last bytes
	finished chan error
	result   error
	over     bool
}

// send writes the request. A body is sent by a goroutine of its own, because a
// service may answer before it has all of it.
func (p *proxy) send(w http.ResponseWriter, r *http.Request, c *backConn) *upload {
	writeHead(c.out, r, "")
	if r.ContentLength == 0 {
		_ = c.out.Flush() // a failure shows when the answer is read
		return nil
	}
	_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 always is
	up := &upload{finished: make(chan error, 1)}
	go func() { up.finished <- sendBody(c, r, &up.read) }()
	return up
}

// done reports whether the whole body was sent. When all of it was read, the
// sending is about to end, and done waits for that a little.
func (u *upload) done() bool {
	if u == nil {
		return true
	}
	if !u.over && u.read.Load() {
		limit := time.NewTimer(time.Second)
		defer limit.Stop()
		select {
		case u.result = <-u.finished:
			u.over = true
		case <-limit.C:
		}
	}
	return u.over && u.result == nil
}

// end closes c and returns when nothing uses it or the request any more.
func (u *upload) end(w http.ResponseWriter, c *backConn) {
	_ = c.Close()
	if u == nil || u.over {
		return
	}
	if !u.read.Load() {
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // wakes a body that waits for the visitor
	}
	u.result, u.over = <-u.finished, true
}

// sendBody copies the visitor's body to the service as it comes.
func sendBody(c *backConn, r *http.Request, read *atomic.Bool) error {
	var to io.Writer = c.out
	var chunks io.WriteCloser
	if r.ContentLength < 0 {
		chunks = httputil.NewChunkedWriter(c.out)
		to = chunks
	}
	buf := buffers.Get().(*[copyBufferSize]byte)
	defer buffers.Put(buf)
	for {
		n, readErr := r.Body.Read(buf[:])
		if errors.Is(readErr, io.EOF) {
			read.Store(true)
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
			if err := c.out.Flush(); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			if chunks != nil {
				_ = chunks.Close()
				_, _ = c.out.WriteString("\r\n")
			}
			return c.out.Flush()
		case readErr != nil:
			_ = c.SetDeadline(time.Unix(1, 0)) // the service must not take a part for the whole
			_ = c.Close()
			return readErr
		}
	}
}

const copyBufferSize = 32 << 10

var buffers = sync.Pool{New: func() any { return new([copyBufferSize]byte) }}
