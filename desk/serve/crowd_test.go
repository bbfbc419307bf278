// SPDX-License-Identifier: AGPL-3.0-or-later

package serve

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
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

func TestBounded_oneAddressDoesNotKeepTheOthersOut(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bounded(inner, 4, 2)
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
