// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// webSocket is the only protocol to which a connection may be upgraded (RFC
// 6455). Any other, h2c before all, would be a way past the front door.
const webSocket = "websocket"

// asksForWebSocket reports whether a request may become a tunnel.
func asksForWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor >= 1 && r.ContentLength == 0 && namesWebSocket(r.Header)
}

func namesWebSocket(h http.Header) bool {
	return len(h["Upgrade"]) == 1 && strings.EqualFold(h["Upgrade"][0], webSocket) &&
		httpguts.HeaderValuesContainsToken(h["Connection"], "Upgrade")
}

// withoutUpgrade returns r as if it had not asked for another protocol, which
// every server may ignore (RFC 9110 section 7.8).
func withoutUpgrade(r *http.Request) *http.Request {
	plain := *r
	plain.Header = r.Header.Clone()
	delete(plain.Header, "Upgrade")
	return &plain
}

// checkUpgrade refuses a 101 that was not asked for.
func (e *exchange) checkUpgrade(resp *http.Response) error {
	if !e.upgrade || !namesWebSocket(resp.Header) {
		return fmt.Errorf("%w: a switch of protocols that nobody asked for", errBadAnswer)
	}
	return nil
}

// tunnel is the service's end of an upgraded connection.
type tunnel struct{ c *backConn }

// Read reads what the service sends, first of all what came with its answer.
func (t *tunnel) Read(b []byte) (int, error) { return t.c.in.Read(b) }

// Write writes to the service.
func (t *tunnel) Write(b []byte) (int, error) { return t.c.Write(b) }

// Close closes the connection.
func (t *tunnel) Close() error { return t.c.Close() }

// Hijack takes the visitor's connection over for a tunnel. Unlike net/http's it
// reads first what was read already, and it cannot be closed in one direction
// only: a tunnel ends, whole, when one side does.
func (e *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, client, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take over connection: %w", err)
	}
	return &hijacked{Conn: conn, in: client.Reader, stall: e.p.g.patience.answer}, client, nil
}

// hijacked is the visitor's end of an upgraded connection. It may be silent for
// as long as it is open, but what is sent to it must be read.
type hijacked struct {
	net.Conn
	in    *bufio.Reader
	stall time.Duration // in which a piece is taken
}

// Write sends b, a piece at a time, and fails when the visitor does not read.
func (h *hijacked) Write(b []byte) (n int, err error) {
	for err == nil && n < len(b) {
		var m int
		_ = h.SetWriteDeadline(time.Now().Add(h.stall))
		m, err = h.Conn.Write(b[n:min(len(b), n+piece)])
		n += m
	}
	return n, err
}

// Read reads what the visitor sends.
func (h *hijacked) Read(b []byte) (int, error) { return h.in.Read(b) }
