// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"coopkit/internal/problem"
)

const (
	invitationPath = "/join"
	invitationMark = "ck1"
	pinBytes       = 32
	maxInvitation  = 1024
)

// Invitation is what a desk gives a co-op so that one box can join, as one
// address that can be mailed, read aloud or typed.
type Invitation struct {
	Desk   string            // base address of the desk: https://host[:port]
	Key    ed25519.PublicKey // the desk's key; every answer at enrolment must be signed with it
	Secret [16]byte          // proves that the box was invited; never sent, never logged
	// Pin is PinOf the certificate that signed the desk's, for a desk whose
	// certificate is not publicly trusted; nil otherwise.
	Pin []byte
}

// NewInvitation makes an invitation of this desk with a fresh secret.
func NewInvitation(desk string, key ed25519.PublicKey, pin []byte) (Invitation, error) {
	address, err := deskAddress(desk)
	if err != nil {
		return Invitation{}, err
	}
	i := Invitation{Desk: address, Key: key, Pin: pin}
	_, _ = rand.Read(i.Secret[:]) // it never fails
	return i, nil
}

// ID is what the desk knows the invitation by.
func (i Invitation) ID() string { return InvitationID(i.Secret) }

// LogValue keeps the secret out of logs.
func (i Invitation) LogValue() slog.Value { return slog.StringValue(i.Desk + " " + i.ID()) }

// String returns the code: an address of the desk with the rest behind #, which
// browsers do not send.
func (i Invitation) String() string {
	code := i.Desk + invitationPath + "#" + invitationMark + "." + unpadded(i.Key) + "." + unpadded(i.Secret[:])
	if len(i.Pin) > 0 {
		code += "." + unpadded(i.Pin)
	}
	return code
}

// ParseInvitation reads a code. Space and line breaks, which mail programs and
// people add, do not matter. Every mistake is a Problem "invitation-unreadable".
func ParseInvitation(code string) (Invitation, error) {
	if len(code) > 2*maxInvitation {
		return Invitation{}, unreadable("it is far too long")
	}
	code = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' {
			return -1
		}
		return r
	}, code)
	if code = strings.Trim(code, "<>\"'"); code == "" {
		return Invitation{}, unreadable("it is empty")
	}
	address, rest, found := strings.Cut(code, "#")
	if !found {
		return Invitation{}, unreadable("the part behind # is missing")
	}
	base, found := strings.CutSuffix(address, invitationPath)
	if !found {
		return Invitation{}, unreadable("the part before # does not end in " + invitationPath)
	}
	desk, err := deskAddress(base)
	if err != nil {
		return Invitation{}, err
	}
	i := Invitation{Desk: desk}
	return i, i.readRest(strings.Split(rest, "."))
}

// readRest reads what is behind #.
func (i *Invitation) readRest(parts []string) error {
	if parts[0] != invitationMark {
		return unreadable("it is for another version of coopkit: its second part does not begin with " + invitationMark)
	}
	if len(parts) < 3 || len(parts) > 4 {
		return unreadable("a part behind # is missing or too many")
	}
	key, secret := readUnpadded(parts[1], ed25519.PublicKeySize), readUnpadded(parts[2], len(i.Secret))
	if key == nil || secret == nil {
		return unreadable("a part behind # is cut short or has a wrong letter")
	}
	i.Key = key
	copy(i.Secret[:], secret)
	if len(parts) == 4 {
		if i.Pin = readUnpadded(parts[3], pinBytes); i.Pin == nil {
			return unreadable("its last part is cut short or has a wrong letter")
		}
	}
	return nil
}

// deskAddress checks the base address of a desk and returns it in one form.
func deskAddress(base string) (string, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return "", unreadable("it has no address of a desk in it")
	case u.Scheme != "https":
		return "", unreadable("the desk's address does not begin with https://")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", unreadable("the desk's address has something in it that does not belong there")
	}
	if _, err := netip.ParseAddr(u.Hostname()); err != nil && strings.Trim(strings.ToLower(u.Hostname()), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
		return "", unreadable("the desk's name has a letter that names do not have")
	}
	return "https://" + strings.ToLower(u.Host), nil
}

func unreadable(why string) *problem.Problem {
	return &problem.Problem{
		Code: "invitation-unreadable", Kind: problem.Invalid,
		What: "this is not an invitation that can be read",
		Why:  why,
		Next: []string{
			"copy the whole invitation, from https:// to its end, and try again",
			"ask your IT co-op for a new one",
		},
	}
}

func unpadded(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// readUnpadded returns nil unless text is exactly n bytes.
func readUnpadded(text string, n int) []byte {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != n {
		return nil
	}
	return b
}
