// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"coopkit/internal/testkit"
)

// TestShutdown_withASocketThatStaysOpen: who came in before the end gets an
// answer, who comes after it waits for the next agent.
func TestShutdown_withASocketThatStaysOpen(t *testing.T) {
	held, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // as systemd holds it
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	file, err := held.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	given, err := net.FileListener(file)
	if err != nil || file.Close() != nil {
		t.Fatal(err)
	}
	cfg := local(t)
	door := &telling{TCPListener: given.(*net.TCPListener), in: make(chan struct{}, 100)}
	cfg.HTTPListener = door
	d := open(t, cfg)

	dial := func() net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", held.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	early := dial()
	<-door.in
	stopped := make(chan struct{})
	go func() { d.stop(); close(stopped) }()
	testkit.Eventually(t, 5*time.Second, "the gateway lets nobody in", func() bool {
		late := dial()
		_, _ = late.Write([]byte("GET / HTTP/1.1\r\nHost: www.demo.coop\r\n\r\n"))
		_ = late.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		_, err := late.Read(make([]byte, 1))
		return errors.Is(err, os.ErrDeadlineExceeded)
	})
	if _, err := early.Write([]byte("GET / HTTP/1.1\r\nHost: www.demo.coop\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	_ = early.SetReadDeadline(time.Now().Add(10 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(early), nil)
	if err != nil {
		t.Fatalf("who came in before the end got no answer: %v", err)
	}
	_ = response.Body.Close()
	<-stopped
	if err := held.(*net.TCPListener).SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	conn, err := held.Accept()
	if err != nil {
		t.Fatalf("who came after the end does not wait: %v", err)
	}
	_ = conn.Close()
}

// telling is a listener that tells when somebody came in.
type telling struct {
	*net.TCPListener
	in chan struct{}
}

func (l *telling) Accept() (net.Conn, error) {
	conn, err := l.TCPListener.Accept()
	if err == nil {
		l.in <- struct{}{}
	}
	return conn, err
}
