// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver

import (
	"crypto/x509"
	"net"
	"net/mail"
	"net/netip"
	"strconv"
	"strings"

	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// Security says how a connection to a relay is encrypted.
type Security string

// The ways. None is for a relay on this machine only.
const (
	TLS      Security = "tls"      // from the first byte, as on port 465 (RFC 8314)
	StartTLS Security = "starttls" // before anything is said, as on port 587 (RFC 3207); never without
	None     Security = "none"
)

// Port is the usual one.
func (s Security) Port() int {
	switch s {
	case TLS:
		return 465
	case None:
		return 25
	default:
		return 587
	}
}

// Relay is a mail server that accepts mail from this machine for everybody.
type Relay struct {
	Host     string
	Port     int
	Security Security
	User     string // empty: nobody signs in
	Password Secret
	From     string // the address that mail is from
	// Roots are trusted in place of those of the system; nil: those of the system.
	Roots *x509.CertPool
	// Dial connects; nil: as the system does.
	Dial Dialer
}

// Check says what is wrong in the setting: a Problem "relay-invalid", with the
// field's name in Args["field"].
func (r Relay) Check() error {
	switch {
	case !isHost(r.Host):
		return relayInvalid("host", "“"+r.Host+"” is not the name of a mail server", "write a name such as mail.example.org, without https://")
	case r.Port < 1 || r.Port > 65535:
		return relayInvalid("port", "a port is a number from 1 to 65535", "write 465 or 587, as your mail provider says")
	case r.Security != TLS && r.Security != StartTLS && r.Security != None:
		return relayInvalid("security", "“"+string(r.Security)+"” is not a way to encrypt", "choose tls, starttls or none")
	case r.Security == None && !isLoopback(r.Host):
		return relayInvalid("security", "without encryption anybody on the way could read the password and the mail", "choose tls or starttls; only a mail server on this box itself may do without")
	case !isAddress(r.From):
		return relayInvalid("from", "“"+r.From+"” is not a mail address", "write one such as box@example.org")
	case (r.User == "") != (r.Password == ""):
		return relayInvalid("password", "a name and a password belong together", "write both, or neither if the mail server asks for none")
	case !isLine(r.User) || !isLine(string(r.Password)):
		return relayInvalid("password", "a name or password is on one line and has at most 500 letters", "write it again")
	}
	return nil
}

func relayInvalid(field, why, next string) error {
	return &problem.Problem{
		Code: "relay-invalid", Kind: problem.Invalid, What: "mail cannot go out with this setting",
		Why: why, Next: []string{next}, Args: map[string]string{"field": field},
	}
}

// CheckAddress says whether mail can be addressed so: nil, or a Problem
// "mail-address-invalid".
func CheckAddress(address string) error {
	if isAddress(address) {
		return nil
	}
	return &problem.Problem{
		Code: "mail-address-invalid", Kind: problem.Invalid, What: "this is not a mail address",
		Next: []string{"write one such as ana@example.org"},
	}
}

func isAddress(s string) bool {
	if len(s) > 254 || !isLine(s) {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Name == "" && a.Address == s
}

func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	if s == "localhost" {
		return true
	}
	_, err := hostname.Parse(s)
	return err == nil
}

// isLoopback reports whether a host is this machine by what it is called.
func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func isLine(s string) bool {
	return len(s) <= 500 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// addr is where the relay listens.
func (r Relay) addr() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }
