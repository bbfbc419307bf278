// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// exchange is one request and its answer. It stands on both sides of a
// ReverseProxy: as the transport that asks the service, and as the writer to
// the visitor. One goroutine, net/http's, does all of it; a request with a body
// has a second one.
type exchange struct {
	http.ResponseWriter // to the visitor

	p       *proxy
	r       *http.Request // as the visitor sent it
	target  string        // of the request line
	upgrade bool          // the visitor asks for a WebSocket

	c       *backConn
	stop    func() bool // ends the watch over the request's context
	up      *upload     // nil when the request has no body
	unsent  bool        // something was written to the visitor since the last flush
	reached bool        // the answer's body was read to its end
	final   bool        // c may not be used for another request
}

// idempotent methods may be sent again when a connection breaks before an
// answer (RFC 9110 section 9.2.2).
var idempotent = map[string]bool{
	http.MethodGet: true, http.MethodHead: true, http.MethodOptions: true,
	http.MethodPut: true, http.MethodDelete: true,
}

// RoundTrip sends out to the service and returns its answer, whose Body must be
// closed. A request that is safe to repeat is sent a second time, on a new
// connection, when the first one had been idle and was closed by the service.
func (e *exchange) RoundTrip(out *http.Request) (*http.Response, error) {
	repeatable := e.r.ContentLength == 0 && idempotent[out.Method]
	resp, err := e.ask(out, e.upgrade)
	if err == nil || !repeatable || out.Context().Err() != nil {
		return resp, err
	}
	if _, silent := errors.AsType[noAnswerError](err); silent && e.c.reused && stopped(err) {
		return e.ask(out, true)
	}
	return nil, err
}

// ask tries once; with fresh on a new connection.
func (e *exchange) ask(out *http.Request, fresh bool) (*http.Response, error) {
	c, err := e.p.g.back.get(out.Context(), e.p.route.Target, fresh)
	if err != nil {
		return nil, err
	}
	e.c = c
	e.stop = context.AfterFunc(out.Context(), func() { _ = c.SetDeadline(longAgo) })
	e.send(out)
	resp, err := e.receive(out)
	if err != nil {
		e.stop()
		e.breakOff()
		if e.up != nil && e.up.readErr != nil {
			err = bodyError{e.up.readErr}
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = &tunnel{c: c}
		return resp, nil
	}
	c.beforeRead = e.flush
	resp.Body = &answerBody{ReadCloser: resp.Body, e: e, resp: resp}
	return resp, nil
}

// longAgo is a deadline that wakes whatever waits.
var longAgo = time.Unix(1, 0)

// answerBody is the body of an answer; closing it ends the exchange.
type answerBody struct {
	io.ReadCloser
	e    *exchange
	resp *http.Response
}

// Read reads, and notes the end.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.e.reached = true
		cleanTrailer(b.resp.Trailer)
	}
	return n, err
}

// Close leaves the connection to the next request when nothing of this one can
// be left in it; otherwise it closes the connection.
func (b *answerBody) Close() error {
	e := b.e
	e.c.beforeRead = nil
	if len(b.resp.Trailer) > 0 {
		e.flush() // or net/http could give the answer a length, after which no trailer may come
	}
	if e.stop() && e.reached && !e.final && e.up.done() {
		e.p.g.back.put(e.p.route.Target, e.c)
		return nil
	}
	if e.up != nil {
		e.flush() // to end an upload can take a moment
	}
	e.breakOff()
	return nil
}

// breakOff closes the connection to the service, and returns when nothing reads
// the visitor's body any more.
func (e *exchange) breakOff() {
	_ = e.c.Close()
	if e.up != nil {
		e.up.end(e.ResponseWriter)
	}
}

// WriteHeader writes the head of an answer. When the visitor's body has not
// reached its end by now, the connection does not outlive the answer: what
// comes on it may never be taken for another request. Since it is to be closed,
// net/http does not read the rest of the body, which the service may still get,
// before it sends the head.
func (e *exchange) WriteHeader(status int) {
	if status >= http.StatusOK && e.r.ProtoMajor == 1 && e.up != nil && !e.up.reached.Load() {
		e.Header()["Connection"] = []string{"close"}
	}
	e.unsent = true
	e.ResponseWriter.WriteHeader(status)
}

// Write writes to the visitor.
func (e *exchange) Write(b []byte) (int, error) {
	e.unsent = true
	return e.ResponseWriter.Write(b)
}

// FlushError does nothing: ReverseProxy would flush after each write, although
// more may be at hand. Bytes are sent before a read that could wait.
func (e *exchange) FlushError() error { return nil }

// flush sends what was written.
func (e *exchange) flush() {
	if e.unsent {
		e.unsent = false
		_ = http.NewResponseController(e.ResponseWriter).Flush() // a failure shows when more is written
	}
}

// Unwrap lets http.ResponseController reach the real writer.
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }
