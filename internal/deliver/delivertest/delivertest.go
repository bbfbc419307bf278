// SPDX-License-Identifier: AGPL-3.0-or-later

// Package delivertest owns Post, a real SMTP server on loopback that keeps what
// it is given and refuses what a test wants it to. It knows nothing of what mail
// is about. Tests alone import it; they are its tests.
package delivertest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/mail"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"coopkit/internal/deliver"
	"coopkit/internal/ownca"
	"coopkit/internal/testkit"
)

// User and Password let in, where Post asks for them.
const (
	User     = "box@example.org"
	Password = "four-unrelated-words"
)

// Stage is what a client asks of the server.
type Stage string

// The stages at which Post can refuse.
const (
	AtMail Stage = "mail"
	AtRcpt Stage = "rcpt"
	AtData Stage = "data"
)

// Letter is a mail that Post accepted.
type Letter struct {
	From, To string
	Header   mail.Header
	Body     string // decoded, with line ends of \n
}

// Post is the server. It is safe for concurrent use.
type Post struct {
	security deliver.Security
	signIn   bool
	roots    *x509.CertPool
	server   *smtp.Server
	addr     netip.AddrPort

	mu      sync.Mutex
	letters []Letter
	refuse  map[Stage]*smtp.SMTPError
}

// New starts a Post that encrypts in this way, and asks for User and Password if
// signIn is set. It ends with the test.
func New(tb testing.TB, security deliver.Security, signIn bool) *Post {
	tb.Helper()
	p, err := Start(tb.TempDir(), security, signIn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Stop)
	return p
}

// Start starts a Post that keeps its certificate in dir. The caller stops it.
func Start(dir string, security deliver.Security, signIn bool) (*Post, error) {
	p := &Post{security: security, signIn: signIn, refuse: map[Stage]*smtp.SMTPError{}}
	p.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		s := &session{post: p}
		if p.signIn {
			return asking{s}, nil
		}
		return s, nil
	}))
	p.server.Domain, p.server.AllowInsecureAuth, p.server.ErrorLog = "post.example", true, quiet{}
	p.server.ReadTimeout, p.server.WriteTimeout = time.Minute, time.Minute
	config, err := p.certificate(dir)
	if err != nil {
		return nil, err
	}
	if security == deliver.StartTLS {
		p.server.TLSConfig = config
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // on loopback, for a test
	if err != nil {
		return nil, err
	}
	p.addr = ln.Addr().(*net.TCPAddr).AddrPort()
	if security == deliver.TLS {
		ln = tls.NewListener(ln, config)
	}
	go func() { _ = p.server.Serve(ln) }() // ended by Stop
	return p, nil
}

// certificate makes one for 127.0.0.1, signed by an authority that only Relay
// trusts.
func (p *Post) certificate(dir string) (*tls.Config, error) {
	ca, err := ownca.Open(filepath.Join(dir, "ca"), time.Now)
	if err != nil {
		return nil, err
	}
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(ca.RootPEM())
	return ca.TLSConfig(ownca.MachineNames(func(string) bool { return true })), nil
}

// Stop ends the server and its connections.
func (p *Post) Stop() { _ = p.server.Close() }

// Relay is how to send by it.
func (p *Post) Relay() deliver.Relay {
	r := deliver.Relay{Host: p.addr.Addr().String(), Port: int(p.addr.Port()), Security: p.security, From: User, Roots: p.roots}
	if p.signIn {
		r.User, r.Password = User, Password
	}
	return r
}

// Refuse makes the server answer so at a stage; nil: no more.
func (p *Post) Refuse(at Stage, answer *smtp.SMTPError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse[at] = answer
}

// Letters are the mails that it accepted so far.
func (p *Post) Letters() []Letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.letters)
}

// Await returns the mails once there are n, or fails the test.
func (p *Post) Await(tb testing.TB, n int) []Letter {
	tb.Helper()
	testkit.Eventually(tb, 10*time.Second, "the mail did not arrive", func() bool { return len(p.Letters()) >= n })
	return p.Letters()
}

func (p *Post) refused(at Stage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.refuse[at]; e != nil {
		return e
	}
	return nil
}

// session is one connection.
type session struct {
	post   *Post
	letter Letter
	in     bool
}

// asking is a session that wants a name and a password.
type asking struct{ *session }

// AuthMechanisms implements smtp.AuthSession.
func (asking) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (a asking) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		a.in = true
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.post.signIn && !s.in {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	s.letter = Letter{From: from}
	return s.post.refused(AtMail)
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.To = to
	return s.post.refused(AtRcpt)
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := s.post.refused(AtData); err != nil {
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(decoded(m))
	s.letter.Header, s.letter.Body = m.Header, strings.ReplaceAll(string(body), "\r\n", "\n")
	s.post.mu.Lock()
	s.post.letters = append(s.post.letters, s.letter)
	s.post.mu.Unlock()
	return err
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.letter = Letter{} }

// Logout implements smtp.Session.
func (*session) Logout() error { return nil }

// quiet drops what the server logs about its clients.
type quiet struct{}

// Printf implements smtp.Logger.
func (quiet) Printf(string, ...any) {}

// Println implements smtp.Logger.
func (quiet) Println(...any) {}
