// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/netutil"

	"coopkit/internal/ownca"
	"coopkit/internal/testkit"
)

func dialFrom(t *testing.T, address string, l net.Listener) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: 10 * time.Second}
	c, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// closed reports whether the other side has closed the connection.
func closed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second)) // what is closed says so at once
	_, err := c.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func TestFair_oneAddressDoesNotKeepTheOthersOut(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := netutil.LimitListener(newFair(inner, newCrowd(4, 2), newCrowd(0, 0)), 4)
	taken := make(chan net.Conn, 10)
	go func() {
		defer close(taken)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken <- c
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		for c := range taken {
			_ = c.Close()
		}
	})
	next := func() (c net.Conn) {
		t.Helper()
		select {
		case c = <-taken:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody is taken")
		}
		return c
	}
	dialFrom(t, "127.0.0.2", l)
	first := next()
	dialFrom(t, "127.0.0.2", l)
	second := next()
	if !closed(dialFrom(t, "127.0.0.2", l)) {
		t.Error("a third of one address is taken")
	}
	for range 2 {
		dialFrom(t, "127.0.0.3", l)
		defer func(c net.Conn) { _ = c.Close() }(next())
	}
	dialFrom(t, "127.0.0.4", l) // there is no place: it waits
	select {
	case <-taken:
		t.Error("a fifth is taken")
	case <-time.After(50 * time.Millisecond):
	}
	for range 2 { // to close twice makes one place
		_ = first.Close()
	}
	defer func(c net.Conn) { _ = c.Close() }(next())
	_ = second.Close()
	dialFrom(t, "127.0.0.2", l)
	defer func(c net.Conn) { _ = c.Close() }(next())
}

func TestFair_fewCarryManyRequests(t *testing.T) {
	ca, err := ownca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := newFair(inner, newCrowd(10, 10), newCrowd(10, 1))
	l := ownca.Listener(f, f.config(ca.TLSConfig()))
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	speaks := func(from string) (*tls.Conn, string) {
		t.Helper()
		c := tls.Client(dialFrom(t, from, l), &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1", NextProtos: []string{"h2", "http/1.1"}})
		if err := c.HandshakeContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return c, c.ConnectionState().NegotiatedProtocol
	}
	first, got := speaks("127.0.0.2")
	if got != "h2" {
		t.Errorf("the first of an address speaks %s", got)
	}
	if second, got := speaks("127.0.0.2"); got != "http/1.1" {
		t.Errorf("the second speaks %s", got)
	} else if _, err := io.WriteString(second, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		t.Error(err)
	} else if said, err := io.ReadAll(second); err != nil || !strings.HasPrefix(string(said), "HTTP/1.0 404") {
		t.Errorf("the second hears %s, %v", said, err)
	}
	if _, got := speaks("127.0.0.3"); got != "h2" {
		t.Errorf("the first of another address speaks %s", got)
	}
	_ = first.Close()
	testkit.Eventually(t, 10*time.Second, "the first has ended, and holds its place", func() bool {
		f.shared.mu.Lock()
		defer f.shared.mu.Unlock()
		return f.shared.n == 1
	})
	if _, got := speaks("127.0.0.2"); got != "h2" {
		t.Errorf("when the first has ended, the next speaks %s", got)
	}
}

func TestFewBodies_ofOneAddress(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	h := fewBodies(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- struct{}{}
			<-end
		}
	}))
	ask := func(path, from string, major int, body io.Reader) int {
		r := httptest.NewRequest(http.MethodPost, "https://desk.example"+path, body)
		r.RemoteAddr, r.ProtoMajor = from, major
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	ended := make(chan int, mostBodiesOfOne)
	for range mostBodiesOfOne {
		go func() { ended <- ask("/slow", "192.0.2.7:1", 2, io.MultiReader()) }()
		<-begun
	}
	for _, c := range []struct {
		what, from string
		major      int
		body       io.Reader
		want       int
	}{
		{"one more", "192.0.2.7:2", 2, io.MultiReader(), http.StatusTooManyRequests},
		{"of another address", "192.0.2.8:2", 2, io.MultiReader(), http.StatusOK},
		{"without a body", "192.0.2.7:2", 2, http.NoBody, http.StatusOK},
		{"alone on its connection", "192.0.2.7:2", 1, io.MultiReader(), http.StatusOK},
	} {
		if got := ask("/", c.from, c.major, c.body); got != c.want {
			t.Errorf("%s: %d, not %d", c.what, got, c.want)
		}
	}
	close(end)
	for range mostBodiesOfOne {
		<-ended
	}
	if got := ask("/", "192.0.2.7:2", 2, io.MultiReader()); got != http.StatusOK {
		t.Errorf("when the others are over: %d", got)
	}
}
