// SPDX-License-Identifier: AGPL-3.0-or-later

package ownca

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

func parse(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return c, nil
}

// maxPlain is how much of a request without TLS is read before its sender is
// known for one that only needs to be sent on.
const maxPlain = 8 << 10

// Listener returns ln for a server that speaks TLS on it. A browser that came
// without, as after typing the address alone, is answered with a redirect to the
// same place with https.
func Listener(ln net.Listener) net.Listener { return &listener{ln} }

type listener struct{ net.Listener }

// Accept returns a connection that finds out at its first read what is spoken.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &peeked{Conn: c, r: bufio.NewReaderSize(c, 1024)}, nil
}

// peeked looks at the first byte: 0x16 begins a TLS handshake; a letter begins
// a request in plain HTTP, which is answered here.
type peeked struct {
	net.Conn
	r    *bufio.Reader
	once sync.Once
	err  error
}

// NetConn returns the connection below.
func (p *peeked) NetConn() net.Conn { return p.Conn }

// Read implements net.Conn.
func (p *peeked) Read(b []byte) (int, error) {
	p.once.Do(p.look)
	if p.err != nil {
		return 0, p.err
	}
	return p.r.Read(b)
}

func (p *peeked) look() {
	first, err := p.r.Peek(1)
	if err != nil {
		p.err = err
		return
	}
	if first[0] >= 'A' && first[0] <= 'Z' {
		p.err = p.redirect()
	}
}

func (p *peeked) redirect() error {
	req, err := http.ReadRequest(bufio.NewReader(io.LimitReader(p.r, maxPlain)))
	if err != nil {
		return err
	}
	host, path := req.Host, req.URL.RequestURI()
	if host == "" || strings.ContainsFunc(host, notInHost) || !strings.HasPrefix(path, "/") {
		return errPlain
	}
	_, err = fmt.Fprintf(p.Conn, "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://%s%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", host, path)
	return errors.Join(errPlain, err)
}

// notInHost reports whether a header that names a host cannot have r.
func notInHost(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/\@?#`, r) }

var errPlain = errors.New("the client spoke plain HTTP")
