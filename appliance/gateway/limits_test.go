// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/internal/testkit"

	"golang.org/x/net/http2"
)

// impatient is a configuration in which nothing takes long.
func impatient(tb testing.TB, change func(*patience)) Config {
	tb.Helper()
	cfg := local(tb)
	p := defaultPatience()
	p.look = 10 * time.Millisecond
	change(&p)
	cfg.tuning.patience = &p
	return cfg
}

// TestLimits_smallBodiesDoNotKeepAServiceWaiting: it hears of them when they
// are whole.
func TestLimits_smallBodiesDoNotKeepAServiceWaiting(t *testing.T) {
	var asked atomic.Int64
	target := backend(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(w, r.Body)
	})
	cfg := impatient(t, func(p *patience) { p.smallBody = 300 * time.Millisecond })
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Service, Target: target})
	conn := d.rawVisitor("http/1.1")
	in := bufio.NewReader(conn)
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: www.demo.coop\r\nContent-Length: 5\r\n\r\nhel")
	if status, _, closes := readRaw(t, in); status != http.StatusRequestTimeout || !closes || asked.Load() != 0 {
		t.Errorf("%d closes=%v, the service was asked %d times", status, closes, asked.Load())
	}
	conn = d.rawVisitor("http/1.1")
	in = bufio.NewReader(conn)
	for range 2 { // the connection is of use afterwards
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: www.demo.coop\r\nContent-Length: 5\r\n\r\nhel")
		_, _ = io.WriteString(conn, "lo")
		if status, body, closes := readRaw(t, in); status != http.StatusOK || body != "hello" || closes {
			t.Errorf("%d %q closes=%v", status, body, closes)
		}
	}
}

// TestLimits_bodiesMakeProgress: one that does not is cut off; one that is slow
// is not.
func TestLimits_bodiesMakeProgress(t *testing.T) {
	ended := make(chan error, 1)
	target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		r, err := http.ReadRequest(in)
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
		}
		ended <- err
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
	})
	cfg := impatient(t, func(p *patience) { p.body = 300 * time.Millisecond })
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Service, Target: target})
	for name, pieces := range map[string]int{"stuck": 1, "slow": 10} {
		conn := d.rawVisitor("http/1.1")
		_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: www.demo.coop\r\nContent-Length: %d\r\n\r\n", 10*(smallBody+1))
		tick := time.NewTicker(100 * time.Millisecond)
		for range pieces {
			<-tick.C
			_, _ = conn.Write(make([]byte, smallBody+1))
		}
		tick.Stop()
		select {
		case err := <-ended:
			if (err == nil) != (name == "slow") {
				t.Errorf("%s: the service has it: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the service waits still", name)
		}
	}
}

// TestLimits_answersAreTaken: a visitor who does not read is cut off; a service
// that is silent is not.
func TestLimits_answersAreTaken(t *testing.T) {
	ended := make(chan string, 2)
	target := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/silent" {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-time.After(time.Second)
			_, _ = io.WriteString(w, "still there")
			return
		}
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 1<<20))
		}
		ended <- r.URL.Path
	})
	cfg := impatient(t, func(p *patience) { p.answer = 300 * time.Millisecond })
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Service, Target: target})
	for _, h2 := range []bool{false, true} {
		d.client = d.newClient(h2)
		if a := d.get("https://www.demo.coop/silent"); a.body != "still there" {
			t.Errorf("h2=%v: %q", h2, a.body)
		}
		resp, err := d.client.Get("https://www.demo.coop/unread")
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Errorf("h2=%v: the service writes still", h2)
		}
		_ = resp.Body.Close()
	}
}

// hold takes all places of one visitor at a service, and returns how they are
// given back.
func (d *door) hold(t *testing.T, begun <-chan struct{}, release chan<- struct{}) {
	t.Helper()
	ended := make(chan error, maxInServiceOfOne)
	for range maxInServiceOfOne {
		go func() {
			_, err := do(d.client, http.MethodGet, "https://www.demo.coop/held", nil)
			ended <- err
		}()
	}
	for range maxInServiceOfOne {
		<-begun
	}
	t.Cleanup(func() {
		close(release)
		for range maxInServiceOfOne {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

func holding(t *testing.T, change func(*patience)) (d *door, begun, release chan struct{}) {
	t.Helper()
	begun, release = make(chan struct{}), make(chan struct{})
	target := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			begun <- struct{}{}
			<-release
		}
	})
	return open(t, impatient(t, change), Route{Host: "www.demo.coop", Kind: Service, Target: target, Title: "Our website"}), begun, release
}

// TestLimits_aServiceIsNotOneVisitorsAlone: what is too much waits, and is told
// to come again.
func TestLimits_aServiceIsNotOneVisitorsAlone(t *testing.T) {
	d, begun, release := holding(t, func(p *patience) { p.queue, p.long = 200*time.Millisecond, time.Hour })
	d.hold(t, begun, release)
	a := d.get("https://www.demo.coop/", "Accept-Language", "es")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "10" || !strings.Contains(a.body, "Our website está muy ocupado") {
		t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
	}
	turns := d.services.turns(d.table.Load().lookup("www.demo.coop").route.Target)
	if err := turns.queue.Enter(t.Context(), time.Second, "192.0.2.7"); err != nil {
		t.Errorf("there is no place for others: %v", err)
	}
	turns.queue.Leave("192.0.2.7")
}

// TestLimits_uploadsLeaveWorkers: a small app has 16 workers, of which the
// bodies of one visitor that do not come take no more than half.
func TestLimits_uploadsLeaveWorkers(t *testing.T) {
	var waiting atomic.Int64
	target := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		waiting.Add(1)
		defer waiting.Add(-1)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target})
	v := visitH2(t, d)
	for i := range 24 {
		stream := uint32(2*i + 1)
		v.headers(stream, []string{":method", "POST", ":scheme", "https", ":authority", "www.demo.coop", ":path", "/", "content-length", "1000000"}, false)
		_ = v.WriteData(stream, false, []byte("x"))
	}
	testkit.Eventually(t, 10*time.Second, "some have their turn", func() bool { return waiting.Load() == maxUploadsOfOne })
	if a := d.get("https://www.demo.coop/"); a.StatusCode != http.StatusOK || waiting.Load() != maxUploadsOfOne {
		t.Errorf("%d, with %d bodies that do not come", a.StatusCode, waiting.Load())
	}
}

// TestLimits_longPollsLeaveRoom: requests that wait long do not count against
// short ones.
func TestLimits_longPollsLeaveRoom(t *testing.T) {
	d, begun, release := holding(t, func(p *patience) { p.long = 100 * time.Millisecond })
	d.hold(t, begun, release)
	if a := d.get("https://www.demo.coop/"); a.StatusCode != http.StatusOK {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestLimits_manyFields: no browser sends so many.
func TestLimits_manyFields(t *testing.T) {
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	for _, h2 := range []bool{false, true} {
		d.client = d.newClient(h2)
		var fields []string
		for i := range maxHeaderFields {
			fields = append(fields, fmt.Sprintf("X-%d", i), "x")
		}
		if a := d.get("https://www.demo.coop/", fields...); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("h2=%v: %d", h2, a.StatusCode)
		}
		if a := d.get("https://www.demo.coop/", fields[:200]...); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("h2=%v with 100: %d", h2, a.StatusCode)
		}
		if h2 {
			continue // the client itself knows the limit of a head
		}
		if a := d.get("https://www.demo.coop/", "Cookie", strings.Repeat("c", maxHeaderBytes+8<<10)); a.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("h2=%v with a large one: %d", h2, a.StatusCode)
		}
	}
}

// TestLimits_everythingIsGivenBack, however a request ends.
func TestLimits_everythingIsGivenBack(t *testing.T) {
	target := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/silent" {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "short")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Service, Target: target})
	for _, h2 := range []bool{false, true} {
		d.client = d.newClient(h2)
		for _, path := range []string{"/", "/silent"} {
			_, _ = do(d.client, http.MethodPost, "https://www.demo.coop"+path, strings.NewReader("hello"))
		}
		d.client.CloseIdleConnections()
	}
	turns := d.services.turns(target)
	testkit.Eventually(t, 10*time.Second, "nothing is held", func() bool {
		turns.mu.Lock()
		defer turns.mu.Unlock()
		return d.conns.Held() == 0 && len(turns.here) == 0
	})
}

// TestLimits_refusedBodiesAreRead: net/http resets a stream whose body nobody
// read, and curl 7.88 then does not see the answer.
func TestLimits_refusedBodiesAreRead(t *testing.T) {
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Site, Root: folder(t, map[string]string{"index.html": "hello"})})
	v := visitH2(t, d)
	v.headers(1, []string{":method", "POST", ":scheme", "https", ":authority", "www.demo.coop", ":path", "/", "content-length", "10"}, false)
	_ = v.WriteData(1, false, []byte("hello"))
	status := ""
	for sent := false; ; {
		f, err := v.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == 1 {
				status = f.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			t.Fatalf("after %s, the stream is reset: %v", status, f.ErrCode)
		case *http2.PingFrame:
			if status != "405" {
				t.Errorf("status %q", status)
			}
			return
		}
		if status != "" && !sent { // the visitor hears it before it has sent all
			sent = true
			_ = v.WriteData(1, true, []byte("hello"))
			v.headers(3, []string{":method", "GET", ":scheme", "https", ":authority", "www.demo.coop", ":path", "/"}, true)
		}
		if f.Header().StreamID == 3 && f.Header().Flags.Has(http2.FlagDataEndStream) {
			_ = v.WritePing(false, [8]byte{})
		}
	}
}

// TestLimits_aWebSocketIsRead: one that is silent stays open, one whose visitor
// does not read what the service sends is cut off.
func TestLimits_aWebSocketIsRead(t *testing.T) {
	ended := make(chan string, 2)
	target := rawService(t, func(conn net.Conn, in *bufio.Reader, _ int) {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		for err == nil && r.URL.Path == "/much" {
			_, err = conn.Write(make([]byte, 64<<10))
		}
		_, _ = io.Copy(io.Discard, in)
		ended <- r.URL.Path
	})
	d := open(t, impatient(t, func(p *patience) { p.answer = 300 * time.Millisecond }), Route{Host: "www.demo.coop", Kind: Service, Target: target})
	conns := map[string]net.Conn{}
	for _, path := range []string{"/silent", "/much"} {
		conns[path] = d.rawVisitor("http/1.1")
		_, _ = io.WriteString(conns[path], "GET "+path+" HTTP/1.1\r\nHost: www.demo.coop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	}
	for _, path := range []string{"/much", "/silent"} {
		select {
		case first := <-ended:
			if first != path {
				t.Errorf("%s was cut off", first)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s goes on", path)
		}
		_ = conns["/silent"].Close()
	}
}
