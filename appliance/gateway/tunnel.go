// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// wantsUpgrade reports whether a request asks for another protocol, such as
// WebSocket (RFC 9110 section 7.8).
func wantsUpgrade(h http.Header) bool {
	return len(h["Upgrade"]) > 0 && httpguts.HeaderValuesContainsToken(h["Connection"], "Upgrade")
}

// tunnel asks the service for the other protocol; when it agrees, bytes go both
// ways until one side ends or the gateway does. Any other answer is passed on
// as it is. An error means that nothing was sent to the visitor yet.
func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request, c *backConn) error {
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(r.Context(), func() { _ = c.Close() })
	defer stop()
	protocol := strings.Join(r.Header["Upgrade"], ", ")
	writeHead(c.out, r, protocol)
	_ = c.out.Flush()                // a failure shows when the answer is read
	resp, err := readAnswer(w, r, c) //nolint:bodyclose // closing the connection ends the body
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		if pass(w, resp, c) != nil {
			panic(http.ErrAbortHandler) // see exchange
		}
		return nil
	}
	if !strings.EqualFold(resp.Header.Get("Upgrade"), r.Header.Get("Upgrade")) {
		return errBadAnswer
	}
	defer p.g.open.add()()
	conn, client, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("take over connection: %w", err) // HTTP/2, which has no upgrades
	}
	defer func() { _ = conn.Close() }()
	halt := context.AfterFunc(r.Context(), func() { _ = conn.Close() })
	defer halt()
	if err := resp.Write(conn); err != nil {
		return nil //nolint:nilerr // the visitor went away, and there is nobody to tell
	}
	join(conn, client.Reader, c)
	return nil
}

// join copies both ways until one side ends.
func join(conn net.Conn, visitor *bufio.Reader, c *backConn) {
	ended := make(chan struct{}, 2)
	one := func(to net.Conn, from io.Reader) {
		_, _ = io.Copy(to, from) // how a tunnel ends is the business of its protocol
		ended <- struct{}{}
	}
	go one(c.Conn, visitor)
	go one(conn, c.in)
	<-ended
	_ = conn.Close()
	_ = c.Close()
	<-ended
}
