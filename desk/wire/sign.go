// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// The domains of what is signed or authenticated: bytes made for one of them
// mean nothing in another.
const (
	domainEnrolment = "coopkit-desk/v1/enrolment"
	domainEnrolled  = "coopkit-desk/v1/enrolled"
	domainReport    = "coopkit-desk/v1/report"
	domainLeave     = "coopkit-desk/v1/leave"
	domainAck       = "coopkit-desk/v1/ack"
	domainSecret    = "coopkit-desk/v1/secret" //nolint:gosec // a name, not a secret
	domainWords     = "coopkit-desk/v1/words"
	domainLink      = "coopkit-desk/v1/link"
	domainEntry     = "coopkit-desk/v1/entry"
)

// framed joins a domain and parts so that no two different lists give the same
// bytes: each is preceded by its length in four bytes, big endian.
func framed(domain string, parts ...[]byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(domain))) //nolint:gosec // short constants
	out = append(out, domain...)
	for _, p := range parts {
		out = binary.BigEndian.AppendUint32(out, uint32(len(p))) //nolint:gosec // bodies are limited to MaxReportBytes
		out = append(out, p...)
	}
	return out
}

// Head identifies a journal up to one entry: 16 bytes of a SHA-256 chain.
type Head [16]byte

// After returns the head after one more entry, given as its bytes in the report.
func (h Head) After(entry []byte) Head {
	sum := sha256.Sum256(framed(domainEntry, h[:], entry))
	return Head(sum[:16])
}

// MarshalText writes base64url without padding.
func (h Head) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (h *Head) UnmarshalText(text []byte) error {
	b, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if len(b) != len(h) {
		return errLength
	}
	copy(h[:], b)
	return nil
}

// SignReport returns the value of HeaderSignature for the body of a report,
// which a Verifier checks.
func SignReport(key ed25519.PrivateKey, body []byte) string { return sign(key, domainReport, body) }

// SignLeave and VerifyLeave do the same for Leave.
func SignLeave(key ed25519.PrivateKey, body []byte) string { return sign(key, domainLeave, body) }

// VerifyLeave reports whether the signature is key's over the body.
func VerifyLeave(key ed25519.PublicKey, body []byte, signature string) bool {
	return verify(key, signature, domainLeave, body)
}

// How an acknowledgement ends, without its proof and with it.
const (
	unproven  = `"mac":null}`
	proofAt   = `"mac":"`
	proofEnds = `"}`
)

// SealAck returns the message of an acknowledgement: that the desk that made
// link with this box has stored the report with this body. The proof is over the
// message's own bytes with null in its place, so that a desk may say more than
// a box understands.
func SealAck(link [32]byte, body []byte, a Ack) ([]byte, error) {
	a.Answers = nil
	said, err := Encode(a)
	if err != nil {
		return nil, err
	}
	return seal(link, body, said), nil
}

// seal puts the proof into a message that ends as unproven does.
func seal(link [32]byte, body, said []byte) []byte {
	mac := ackMAC(link, body, said)
	out := append(said[:len(said)-len(unproven)], proofAt...)
	return append(base64.StdEncoding.AppendEncode(out, mac), proofEnds...)
}

// ErrNotProven is returned for an acknowledgement that is not the desk's answer
// to this report.
var ErrNotProven = errors.New("the answer does not prove that it comes from the desk")

// OpenAck reads the answer to the report with this body, and makes sure that it
// is by the desk that made link: ErrNotProven otherwise.
func OpenAck(link [32]byte, body, answer []byte) (Ack, error) {
	var a Ack
	if err := decode(answer, &a); err != nil {
		return a, err
	}
	at := bytes.LastIndex(answer, []byte(proofAt))
	if at < 0 {
		return a, ErrNotProven
	}
	said := append(bytes.Clone(answer[:at]), unproven...)
	if !hmac.Equal(seal(link, body, said), answer) {
		return a, ErrNotProven
	}
	return a, nil
}

func ackMAC(link [32]byte, body, said []byte) []byte {
	sum := sha256.Sum256(body)
	m := hmac.New(sha256.New, link[:])
	m.Write(framed(domainAck, sum[:], said))
	return m.Sum(nil)[:16]
}

func sign(key ed25519.PrivateKey, domain string, parts ...[]byte) string {
	return base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, framed(domain, parts...)))
}

func verify(key ed25519.PublicKey, signature, domain string, parts ...[]byte) bool {
	sig, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	return err == nil && len(key) == ed25519.PublicKeySize && ed25519.Verify(key, framed(domain, parts...), sig)
}
