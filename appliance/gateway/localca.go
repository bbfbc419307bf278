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
	"sync"
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
// that its certificates are kept and renewed like those of any other. One that
// cannot be opened issues nothing and is tried again each time; certificates
// that it made before are used meanwhile.
type localCA struct {
	dir      string
	lifetime time.Duration
	now      func() time.Time
	report   func(err error)

	mu   sync.Mutex
	open *ownca.Authority // nil: not yet
}

// openLocalCA opens the authority in dir; leaves live for lifetime, or as long
// as those of Let's Encrypt.
func openLocalCA(dir string, lifetime time.Duration, deps Deps) *localCA {
	if lifetime == 0 {
		lifetime = leafLifetime
	}
	ca := &localCA{dir: dir, lifetime: lifetime, now: deps.Now, report: func(err error) { deps.Report(Authority, err) }}
	_, _ = ca.authority() // reported
	return ca
}

// Authority is the part of which Report speaks when the local CA cannot be
// opened.
const Authority = "authority"

func (ca *localCA) authority() (*ownca.Authority, error) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	if ca.open != nil {
		return ca.open, nil
	}
	var err error
	ca.open, err = ownca.Open(ca.dir, ca.now)
	ca.report(err)
	return ca.open, err
}

// rootFile is where its root certificate is; empty when it cannot be opened.
func (ca *localCA) rootFile() string {
	if ca == nil {
		return ""
	}
	if a, err := ca.authority(); err == nil {
		return a.RootFile()
	}
	return ""
}

// IssuerKey names the authority in certmagic's storage.
func (*localCA) IssuerKey() string { return "coopkit-local" }

// Issue signs a certificate for the names in csr.
func (ca *localCA) Issue(_ context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check request: %w", err)
	}
	authority, err := ca.authority()
	if err != nil {
		return nil, err
	}
	der, err := authority.Sign(csr.PublicKey, csr.DNSNames, nil, ca.lifetime)
	if err != nil {
		return nil, err
	}
	var chain bytes.Buffer
	if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return nil, fmt.Errorf("encode certificate: %w", err)
	}
	chain.Write(authority.RootPEM())
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
