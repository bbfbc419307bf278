// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
)

// PinOf is what an Invitation says of the certificate that signed the desk's:
// SHA-256 of its SubjectPublicKeyInfo.
func PinOf(authority *x509.Certificate) []byte {
	sum := sha256.Sum256(authority.RawSubjectPublicKeyInfo)
	return sum[:]
}

// TLSConfig is how a box verifies the desk with this base address. Without a
// pin the machine's own authorities count. With one, they do not: the desk must
// show a certificate for its name that is signed by the one with the pin, which
// it sends along.
func TLSConfig(desk string, pin []byte) (*tls.Config, error) {
	u, err := url.Parse(desk)
	if err != nil {
		return nil, fmt.Errorf("read desk's address: %w", err)
	}
	host := u.Hostname()
	c := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: host}
	if len(pin) == 0 {
		return c, nil
	}
	c.InsecureSkipVerify = true // VerifyConnection does all of it, with the pin as the only authority
	c.VerifyConnection = func(s tls.ConnectionState) error { return verifyPinned(s.PeerCertificates, host, pin) }
	return c, nil
}

// errNotPinned is what a box meets that reaches something else than its desk.
var errNotPinned = errors.New("the certificate is not signed by the one that the invitation names")

func verifyPinned(chain []*x509.Certificate, host string, pin []byte) error {
	if len(chain) == 0 {
		return errNotPinned
	}
	o := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), DNSName: host}
	found := false
	for _, c := range chain {
		if bytes.Equal(PinOf(c), pin) {
			o.Roots.AddCert(c)
			found = true
		} else {
			o.Intermediates.AddCert(c)
		}
	}
	if !found {
		return errNotPinned
	}
	if _, err := chain[0].Verify(o); err != nil {
		return fmt.Errorf("verify desk's certificate: %w", err)
	}
	return nil
}
