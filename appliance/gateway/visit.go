// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"coopkit/internal/limit"
)

// visit is one request from its head to the end of its answer. It stands
// between net/http and the handlers, counts what the request takes, and cuts
// off a visitor who makes no progress: one timer looks at each request every
// few seconds, so that requests which are over sooner cost next to nothing.
//
// The deadline for writing is http.Server's WriteTimeout at first and is moved
// on while there is progress. That for reading is set only to cut off.
type visit struct {
	http.ResponseWriter
	rc       *http.ResponseController
	conn     *limit.Conn
	patience *patience
	counts   *counts
	held     int // bytes of memory, taken from conn
	began    time.Time
	timer    *time.Timer
	slot     slot

	alone bool // on its connection: HTTP/1.1

	collecting atomic.Bool  // a small body comes
	reading    wait         // of a handler for the body
	received   atomic.Int64 // bytes of it
	uploaded   atomic.Bool  // the body is over, or there is none
	writing    wait         // of a handler for the visitor to read
	wrote      atomic.Int64 // pieces of the answer
	answered   atomic.Bool  // the final head is written

	mu       sync.Mutex // held by look, so that none is under way after the end
	over     bool
	progress progress
}

// admit lets requests in within the limits of memory; h gets a *visit. Those
// that are not let in get an answer without a body, which takes no more of it.
func (g *Gateway) admit(h func(*visit, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{ResponseWriter: w, patience: &g.patience, rc: http.NewResponseController(w), counts: &g.counts, conn: limit.From(r.Context()), began: time.Now()}
		if r.TLS == nil {
			r.TLS = v.conn.TLS()
		}
		cost, fields := weight(r)
		if fields > maxHeaderFields {
			g.counts.add(http.StatusRequestHeaderFieldsTooLarge)
			turnAway(w, r, http.StatusRequestHeaderFieldsTooLarge)
			return
		}
		if !v.conn.Take(cost) {
			g.counts.add(http.StatusServiceUnavailable)
			turnAway(w, r, http.StatusServiceUnavailable)
			return
		}
		v.held = cost
		if r.ContentLength != 0 {
			seen := *r // net/http looks at the body of its own request
			seen.Body = &incoming{r.Body, v}
			r = &seen
		} else {
			v.uploaded.Store(true)
		}
		v.alone, v.progress = r.ProtoMajor == 1, progress{window: v.began, moved: v.began}
		v.mu.Lock() // look wants the timer
		v.timer = time.AfterFunc(g.patience.look, v.look)
		v.mu.Unlock()
		defer v.end()
		h(v, r)
		v.finish(r)
	}
}

// turnAway answers without a body, and ends a connection that has only this
// request.
func turnAway(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	if r.ProtoMajor == 1 {
		h.Set("Connection", "close")
	}
	h.Set("Content-Length", "0")
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "10")
	}
	w.WriteHeader(status)
}

// finish reads what is left of a body that nobody wanted, if it is little:
// net/http resets an HTTP/2 stream whose body was not read, and some clients
// then take no notice of the answer.
func (v *visit) finish(r *http.Request) {
	if v.uploaded.Load() || v.slot.hijacked {
		return
	}
	_ = v.rc.SetReadDeadline(time.Now().Add(v.patience.leftOver)) // of HTTP/1.1, net/http reads it
	if !v.alone {
		_ = v.FlushError()
		_, _ = io.CopyN(io.Discard, r.Body, smallBody)
	}
}

// end gives everything back.
func (v *visit) end() {
	v.timer.Stop()
	v.mu.Lock()
	v.over = true
	hijacked := v.slot.hijacked
	v.mu.Unlock()
	if !hijacked && !v.answered.Load() {
		v.counts.add(0)
	}
	v.slot.leave(v)
	v.conn.Give(v.held)
}

// Unwrap lets http.ResponseController reach the real writer.
func (v *visit) Unwrap() http.ResponseWriter { return v.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (v *visit) WriteHeader(status int) {
	if status >= http.StatusOK && !v.answered.Swap(true) {
		v.counts.add(status)
		if isLive(v.Header()) {
			v.mu.Lock()
			v.slot.becomesLong(v)
			v.mu.Unlock()
		}
	}
	v.ResponseWriter.WriteHeader(status)
}

// isLive reports whether an answer is a stream of events, which may last as
// long as a page is open.
func isLive(h http.Header) bool {
	kind := h["Content-Type"]
	if len(kind) == 0 || len(kind[0]) < len("text/event-stream") {
		return false
	}
	name, _, _ := mime.ParseMediaType(kind[0])
	return name == "text/event-stream"
}

// piece is what is written at once: a visitor who takes less in a minute is
// cut off, which is 273 bytes a second.
const piece = 16 << 10

// Write implements http.ResponseWriter.
func (v *visit) Write(b []byte) (n int, err error) {
	if !v.answered.Load() {
		v.WriteHeader(http.StatusOK)
	}
	for {
		v.writing.begin(v)
		m, err := v.ResponseWriter.Write(b[n:min(len(b), n+piece)])
		v.writing.end()
		n += m
		v.wrote.Add(1)
		if err != nil || n >= len(b) {
			return n, err
		}
	}
}

// ReadFrom implements io.ReaderFrom with the buffers that are there.
func (v *visit) ReadFrom(from io.Reader) (int64, error) {
	buf := buffers.Get()
	defer buffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{v}, struct{ io.Reader }{from}, buf)
}

// FlushError sends what was written.
func (v *visit) FlushError() error {
	v.writing.begin(v)
	err := v.rc.Flush()
	v.writing.end()
	v.wrote.Add(1)
	return err
}

// errTooMany says that a network has as many upgraded connections as it may.
var errTooMany = errors.New("too many upgraded connections")

// Hijack hands the connection over, which then has no deadlines.
func (v *visit) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.slot.becomesLong(v) || !v.conn.Take(tunnelBytes) {
		return nil, nil, errTooMany
	}
	v.held += tunnelBytes
	v.slot.hijacked, v.over = true, true
	v.counts.add(http.StatusSwitchingProtocols)
	v.timer.Stop()
	return v.rc.Hijack()
}
