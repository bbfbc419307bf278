// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"coopkit/internal/logkey"

	"golang.org/x/net/http/httpguts"
)

// proxy passes the requests of one host to a service over HTTP/1.1.
//
// net/http/httputil's ReverseProxy decides what a proxy has to decide:
// hop-by-hop headers, interim answers, upgrades, trailers, errors. What is ours
// is the transport below it (exchange): http.Transport has two goroutines for
// each connection to a service, and waking them costs more than the request.
type proxy struct {
	g       *Gateway
	route   Route
	reverse httputil.ReverseProxy // each request adds what is its own
}

func (g *Gateway) proxy(r Route) http.Handler {
	return &proxy{g: g, route: r, reverse: httputil.ReverseProxy{
		// No FlushInterval: an exchange flushes before each read that could wait.
		BufferPool: buffers,
		ErrorLog:   slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}}
}

// ServeHTTP sends r to the service and its answer to the visitor. What could
// mean one thing here and another at the service is refused.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, status := screen(r)
	if status != 0 {
		decline(w, r, status)
		return
	}
	e := &exchange{ResponseWriter: w, p: p, r: r, target: target, upgrade: asksForWebSocket(r)}
	if e.upgrade {
		defer p.g.open.add()()
	} else if r.Header["Upgrade"] != nil {
		r = withoutUpgrade(r)
	}
	reverse := p.reverse
	reverse.Transport, reverse.Rewrite, reverse.ModifyResponse, reverse.ErrorHandler = e, e.rewrite, e.modify, e.refuse
	reverse.ServeHTTP(e, r)
}

// screen returns the target that a service is asked for, or the status with
// which a request is refused unseen.
func screen(r *http.Request) (target string, refused int) {
	switch r.Method {
	case http.MethodConnect, http.MethodTrace, "TRACK":
		return "", http.StatusMethodNotAllowed
	}
	if !httpguts.ValidHeaderFieldName(r.Method) { // a token, as a method is (RFC 9110 section 9.1)
		return "", http.StatusBadRequest
	}
	for _, length := range r.Header["Content-Length"] {
		if r.ProtoMajor > 1 && length != strconv.FormatInt(r.ContentLength, 10) {
			return "", http.StatusBadRequest // net/http checks those of HTTP/1 only
		}
	}
	target, ok := originForm(r)
	if !ok {
		return "", http.StatusBadRequest
	}
	return target, 0
}

// originForm returns the target of r as a service gets it (RFC 9112 section
// 3.2.1): the path and query as the visitor wrote them, whatever is not ASCII
// escaped. The absolute form, which HTTP/2 does not have, is turned into it.
// Nothing that could end the request line is in it, although ":path" allows that.
func originForm(r *http.Request) (string, bool) {
	target := r.RequestURI
	if r.URL.Host != "" { // absolute form; net/http has taken its host for the request's
		if r.ProtoMajor > 1 || r.URL.Scheme != "http" && r.URL.Scheme != "https" || r.URL.User != nil {
			return "", false
		}
		target = r.URL.RequestURI()
	}
	if !strings.HasPrefix(target, "/") {
		return "", false
	}
	odd := false
	for i := range len(target) {
		switch b := target[i]; {
		case b <= ' ' || b == 0x7f:
			return "", false
		case b > 0x7f || b == '#':
			odd = true
		}
	}
	if odd {
		return escape(target), true
	}
	return target, true
}

// escape writes bytes that no target may hold as %XX.
func escape(target string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(target) {
		if c := target[i]; c > 0x7f || c == '#' {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// refuse answers when the service did not, or when the visitor's body could not
// be read. It is ReverseProxy's ErrorHandler.
func (e *exchange) refuse(_ http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody reads an answer; net/http closes the stream without one
	}
	p := e.p
	if _, visitors := errors.AsType[bodyError](err); visitors {
		decline(e, e.r, bodyStatus(err))
		return
	}
	p.g.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelDebug, "service did not answer",
		slog.String(logkey.Host, string(p.route.Host)), slog.String(logkey.Addr, p.route.Target.String()), slog.Any(logkey.Err, err))
	status := http.StatusBadGateway
	if errors.Is(err, errUnreachable) {
		status = http.StatusServiceUnavailable
	}
	p.g.pages.write(e, e.r, status, unreachable, p.route.called())
}

// bodyStatus is the answer to a body that could not be read to its end.
func bodyStatus(err error) int {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusRequestTimeout
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// decline answers a request that is not understood. On HTTP/1 nothing after it
// is read as another one, and its body is not waited for.
func decline(w http.ResponseWriter, r *http.Request, status int) {
	w.Header().Set("Cache-Control", "no-store")
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTimeout))
	}
	http.Error(w, http.StatusText(status), status)
}

// bufferPool lends buffers for the bodies of requests and answers.
type bufferPool struct{ sync.Pool }

const copyBufferSize = 32 << 10

var buffers = &bufferPool{sync.Pool{New: func() any { return new([copyBufferSize]byte) }}}

// Get lends a buffer.
func (p *bufferPool) Get() []byte { return p.Pool.Get().(*[copyBufferSize]byte)[:] }

// Put returns one to the pool.
func (p *bufferPool) Put(b []byte) { p.Pool.Put((*[copyBufferSize]byte)(b)) }
