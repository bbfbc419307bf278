// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// rawVisitor connects to the door and speaks for itself.
func (d *door) rawVisitor(protos ...string) *tls.Conn {
	d.t.Helper()
	c, err := tls.Dial("tcp", d.Addrs().HTTPS.String(), &tls.Config{ServerName: "www.demo.coop", RootCAs: d.roots(), NextProtos: protos})
	if err != nil {
		d.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	d.t.Cleanup(func() { _ = c.Close() })
	return c
}

// readRaw reads one answer; status 0 means that the connection ended instead.
func readRaw(t *testing.T, in *bufio.Reader) (status int, body string, closes bool) {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			t.Errorf("neither an answer nor an end: %v", err)
		}
		return 0, "", true
	}
	b, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, string(b), resp.Close
}

// smuggled is a request that must stay the body that it is in.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: old.demo.coop\r\n\r\n"

// openWithOld opens the door with a raw service, and a second host which would
// answer a smuggled request.
func openWithOld(t *testing.T, answer func(c net.Conn, in *bufio.Reader, nth int)) *door {
	t.Helper()
	return open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: rawService(t, answer)},
		Route{Host: "old.demo.coop", Kind: Redirect, To: "https://www.demo.coop/"})
}

// TestProxy_earlyAnswerLeavesNoBodyBehind: a service answers before the body is
// there, and keeps its connection open. What comes after that is body.
func TestProxy_earlyAnswerLeavesNoBodyBehind(t *testing.T) {
	for name, head := range map[string]string{
		"chunked": "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
		"length":  fmt.Sprintf("Content-Length: %d\r\n\r\n%s", smallBody+1+len(smuggled), strings.Repeat("x", smallBody+1)),
		"large":   "Content-Length: 1000000\r\n\r\nx",
	} {
		t.Run(name, func(t *testing.T) {
			d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, _ int) {
				_, _ = http.ReadRequest(in)
				_, _ = conn.Write([]byte("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"))
			})
			conn := d.rawVisitor("http/1.1")
			_, _ = io.WriteString(conn, "POST /upload HTTP/1.1\r\nHost: www.demo.coop\r\n"+head)
			in := bufio.NewReader(conn)
			if status, body, closes := readRaw(t, in); status != 403 || body != "no" || !closes {
				t.Errorf("%d %q closes=%v; want 403, and the end of the connection", status, body, closes)
			}
			_, _ = io.WriteString(conn, smuggled)
			if status, _, _ := readRaw(t, in); status != 0 {
				t.Errorf("the body was answered as a request: %d", status)
			}
		})
	}
}

// TestProxy_malformedBodyIsTheVisitorsFault: it is answered 400, nothing after
// it is a request, and the service does not take what it got for the whole.
func TestProxy_malformedBodyIsTheVisitorsFault(t *testing.T) {
	for name, body := range map[string]string{
		"not hex":      "zz\r\n" + smuggled,
		"bare LF":      "1;a\nx\r\n0\r\n\r\n" + smuggled,
		"longer chunk": "5\r\nhelloXX\r\n0\r\n\r\n" + smuggled,
		"overflow":     "fffffffffffffffff\r\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) {
			whole := make(chan error, 1)
			d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, _ int) {
				r, err := http.ReadRequest(in)
				if err == nil {
					_, err = io.Copy(io.Discard, r.Body)
				}
				whole <- err
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
			})
			conn := d.rawVisitor("http/1.1")
			_, _ = io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: www.demo.coop\r\nTransfer-Encoding: chunked\r\n\r\n"+body)
			in := bufio.NewReader(conn)
			if status, _, closes := readRaw(t, in); status != 400 || !closes {
				t.Errorf("%d closes=%v; want 400, and the end of the connection", status, closes)
			}
			if status, _, _ := readRaw(t, in); status != 0 {
				t.Errorf("what follows was answered as a request: %d", status)
			}
			if err := <-whole; err == nil {
				t.Error("the service took a part for the whole")
			}
		})
	}
}

// TestProxy_unaskedBytesOfAServiceReachNobody: what a service sends beyond its
// answer must not be the answer to the next visitor.
func TestProxy_unaskedBytesOfAServiceReachNobody(t *testing.T) {
	const stray = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			answered := make(chan struct{})
			sent := make(chan struct{})
			d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, nth int) {
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(r.URL.Path))
					if r.Method != http.MethodHead {
						_, _ = io.WriteString(conn, r.URL.Path)
					}
					if nth == 1 {
						<-answered
						_, _ = io.WriteString(conn, stray)
						close(sent)
					}
				}
			})
			d.do(method, "https://www.demo.coop/first", strings.NewReader("")) // its answer is whole
			close(answered)
			<-sent
			for _, path := range []string{"/second", "/third"} {
				testkit.Eventually(t, 5*time.Second, "the stray bytes are there", func() bool {
					d.back.mu.Lock()
					defer d.back.mu.Unlock()
					for _, list := range d.back.idle {
						for _, c := range list {
							if path == "/second" && c.quiet() {
								return false
							}
						}
					}
					return true
				})
				if a := d.get("https://www.demo.coop" + path); a.body != path {
					t.Errorf("%s was answered %q", path, a.body)
				}
			}
		})
	}
}

// TestProxy_headIsSentBeforeTheBody: a service may refuse, or answer, before
// any of a body is there that is not collected.
func TestProxy_headIsSentBeforeTheBody(t *testing.T) {
	for _, how := range []string{"Transfer-Encoding: chunked", "Content-Length: 100000", "Content-Length: 5\r\nExpect: 100-continue"} {
		d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, _ int) {
			_, _ = http.ReadRequest(in)
			_, _ = conn.Write([]byte("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"))
		})
		conn := d.rawVisitor("http/1.1")
		_, _ = fmt.Fprintf(conn, "POST /stream HTTP/1.1\r\nHost: www.demo.coop\r\n%s\r\n\r\n", how)
		if status, body, closes := readRaw(t, bufio.NewReader(conn)); status != 401 || body != "no" || !closes {
			t.Errorf("%s: %d %q closes=%v", how, status, body, closes)
		}
	}
}

// TestProxy_streamsBothWaysAtOnce: each line is answered before the next is sent.
func TestProxy_streamsBothWaysAtOnce(t *testing.T) {
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			_, _ = fmt.Fprintln(w, "echo "+lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
	})
	for _, h2 := range []bool{false, true} {
		body, feed := io.Pipe()
		r, err := http.NewRequest(http.MethodPost, "https://www.demo.coop/", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := d.newClient(h2).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(resp.Body)
		for i := range 3 {
			_, _ = fmt.Fprintf(feed, "line %d\n", i)
			if got, err := in.ReadString('\n'); got != fmt.Sprintf("echo line %d\n", i) {
				t.Errorf("h2=%v: %q %v", h2, got, err)
			}
		}
		_ = feed.Close()
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("h2=%v: at the end %q %v", h2, rest, err)
		}
		_ = resp.Body.Close()
	}
}

// TestProxy_largeUploadsThatAreRefusedGetTheirAnswer: the visitor is still
// sending when the answer comes, and must not lose it.
func TestProxy_largeUploadsThatAreRefusedGetTheirAnswer(t *testing.T) {
	for _, head := range []string{"Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nF0000\r\n"} {
		for _, hangsUp := range []bool{false, true} {
			d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, _ int) {
				_, _ = http.ReadRequest(in)
				_, _ = conn.Write([]byte("HTTP/1.1 413 Too Large\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("n", 100000)))
				if hangsUp {
					_ = conn.Close() // with bytes in it that it did not read
				}
			})
			conn := d.rawVisitor("http/1.1")
			_, _ = io.WriteString(conn, "PUT / HTTP/1.1\r\nHost: www.demo.coop\r\n"+head)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = io.WriteString(conn, strings.Repeat("x", 200<<10)) })
			if status, body, _ := readRaw(t, bufio.NewReader(conn)); status != 413 || len(body) != 100000 {
				t.Errorf("%.20q, hangs up: %v: %d with %d bytes", head, hangsUp, status, len(body))
			}
			wg.Wait()
		}
	}
}

// TestProxy_onlyWebSocketsAreTunnels: anything else that asks for an upgrade is
// an ordinary request, with its body.
func TestProxy_onlyWebSocketsAreTunnels(t *testing.T) {
	type seen struct{ upgrade, body string }
	got := make(chan seen, 1)
	d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			b, _ := io.ReadAll(r.Body)
			got <- seen{r.Header.Get("Upgrade") + r.Header.Get("Connection"), string(b)}
			if r.Header.Get("Upgrade") == "" {
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
				continue
			}
			_, _ = conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade, X-Hop\r\n" +
				"X-Hop: 1\r\nSet-Cookie: __Host-coopkit=planted; Path=/; Secure\r\nStrict-Transport-Security: max-age=1\r\n\r\nhello"))
			_, _ = io.Copy(conn, in)
		}
	})
	for _, c := range []struct {
		head   string
		status int
		want   seen
	}{
		{"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n", 101, seen{"websocketUpgrade", ""}},
		{"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200, seen{"", ""}},
		{"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", 200, seen{"", ""}},
		{"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: \xff\r\n\r\n", 200, seen{"", ""}},
		{"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello", 200, seen{"", "hello"}},
		{"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello", 200, seen{"", "hello"}},
	} {
		conn := d.rawVisitor("http/1.1")
		_, _ = io.WriteString(conn, strings.Replace(c.head, "\r\n", "\r\nHost: www.demo.coop\r\n", 1))
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil) //nolint:bodyclose // the connection is closed
		if err != nil {
			t.Fatal(err)
		}
		if s := <-got; s != c.want || resp.StatusCode != c.status {
			t.Errorf("%q: %d, the service saw %+v", c.head, resp.StatusCode, s)
		}
		if c.status != http.StatusSwitchingProtocols {
			continue
		}
		for _, name := range []string{"Set-Cookie", "Strict-Transport-Security", "X-Hop"} {
			if v := resp.Header.Get(name); v != "" {
				t.Errorf("101 passes %s: %s", name, v)
			}
		}
		_, _ = io.WriteString(conn, "echo")
		b := make([]byte, 9)
		if _, err := io.ReadFull(in, b); err != nil || string(b) != "helloecho" {
			t.Errorf("through the tunnel came %q %v", b, err)
		}
	}
}

// TestProxy_interimHeadersStayInterim: what came with 103 is not in the final answer.
func TestProxy_interimHeadersStayInterim(t *testing.T) {
	d := openWithOld(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		_, _ = http.ReadRequest(in)
		_, _ = conn.Write([]byte("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Interim: 1\r\nSet-Cookie: __Host-coopkit=1\r\n\r\n" +
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
	})
	d.hsts = true // as with a public authority
	conn := d.rawVisitor("http/1.1")
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: www.demo.coop\r\n\r\n")
	in := bufio.NewReader(conn)
	for _, want := range []int{103, 200} {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want || (resp.Header.Get("X-Interim") != "") != (want == 103) || resp.Header.Get("Set-Cookie") != "" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		if resp.Header.Get("Strict-Transport-Security") != hstsValue[0] {
			t.Errorf("%d without the front door's own header: %v", resp.StatusCode, resp.Header)
		}
	}
}

// TestAccessLog_alsoOfRequestsThatBreakOff: they are those that one looks for.
func TestAccessLog_alsoOfRequestsThatBreakOff(t *testing.T) {
	target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		_, _ = http.ReadRequest(in)
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"))
		_ = conn.Close()
	})
	d := openWith(t, local(t), Deps{}, slog.LevelDebug, Route{Host: "www.demo.coop", Kind: Service, Target: target})
	if _, err := do(d.client, http.MethodGet, "https://www.demo.coop/broken", nil); err == nil {
		t.Error("the answer looks whole")
	}
	testkit.Eventually(t, 5*time.Second, "the line is written", func() bool {
		return strings.Contains(d.log.String(), "path=/broken")
	})
}
