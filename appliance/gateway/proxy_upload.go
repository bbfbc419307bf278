// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/supervise"
)

// upload is the sending of a request's body, by a goroutine of its own, because
// a service may answer before it has all of it. The methods of a nil upload are
// those of a body that is not there.
type upload struct {
	e       *exchange
	body    io.Reader
	want    chan bool     // the service does (100 Continue) or does not want it; nil = it was not asked
	reached atomic.Bool   // the visitor's body was read to its end
	cut     atomic.Bool   // nobody wants the rest of it
	over    chan struct{} // closed when nothing is read or written any more
	readErr error         // why the visitor's body ended early; read it after over
	err     error         // why not all was sent; read it after over
}

// bodyError says that the visitor's body could not be read to its end.
type bodyError struct{ error }

// Unwrap returns why not.
func (e bodyError) Unwrap() error { return e.error }

// The waits around a body.
const (
	continueTimeout = time.Second            // for the service to say whether it wants it
	lastWrite       = 20 * time.Millisecond  // for its last bytes, once the answer is complete
	drainTimeout    = 500 * time.Millisecond // for the visitor to stop sending what nobody wants
)

// maxDiscard is how many bytes of a body that nobody wants are read, as many as
// by net/http.
const maxDiscard = 256 << 10

// send writes the request: the head at once, the body as it comes.
func (e *exchange) send(out *http.Request) {
	writeHead(e.c.out, out, e.r, e.target)
	_ = e.c.out.Flush() // a failure shows when the answer is read
	if e.r.ContentLength == 0 {
		return
	}
	u := &upload{e: e, body: out.Body, over: make(chan struct{})}
	if expectsContinue(e.r) {
		u.want = make(chan bool, 1)
	}
	e.up = u
	go u.run(out.Context())
}

// expectsContinue reports whether r waits for 100 Continue before its body.
func expectsContinue(r *http.Request) bool {
	return r.ProtoMajor == 1 && r.ProtoMinor >= 1 && strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

// wanted passes on whether the service wants the body. Only the first word counts.
func (u *upload) wanted(yes bool) {
	if u != nil && u.want != nil {
		select {
		case u.want <- yes:
		default:
		}
	}
}

// errNotWanted says that the service answered instead of asking for the body.
var errNotWanted = errors.New("the service does not want the body")

// run sends the body when the service wants it. A panic breaks this exchange off
// and no other: net/http catches those of its own goroutines only.
func (u *upload) run(ctx context.Context) {
	defer close(u.over)
	u.err = supervise.Recovered(func() error {
		if !u.isWanted() {
			return errNotWanted
		}
		err := u.copy()
		if err != nil && u.readErr == nil {
			u.discard()
		}
		return err
	})
	if supervise.Panicked(u.err) {
		u.e.p.g.log.LogAttrs(context.WithoutCancel(ctx), slog.LevelError, "sending a body failed",
			slog.String(logkey.Host, string(u.e.p.route.Host)), slog.Any(logkey.Err, u.err))
		_ = u.e.c.Close() // the service must not take a part for the whole
	}
}

// isWanted waits for what the service says, if it was asked.
func (u *upload) isWanted() bool {
	if u.want == nil {
		return true
	}
	limit := time.NewTimer(continueTimeout)
	defer limit.Stop()
	select {
	case yes := <-u.want:
		return yes
	case <-limit.C: // a service that does not know the question
		return true
	}
}

// discard reads on after the service has stopped: a visitor who sends until the
// connection breaks would not see the answer.
func (u *upload) discard() {
	_, err := io.CopyN(io.Discard, u.body, maxDiscard)
	u.reached.Store(errors.Is(err, io.EOF))
}

// copy copies the visitor's body to the service as it comes.
func (u *upload) copy() error {
	out := u.e.c.out
	left := u.e.r.ContentLength
	var to io.Writer = out
	chunked, trailers := isChunked(u.e.r), trailerNames(u.e.r.Trailer)
	if chunked {
		to = httputil.NewChunkedWriter(out)
	}
	buf := buffers.Get()
	defer buffers.Put(buf)
	for {
		n, readErr := u.body.Read(buf)
		ended := errors.Is(readErr, io.EOF)
		if left >= 0 {
			if left -= int64(n); left < 0 || ended && left > 0 {
				readErr, ended = fmt.Errorf("the body is not as long as it said: %w", io.ErrUnexpectedEOF), false
			}
		}
		u.reached.Store(ended)
		if readErr != nil && !ended {
			if !u.cut.Load() {
				u.readErr = readErr
			}
			_ = u.e.c.Close() // the service must not take a part for the whole
			return readErr
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return err
			}
		}
		if ended && chunked {
			writeLastChunk(out, trailers, u.e.r.Trailer)
		}
		if err := out.Flush(); err != nil || ended {
			return err
		}
	}
}

// done reports whether the whole body was sent. When all of it was read, the
// sending is about to end, and done waits for that a little.
func (u *upload) done() bool {
	if u == nil {
		return true
	}
	if !u.reached.Load() {
		return false
	}
	limit := time.NewTimer(lastWrite)
	defer limit.Stop()
	select {
	case <-u.over:
		return u.err == nil
	case <-limit.C:
		return false
	}
}

// end returns when nothing reads the visitor's body any more; the connection to
// the service is closed by then. A visitor of HTTP/1 who is still sending gets
// a moment to stop; HTTP/2 can say so.
func (u *upload) end(w http.ResponseWriter) {
	u.wanted(false)
	u.cut.Store(true)
	until := longAgo
	if u.e.r.ProtoMajor == 1 {
		until = time.Now().Add(drainTimeout)
	}
	visitor := http.NewResponseController(w)
	again := time.NewTicker(10 * time.Millisecond) // whoever wraps the body may set deadlines too
	defer again.Stop()
	for {
		if !u.reached.Load() {
			_ = visitor.SetReadDeadline(until)
		}
		select {
		case <-u.over:
			return
		case <-again.C:
		}
	}
}
