// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Mail is a person's mailbox, by way of a relay.
type Mail struct {
	Relay Relay
	To    string
}

// errNoTLS and errNoSignIn are what a relay does not offer.
var (
	errNoTLS    = errors.New("the relay offers no STARTTLS")
	errNoSignIn = errors.New("the relay offers no way to sign in that we know")
)

// Deliver implements Channel. The Problems are those of faults.go, and
// "relay-invalid" or "mail-address-invalid".
func (m Mail) Deliver(ctx context.Context, msg Message) error {
	if err := m.Relay.Check(); err != nil {
		return err
	}
	if err := CheckAddress(m.To); err != nil {
		return err
	}
	letter, err := m.letter(msg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Limit)
	defer cancel()
	at, err := m.send(ctx, letter)
	if err != nil {
		return m.fault(ctx, at, err)
	}
	return nil
}

// letter is a message as mail. Date and Message-ID are those of the message, so
// that a second try is the same mail; Auto-Submitted keeps automatic replies
// away (RFC 3834).
func (m Mail) letter(msg Message) (*gomail.Msg, error) {
	l := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(l.From(m.Relay.From), l.To(m.To)); err != nil {
		return nil, fmt.Errorf("address mail: %w", err)
	}
	l.Subject(msg.Subject)
	l.SetDateWithValue(msg.At)
	l.SetMessageIDWithValue(m.messageID(msg.ID))
	if msg.Thread != "" && msg.Thread != msg.ID {
		id := "<" + m.messageID(msg.Thread) + ">"
		l.SetGenHeader(gomail.HeaderInReplyTo, id)
		l.SetGenHeader(gomail.HeaderReferences, id)
	}
	l.SetGenHeader("Auto-Submitted", "auto-generated")
	if msg.Urgent {
		l.SetImportance(gomail.ImportanceHigh)
	}
	l.SetBodyString(gomail.TypeTextPlain, msg.Text)
	return l, nil
}

func (m Mail) messageID(id string) string {
	_, domain, _ := strings.Cut(m.Relay.From, "@")
	return id + "@" + domain
}

// stage is how far sending came.
type stage string

// The stages, in order. What a refusal means is said by the stage.
const (
	connecting  stage = "connect"
	greeting    stage = "greet"
	encrypting  stage = "encrypt"
	signingIn   stage = "sign in"
	sender      stage = "sender"
	recipient   stage = "recipient"
	handingOver stage = "hand over"
)

// send goes through the stages and says in which it failed.
func (m Mail) send(ctx context.Context, letter *gomail.Msg) (stage, error) {
	conn, err := m.Relay.connect(ctx)
	if err != nil {
		return connecting, err
	}
	defer func() { _ = conn.Close() }() // said in whole by the stages
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	client, at, err := m.Relay.open(ctx, conn)
	if err != nil {
		return at, err
	}
	if err := m.Relay.signIn(client); err != nil {
		return signingIn, err
	}
	if err := client.Mail(m.Relay.From); err != nil {
		return sender, err
	}
	if err := client.Rcpt(m.To); err != nil {
		return recipient, err
	}
	w, err := client.Data()
	if err != nil {
		return handingOver, err
	}
	if _, err := letter.WriteTo(w); err != nil {
		return handingOver, err
	}
	if err := w.Close(); err != nil {
		return handingOver, err
	}
	_ = client.Quit() // the relay has the mail, whatever it says now
	return "", nil
}

// open greets the relay, and encrypts the connection before anything else is
// said.
func (r Relay) open(ctx context.Context, conn net.Conn) (*smtp.Client, stage, error) {
	config := &tls.Config{ServerName: r.Host, MinVersion: tls.VersionTLS12, RootCAs: r.Roots}
	if r.Security == TLS {
		encrypted := tls.Client(conn, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			return nil, encrypting, err
		}
		conn = encrypted
	}
	client, err := smtp.NewClient(conn, r.Host)
	if err != nil {
		return nil, greeting, err
	}
	if err := client.Hello(helloName()); err != nil {
		return nil, greeting, err
	}
	if r.Security != StartTLS {
		return client, "", nil
	}
	if ok, _ := client.Extension("STARTTLS"); !ok {
		return nil, encrypting, errNoTLS
	}
	return client, encrypting, client.StartTLS(config)
}

// connect opens the connection. A relay that is not to be encrypted must be at
// this machine's own loopback address, whatever its name leads to.
func (r Relay) connect(ctx context.Context) (net.Conn, error) {
	dial := r.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, "tcp", r.addr())
	if err != nil {
		return nil, err
	}
	if at, ok := conn.RemoteAddr().(*net.TCPAddr); r.Security == None && (!ok || !at.IP.IsLoopback()) {
		return nil, errors.Join(relayInvalid("security", "the mail server is not on this box", "choose tls or starttls"), conn.Close())
	}
	return &capped{Conn: conn, left: maxAnswer}, nil
}

// maxAnswer is how much a relay may say in one try.
const maxAnswer = 1 << 20

// capped is a connection of which no more than so many bytes are read.
type capped struct {
	net.Conn
	left int
}

// Read implements net.Conn.
func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errors.New("the relay says too much")
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// signIn uses the first way that both sides know. The connection is encrypted
// or does not leave this machine, so plain passwords are safe.
func (r Relay) signIn(client *smtp.Client) error {
	if r.User == "" {
		return nil
	}
	_, offered := client.Extension("AUTH")
	has := func(way string) bool { return slices.Contains(strings.Fields(strings.ToUpper(offered)), way) }
	user, password := r.User, string(r.Password)
	var way smtp.Auth
	switch {
	case has("PLAIN"):
		way = smtp.PlainAuth("", user, password, r.Host, true)
	case has("LOGIN"):
		way = smtp.LoginAuth(user, password, r.Host, true)
	case has("SCRAM-SHA-256"):
		way = smtp.ScramSHA256Auth(user, password)
	case has("SCRAM-SHA-1"):
		way = smtp.ScramSHA1Auth(user, password)
	case has("CRAM-MD5"):
		way = smtp.CRAMMD5Auth(user, password)
	default:
		return errNoSignIn
	}
	return client.Auth(way)
}

// helloName is what this machine calls itself to a relay.
func helloName() string {
	name, err := os.Hostname()
	if err != nil || !isHost(name) {
		return "localhost"
	}
	return name
}
