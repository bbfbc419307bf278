// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// service opens a gateway with one service at www.demo.coop.
func service(tb testing.TB, h http.HandlerFunc) *door {
	tb.Helper()
	return open(tb, local(tb), Route{Host: "www.demo.coop", Kind: Service, Target: backend(tb, h), Title: "Our website"})
}

func TestProxy_tellsTheServiceWhoTheVisitorReallyIs(t *testing.T) {
	var got http.Header
	var host, target string
	d := service(t, func(w http.ResponseWriter, r *http.Request) { got, host, target = r.Header, r.Host, r.RequestURI })
	public := d.authority("www.demo.coop")
	for _, h2 := range []bool{false, true} {
		d.client = d.newClient(h2)
		hop := []string{"Connection", "close, X-Secret", "X-Secret", "hop"}
		if h2 {
			hop = nil // HTTP/2 has no such headers
		}
		for _, lie := range []string{
			"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server", "X_Forwarded_For",
			"Forwarded", "X-Real-IP", "X_Real_IP", "Proxy", "Client-IP", "X-Client-IP", "True-Client-IP", "X-Cluster-Client-IP",
			"X-Original-URL", "X-Rewrite-URL", "X-Rewrite_URL", "X-Host", "X-Original-Host", "Front-End-Https", "X-Url-Scheme", "X-Remote-User",
		} {
			hop = append(hop, lie, "203.0.113.9")
		}
		d.get("https://WWW.demo.coop.:8443/a%2Fb?q=1;2", append(hop,
			"X-Kept", "yes", "X-Kept", "twice", "X-HTTP-Method-Override", "PATCH", "api_key", "1", "TE", "trailers")...)
		got.Del("Accept-Encoding")
		got.Del("User-Agent")
		want := http.Header{
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {public},
			"X-Forwarded-Port": {strconv.Itoa(d.publicPort)}, "X-Real-Ip": {"127.0.0.1"}, "X-Kept": {"yes", "twice"},
			"X-Http-Method-Override": {"PATCH"}, "Api_key": {"1"}, "Te": {"trailers"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("h2=%v headers (-want +got):\n%s", h2, diff)
		}
		if host != public || target != "/a%2Fb?q=1;2" {
			t.Errorf("h2=%v host %s target %s", h2, host, target)
		}
	}
}

func TestProxy_speaksHTTP2ToVisitors(t *testing.T) {
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-Sum")
		_, _ = w.Write(b)
		w.Header().Set("X-Sum", fmt.Sprint(len(b)))
	})
	d.client = d.newClient(true)
	a := d.do(http.MethodPost, "https://www.demo.coop/", io.MultiReader(strings.NewReader("hello"))) // length unknown
	if a.ProtoMajor != 2 || a.body != "hello" || a.Trailer.Get("X-Sum") != "5" {
		t.Errorf("%s %q %v", a.Proto, a.body, a.Trailer)
	}
}

// TestProxy_keepsOwnCookiesFromApps: cookies know no ports, so a browser that
// opens the console by the name of an app brings its session here.
func TestProxy_keepsOwnCookiesFromApps(t *testing.T) {
	var got []string
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header["Cookie"]
		w.Header().Add("Set-Cookie", "a=1; Path=/")
		w.Header().Add("Set-Cookie", "__Host-coopkit=planted; Path=/; Secure")
	})
	for _, h2 := range []bool{false, true} {
		d.client = d.newClient(h2)
		for sent, want := range map[string]string{
			"a=1; b=2": "a=1; b=2",
			"__Host-coopkit=secret; a=1; __Host-coopkit-desk=secret;  __Host-coopkit-setup=secret; b=2": "a=1; b=2",
			"__Host-coopkit=secret": "",
		} {
			a := d.get("https://www.demo.coop/", "Cookie", sent)
			if strings.Join(got, "; ") != want {
				t.Errorf("h2=%v: %q became %q", h2, sent, got)
			}
			if set := a.Header["Set-Cookie"]; len(set) != 1 || set[0] != "a=1; Path=/" {
				t.Errorf("h2=%v: the visitor gets %q", h2, set)
			}
		}
	}
}

func TestProxy_passesTheAnswerOnUnchanged(t *testing.T) {
	d := service(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cookies":
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Set-Cookie", "b=2")
			w.Header().Set("X-Gone", "hop")
			w.Header().Set("Connection", "X-Gone")
			w.WriteHeader(http.StatusTeapot)
		case "/untyped":
			w.Header()["Content-Type"] = nil
			_, _ = w.Write([]byte("<html>"))
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/hints":
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = w.Write([]byte("done"))
		}
	})
	a := d.get("https://www.demo.coop/cookies")
	if a.StatusCode != http.StatusTeapot || len(a.Header["Set-Cookie"]) != 2 || a.Header.Get("X-Gone") != "" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a := d.get("https://www.demo.coop/untyped"); a.Header.Get("Content-Type") != "" || a.body != "<html>" {
		t.Errorf("%v %q", a.Header, a.body)
	}
	if a := d.get("https://www.demo.coop/304"); a.StatusCode != 304 {
		t.Errorf("%d", a.StatusCode)
	}
	if a := d.get("https://www.demo.coop/hints"); a.StatusCode != 200 || a.body != "done" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	if a := d.do(http.MethodHead, "https://www.demo.coop/untyped", nil); a.StatusCode != 200 || a.body != "" {
		t.Errorf("HEAD %d %q", a.StatusCode, a.body)
	}
}

func TestProxy_serviceThatIsDownGetsAPageAndComesBack(t *testing.T) {
	target := nowhere(t)
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target, Title: "Our website"})
	a := d.get("https://www.demo.coop/", "Accept-Language", "es")
	if a.StatusCode != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "Our website no responde ahora mismo") || strings.Contains(a.body, target.String()) {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	l, err := net.Listen("tcp", target.String())
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	go func() { _ = s.Serve(l) }()
	defer func() { _ = s.Close() }()
	if a := d.get("https://www.demo.coop/"); a.StatusCode != 200 {
		t.Errorf("back again: %d", a.StatusCode)
	}
}

// rawService answers each connection by hand; it is given the requests' bytes.
func rawService(t *testing.T, answer func(c net.Conn, in *bufio.Reader, nth int)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var n atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c, bufio.NewReader(c), int(n.Add(1)))
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestProxy_brokenAnswersNeverLookWhole(t *testing.T) {
	for name, c := range map[string]struct {
		raw    string
		status int // 0 = the visitor sees the connection break
	}{
		"garbage":        {"SSH-2.0-OpenSSH_9.2\r\n", 502},
		"nothing":        {"", 502},
		"uninvited 101":  {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 502},
		"endless 1xx":    {strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100), 502},
		"endless header": {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20), 502},
		"short body":     {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", 0},
		"short chunks":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0},
		"until close":    {"HTTP/1.0 200 OK\r\n\r\nhello", 200},
		"two answers":    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 200},
	} {
		t.Run(name, func(t *testing.T) {
			target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
				_, _ = http.ReadRequest(in)
				_, _ = conn.Write([]byte(c.raw))
				_ = conn.Close()
			})
			d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target})
			for range 2 {
				a, err := do(d.client, http.MethodGet, "https://www.demo.coop/", nil)
				switch {
				case c.status == 0 && err == nil:
					t.Errorf("looks whole: %d %q", a.StatusCode, a.body)
				case c.status != 0 && (err != nil || a.StatusCode != c.status || c.status == 200 && a.body != "hello"):
					t.Errorf("%+v %v", a, err)
				}
			}
		})
	}
}

// TestProxy_idleConnectionThatTheServiceClosed: a request must not fail, nor be
// sent twice where that could do harm.
func TestProxy_idleConnectionThatTheServiceClosed(t *testing.T) {
	var posts atomic.Int64
	target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if r.Method == http.MethodPost {
			posts.Add(1)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		_ = conn.Close() // although it said nothing of that
	})
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target})
	for i := range 20 {
		method, body := http.MethodGet, io.Reader(nil)
		if i%2 == 1 {
			method, body = http.MethodPost, strings.NewReader("x")
			testkit.Eventually(t, 5*time.Second, "the closed connection is noticed", func() bool {
				d.back.mu.Lock()
				defer d.back.mu.Unlock()
				list := d.back.idle[target]
				return len(list) == 0 || !list[len(list)-1].quiet()
			})
		}
		if a := d.do(method, "https://www.demo.coop/", body); a.StatusCode != 200 {
			t.Fatalf("request %d: %d", i, a.StatusCode)
		}
	}
	if posts.Load() != 10 {
		t.Errorf("%d posts arrived; want 10", posts.Load())
	}
}

func TestProxy_reusesConnections(t *testing.T) {
	var conns atomic.Int64
	target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		conns.Add(1)
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
		}
	})
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target})
	for i := range 10 {
		if a := d.do(http.MethodPost, "https://www.demo.coop/", strings.NewReader(strings.Repeat("x", i*1000))); a.body != "ok" {
			t.Fatalf("%+v", a)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections for 10 requests in a row", conns.Load())
	}
}

// TestProxy_earlyAnswer: a service that refuses an upload is heard although the
// visitor is still sending.
func TestProxy_earlyAnswer(t *testing.T) {
	target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		_, _ = http.ReadRequest(in)
		_, _ = conn.Write([]byte("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"))
		_, _ = io.Copy(io.Discard, in)
	})
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target})
	body, feed := io.Pipe()
	defer func() { _ = feed.Close() }()
	go func() { _, _ = feed.Write([]byte("only the beginning")) }()
	if a := d.do(http.MethodPost, "https://www.demo.coop/", body); a.StatusCode != 413 || a.body != "no" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
}

// TestProxy_brokenUpload: when the visitor goes away, the service must not
// take what it has for the whole.
func TestProxy_brokenUpload(t *testing.T) {
	began, got := make(chan struct{}), make(chan error, 1)
	d := service(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadFull(r.Body, make([]byte, 4))
		close(began)
		_, err := io.Copy(io.Discard, r.Body)
		got <- err
	})
	body, feed := io.Pipe()
	go func() {
		_, _ = feed.Write([]byte("half"))
		<-began
		_ = feed.CloseWithError(errors.New("the visitor went away"))
	}()
	if _, err := do(d.client, http.MethodPost, "https://www.demo.coop/", body); err == nil {
		t.Error("the request did not break")
	}
	if err := <-got; err == nil {
		t.Error("the service took half a body for the whole")
	}
}

func TestShutdown_letsARequestEnd(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	d := service(t, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-goOn
		_, _ = w.Write([]byte("whole"))
	})
	got := make(chan answer, 1)
	go func() {
		a, err := do(d.client, http.MethodGet, "https://www.demo.coop/", nil)
		if err != nil {
			t.Error(err)
		}
		got <- a
	}()
	<-began
	go d.stop()
	testkit.Eventually(t, 5*time.Second, "the listener closes", func() bool {
		c, err := net.Dial("tcp", d.Addrs().HTTPS.String())
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(goOn)
	if a := <-got; a.body != "whole" {
		t.Errorf("%q", a.body)
	}
}

func TestAccessLog_isOneLineAtDebugWithoutTheQuery(t *testing.T) {
	target := backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	d := openWith(t, local(t), Deps{}, slog.LevelDebug, Route{Host: "www.demo.coop", Kind: Service, Target: target})
	d.get("https://www.demo.coop/page?token=secret")
	testkit.Eventually(t, 5*time.Second, "the line is written", func() bool {
		return strings.Contains(d.log.String(), "msg=request")
	})
	log := d.log.String()
	for _, want := range []string{"host=www.demo.coop", "path=/page", "status=200", "bytes=5", "method=GET"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	if strings.Contains(log, "secret") {
		t.Error("the query is in the log")
	}
}
