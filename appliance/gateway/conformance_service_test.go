// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
)

// script says how a service answers the first request.
type script struct {
	answer string // raw; empty = ordinary
	early  bool   // it answers before it reads the body
	asks   bool   // it sends 100 Continue before it reads the body
	hangUp bool   // it closes the connection after the answer
	late   string // raw, sent once the visitor has the answer
}

// conformanceService answers the first request of a case by its script, others
// ordinarily, and probes as they should be.
type conformanceService struct {
	script
	write writing
	mu    sync.Mutex
	seen  []string
	first net.Conn // the connection of the first request
	ended bool     // that one was closed by the proxy
	again bool     // a probe came on it
	alone bool     // a probe came on another one

	answered, sent chan struct{} // the visitor has the answer; late was sent
}

func newService(s script) *conformanceService {
	return &conformanceService{script: s, write: io.WriteString, answered: make(chan struct{}), sent: make(chan struct{})}
}

// ordinary is an answer without anything odd about it.
const ordinary = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func (s *conformanceService) start(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// serve answers the requests of one connection.
func (s *conformanceService) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	for s.one(c, in) {
	}
}

// one answers one request, and reports whether there may be another.
func (s *conformanceService) one(c net.Conn, in *bufio.Reader) bool {
	_, err := in.Peek(1)
	r, readErr := http.ReadRequest(in)
	s.mu.Lock()
	isFirst := s.first == nil
	if err != nil || readErr != nil {
		if s.first == c {
			s.ended = true
		}
		if err == nil {
			s.seen = append(s.seen, "malformed")
		}
		s.mu.Unlock()
		return false
	}
	if isFirst {
		s.first = c
	}
	isProbe := r.URL.Path == "/probe"
	if isProbe {
		s.again, s.alone = s.again || s.first == c, s.alone || s.first != c
	}
	s.mu.Unlock()
	if isProbe {
		_, _ = io.WriteString(c, probeAnswer)
		return true
	}
	answer := ordinary
	if r.Method == http.MethodHead {
		answer = strings.TrimSuffix(ordinary, "ok")
	}
	if isFirst && s.answer != "" {
		answer = s.answer
	}
	if s.early {
		s.note(r, nil, nil)
		_, _ = s.write(c, answer)
		_, err = io.Copy(io.Discard, r.Body)
		return err == nil
	}
	if s.asks {
		_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
	}
	body, err := io.ReadAll(r.Body)
	s.note(r, body, err)
	if err != nil {
		return false
	}
	_, _ = s.write(c, answer)
	if isFirst && s.late != "" {
		<-s.answered
		_, _ = io.WriteString(c, s.late)
		close(s.sent)
	}
	return !s.hangUp || !isFirst
}

func (s *conformanceService) note(r *http.Request, body []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, describeRequest(r, body, err))
}

// got is what the service got, in words.
func (s *conformanceService) got() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		return "nothing"
	}
	return strings.Join(s.seen, " + ")
}

// after says what became of the connection of the first request.
func (s *conformanceService) after() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.again:
		return "reused"
	case s.alone:
		return "closed"
	}
	return "unused"
}

// reached reports whether a request came.
func (s *conformanceService) reached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first != nil
}

// wasEnded reports whether the proxy closed the connection of the first request.
func (s *conformanceService) wasEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}
