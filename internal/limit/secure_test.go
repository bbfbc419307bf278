// SPDX-License-Identifier: AGPL-3.0-or-later

package limit

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"coopkit/internal/testkit"
)

// secureServer is a server with bounds, and how it is reached.
type secureServer struct {
	*Connections
	t    *testing.T
	addr string
}

func serveSecure(t *testing.T, all, each int, h http.HandlerFunc) *secureServer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := NewConnections(all, each)
	cfg := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12,
	}
	s := &http.Server{
		Handler: h, Protocols: Protocols(), ConnState: c.State, ConnContext: c.Context, MaxHeaderBytes: HeadBytes, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(Secure(c.Listen(l), cfg, 10*time.Second)) }()
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), <-ended); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		testkit.Eventually(t, 10*time.Second, "everything was given back", func() bool { return c.budget.Held() == 0 })
	})
	return &secureServer{c, t, l.Addr().String()}
}

// h2 is a connection on which frames are written by hand.
type h2 struct {
	c    *tls.Conn
	fr   *http2.Framer
	next uint32
}

func (s *secureServer) h2(settings ...http2.Setting) *h2 {
	s.t.Helper()
	c, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	h := &h2{c: c, fr: http2.NewFramer(c, c), next: 1}
	_, _ = io.WriteString(c, preface)
	_ = h.fr.WriteSettings(settings...)
	return h
}

func (h *h2) request(fields ...string) uint32 {
	var head bytes.Buffer
	enc := hpack.NewEncoder(&head)
	for i, f := range append([]string{"GET", "https", "a.example", "/"}, fields...) {
		name := "cookie"
		if i < 4 {
			name = []string{":method", ":scheme", ":authority", ":path"}[i]
		}
		_ = enc.WriteField(hpack.HeaderField{Name: name, Value: f})
	}
	id := h.next
	_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: true})
	h.next += 2
	return id
}

// ended reports whether the server closes the connection.
func (h *h2) ended() bool {
	_, err := io.Copy(io.Discard, h.c)
	return !isTimeout(err)
}

func TestSecure_speaksBothWithTLS(t *testing.T) {
	s := serveSecure(t, 8, 8, func(w http.ResponseWriter, r *http.Request) {
		state := From(r.Context()).TLS()
		_, _ = io.WriteString(w, r.Proto+" "+state.NegotiatedProtocol)
	})
	for _, want := range []string{"HTTP/1.1 http/1.1", "HTTP/2.0 h2"} {
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{want[9:]}}, ForceAttemptHTTP2: want[9:] == "h2",
		}}
		resp, err := client.Get("https://" + s.addr)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || string(body) != want {
			t.Errorf("%s, want %s: %v", body, want, err)
		}
		client.CloseIdleConnections()
	}
}

// TestSecure_countsARequestUntilItsAnswerIsTaken: also of those that net/http
// refuses by itself.
func TestSecure_countsARequestUntilItsAnswerIsTaken(t *testing.T) {
	s := serveSecure(t, 16, 16, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "an answer") })
	for _, cookies := range [][]string{nil, {strings.Repeat("c", HeadBytes)}} {
		h := s.h2(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		first := h.request(cookies...)
		h.request(cookies...)
		testkit.Eventually(t, 10*time.Second, "two requests are counted", func() bool { return s.budget.Held() == ConnBytes+2*StreamBytes })
		_ = h.fr.WriteWindowUpdate(first, 1<<10)
		testkit.Eventually(t, 10*time.Second, "the first is over", func() bool { return s.budget.Held() == ConnBytes+StreamBytes })
		_ = h.c.Close()
		testkit.Eventually(t, 10*time.Second, "all is over", func() bool { return s.budget.Held() == 0 })
	}
}

func TestSecure_endsConnectionsThatAskForTooMuch(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	s := serveSecure(t, 8, 4, func(http.ResponseWriter, *http.Request) { <-hang })
	for name, ask := range map[string]func(h *h2) error{
		"pings":    func(h *h2) error { return h.fr.WritePing(false, [8]byte{}) },
		"settings": func(h *h2) error { return h.fr.WriteSettings() },
		"requests": func(h *h2) error { h.request(); return nil },
		"requests that are taken back": func(h *h2) error {
			return h.fr.WriteRSTStream(h.request(), http2.ErrCodeCancel)
		},
		"bodies that nobody reads": func(h *h2) error {
			if h.next == 1 {
				h.next = 3
				_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true, BlockFragment: []byte{0x83, 0x87, 0x84, 0x41, 1, 'a'}})
			}
			return h.fr.WriteData(1, false, make([]byte, 16<<10))
		},
	} {
		h := s.h2()
		for range 10_000 {
			if err := ask(h); err != nil {
				break
			}
		}
		if !h.ended() {
			t.Errorf("%s have no end", name)
		}
	}
}

func TestFrameReader_findsFramesInPieces(t *testing.T) {
	var b bytes.Buffer
	w := http2.NewFramer(&b, nil)
	_ = w.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 15})
	_ = w.WriteData(3, true, make([]byte, 1000))
	_ = w.WriteWindowUpdate(0, 77)
	_ = w.WriteRSTStream(5, http2.ErrCodeCancel)
	_ = w.WritePing(true, [8]byte{})
	want := []frame{
		{kind: frameSettings, length: 6},
		{kind: frameData, flags: flagEndStream, stream: 3, length: 1000},
		{kind: frameWindowUpdate, length: 4, increment: 77},
		{kind: frameRSTStream, stream: 5, length: 4},
		{kind: framePing, flags: flagAck, length: 8},
	}
	for size := 1; size <= b.Len(); size++ {
		var got []frame
		var r frameReader
		for rest := b.Bytes(); len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if err := r.feed(rest[:min(size, len(rest))], func(f frame) error {
				if f.kind != frameWindowUpdate {
					f.increment = 0
				}
				got = append(got, f)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); diff != "" {
			t.Fatalf("in pieces of %d:\n%s", size, diff)
		}
	}
}
