// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"coopkit/internal/ownca"

	"github.com/caddyserver/certmagic"
)

const (
	leafLifetime = 90 * 24 * time.Hour
	backdate     = time.Hour // clocks of visitors may be behind ours
	neverTrusted = 10 * 365 * 24 * time.Hour
)

// localCA is the certificate authority on this box as a certmagic.Issuer, so
// that its certificates are kept and renewed like those of any other.
type localCA struct {
	*ownca.Authority
	lifetime time.Duration
}

// openLocalCA opens the authority in dir; leaves live for lifetime, or as long
// as those of Let's Encrypt.
func openLocalCA(dir string, lifetime time.Duration, now func() time.Time) (*localCA, error) {
	if lifetime == 0 {
		lifetime = leafLifetime
	}
	ca, err := ownca.Open(dir, now)
	if err != nil {
		return nil, err
	}
	return &localCA{Authority: ca, lifetime: lifetime}, nil
}

// IssuerKey names the authority in certmagic's storage.
func (*localCA) IssuerKey() string { return "coopkit-local" }

// Issue signs a certificate for the names in csr.
func (ca *localCA) Issue(_ context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check request: %w", err)
	}
	der, err := ca.Sign(csr.PublicKey, csr.DNSNames, nil, ca.lifetime)
	if err != nil {
		return nil, err
	}
	var chain bytes.Buffer
	if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return nil, fmt.Errorf("encode certificate: %w", err)
	}
	chain.Write(ca.RootPEM())
	return &certmagic.IssuedCertificate{Certificate: chain.Bytes()}, nil
}

// selfSigned makes the certificate for handshakes that have none: it is valid
// for no name, so no browser ever trusts it.
func selfSigned(now time.Time) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "no certificate for this name"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(neverTrusted),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
