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

	"coopkit/internal/limit"
	"coopkit/internal/ownca"
	"coopkit/internal/testkit"
)

func TestFewShared_theOthersSpeakHTTP1(t *testing.T) {
	ca, err := ownca.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	shared := limit.NewBudget(10, 1)
	l := limit.Secure(limit.NewConnections(10, 10).Listen(inner), fewShared(ca.TLSConfig(func(string) bool { return true }), shared), 10*time.Second)
	server := &http.Server{Handler: http.NotFoundHandler(), Protocols: limit.Protocols(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		if err := errors.Join(server.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	speaks := func(from string) (*tls.Conn, string) {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 10 * time.Second}
		raw, err := d.DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = raw.Close() })
		c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, ServerName: "127.0.0.1", NextProtos: []string{"h2", "http/1.1"}})
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
	testkit.Eventually(t, 10*time.Second, "the first has ended, and holds its place", func() bool { return shared.Held() == 1 })
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
