// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// dial connects from an address, and returns nil when the door does not want
// that, or any more.
func (v *victim) dial(from string, protocols ...string) *tls.Conn {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4<<10) })
	}}
	raw, err := d.DialContext(v.t.Context(), "tcp", v.addr)
	if err != nil {
		return nil
	}
	v.t.Cleanup(func() { _ = raw.Close() })
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "app.demo.coop", NextProtos: protocols})
	_ = raw.SetDeadline(time.Now().Add(time.Second))
	if err := c.HandshakeContext(v.t.Context()); err != nil {
		return nil
	}
	_ = raw.SetDeadline(time.Time{})
	return c
}

// h2 is a connection on which frames are written by hand, and none is read.
type h2 struct {
	c    *tls.Conn
	buf  bytes.Buffer
	fr   *http2.Framer
	head bytes.Buffer
	enc  *hpack.Encoder
	next uint32
}

func (v *victim) h2(from string, window uint32) *h2 {
	c := v.dial(from, "h2")
	if c == nil {
		return nil
	}
	h := &h2{c: c, next: 1}
	h.fr = http2.NewFramer(&h.buf, nil)
	h.enc = hpack.NewEncoder(&h.head)
	h.buf.WriteString(http2.ClientPreface)
	_ = h.fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	return h
}

// request begins a stream with a head, and a body if end is not set.
func (h *h2) request(end bool, fields ...string) uint32 {
	h.head.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		_ = h.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	id, block := h.next, h.head.Bytes()
	first := min(len(block), 16<<10)
	_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:first], EndHeaders: first == len(block), EndStream: end})
	for block = block[first:]; len(block) > 0; block = block[first:] {
		first = min(len(block), 16<<10)
		_ = h.fr.WriteContinuation(id, first == len(block), block[:first])
	}
	h.next += 2
	return id
}

// send writes what was made; an attacker does not mind failures.
func (h *h2) send() {
	_ = h.c.SetWriteDeadline(time.Now().Add(2 * time.Second))
	_, _ = h.c.Write(h.buf.Bytes())
	h.buf.Reset()
}

// attacks are what strangers can hold of the door. Each returns when it has one
// connection's worth, or as much as it gets.
var attacks = map[string]func(v *victim, from string){
	"indexed cookies":          func(v *victim, from string) { v.cookies(from, 4) },
	"too many indexed cookies": func(v *victim, from string) { v.cookies(from, 9) },
	"bodies that do not end": func(v *victim, from string) {
		h := v.h2(from, 1<<20)
		if h == nil {
			return
		}
		for range 60 {
			id := h.request(false, ":method", "POST", ":scheme", "https", ":authority", "app.demo.coop", ":path", "/", "content-length", "50000000")
			_ = h.fr.WriteData(id, false, make([]byte, 4<<10))
		}
		h.send()
	},
	"answers that nobody reads": func(v *victim, from string) {
		for _, host := range []string{"app.demo.coop", "site.demo.coop"} {
			if c := v.dial(from, "http/1.1"); c != nil {
				_, _ = io.WriteString(c, "GET /"+map[string]string{"app.demo.coop": "big", "site.demo.coop": "big.bin"}[host]+" HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
			}
		}
	},
	"heads that do not end": func(v *victim, from string) {
		if c := v.dial(from, "http/1.1"); c != nil {
			var head strings.Builder
			head.WriteString("GET / HTTP/1.1\r\nHost: site.demo.coop\r\n")
			for i := range 4000 {
				head.WriteString(strconv.FormatInt(int64(i), 36) + ":\r\n")
			}
			_, _ = io.WriteString(c, head.String())
		}
	},
	"pings whose answers nobody reads": func(v *victim, from string) {
		h := v.h2(from, 1<<30)
		if h == nil {
			return
		}
		h.request(true, ":method", "GET", ":scheme", "https", ":authority", "site.demo.coop", ":path", "/big.bin")
		_ = h.fr.WriteWindowUpdate(0, 1<<30)
		h.send()
		for range 9000 {
			_ = h.fr.WritePing(false, [8]byte{})
		}
		h.send()
	},
	"idle connections":              func(v *victim, from string) { v.dial(from, "http/1.1") },
	"silent WebSockets":             func(v *victim, from string) { v.webSockets(from, "/ws", 5) },
	"WebSockets that nobody reads":  func(v *victim, from string) { v.webSockets(from, "/ws/much", 5) },
	"WebSockets that get no answer": func(v *victim, from string) { v.webSockets(from, "/ws/never", 5) },
}

// webSockets opens many and leaves them as they are.
func (v *victim) webSockets(from, path string, many int) {
	for range many {
		if c := v.dial(from, "http/1.1"); c != nil {
			_, _ = io.WriteString(c, webSocketHead(path))
		}
	}
}

func webSocketHead(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: app.demo.coop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
}

// cookies sends requests in which one indexed byte on the wire is a cookie of
// 3.5 KB, and opens no window for the answers.
func (v *victim) cookies(from string, many int) {
	h := v.h2(from, 0)
	if h == nil {
		return
	}
	fields := []string{":method", "GET", ":scheme", "https", ":authority", "site.demo.coop", ":path", "/"}
	for range many {
		fields = append(fields, "cookie", strings.Repeat("c", 3500))
	}
	for range 250 {
		h.request(true, fields...)
	}
	h.send()
}

// TestGateway_holdsLittleForStrangers: everything that strangers can hold at a
// time, from eight addresses, leaves memory, the site and the app to others.
func TestGateway_holdsLittleForStrangers(t *testing.T) {
	v := startVictim(t)
	t.Logf("at rest: %d MiB", v.peak())
	for name, attack := range attacks {
		done := make(chan struct{})
		for i := range 8 {
			go func() {
				for range 30 {
					attack(v, fmt.Sprintf("127.0.0.%d", 10+i))
				}
				done <- struct{}{}
			}()
		}
		for range 8 {
			<-done
		}
		t.Logf("with %s: %d MiB", name, v.peak())
		for _, host := range []string{"site.demo.coop", "app.demo.coop"} {
			begun := time.Now()
			if err := v.visit(host); err != nil {
				t.Errorf("with %s, a visitor of %s: %v", name, host, err)
			}
			t.Logf("a visitor of %s waited %v", host, time.Since(begun))
		}
		if err := v.talk(); err != nil {
			t.Errorf("with %s, a visitor who wants a WebSocket: %v", name, err)
		}
	}
	if peak := v.peak(); peak > 128 {
		t.Errorf("the front door took %d MiB", peak)
	}
}

// visit asks for the first page of a host on a connection of its own.
func (v *victim) visit(host string) error {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, v.addr)
		},
	}}
	resp, err := client.Get("https://" + host + "/")
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return err
}

// talk opens a WebSocket, as somebody does who has no other connection.
func (v *victim) talk() error {
	c := v.dial("127.0.0.1", "http/1.1")
	if c == nil {
		return errors.New("the door does not open")
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, webSocketHead("/ws")); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
