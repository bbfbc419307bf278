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
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"coopkit/internal/atomicfile"
	"coopkit/internal/problem"

	"github.com/caddyserver/certmagic"
)

const (
	rootLifetime = 10 * 365 * 24 * time.Hour
	leafLifetime = 90 * 24 * time.Hour
	backdate     = time.Hour // clocks of visitors may be behind ours
)

// localCA is a certificate authority on this box. It is a certmagic.Issuer, so
// that its certificates are kept and renewed like those of any other.
type localCA struct {
	rootFile string
	root     *x509.Certificate
	rootPEM  []byte
	key      *ecdsa.PrivateKey
	lifetime time.Duration
	now      func() time.Time
}

// openLocalCA loads the authority in dir, or makes it there: root.key (0600)
// and root.crt, which is for everybody. A folder with only one of them, or
// with files that do not fit together, is a Problem: a new root would make
// every device that trusts the old one see warnings.
func openLocalCA(dir string, lifetime time.Duration, now func() time.Time) (*localCA, error) {
	if lifetime == 0 {
		lifetime = leafLifetime
	}
	ca := &localCA{rootFile: filepath.Join(dir, "root.crt"), lifetime: lifetime, now: now}
	keyFile := filepath.Join(dir, "root.key")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, brokenCA(dir, err)
	}
	keyPEM, keyErr := os.ReadFile(keyFile) //nolint:gosec // our own folder
	crtPEM, crtErr := os.ReadFile(ca.rootFile)
	if errors.Is(crtErr, fs.ErrNotExist) {
		// The key is written first: without a root.crt nobody trusts it yet.
		var err error
		if keyPEM, crtPEM, err = newRoot(now()); err != nil {
			return nil, brokenCA(dir, err)
		}
		err = atomicfile.Write(keyFile, keyPEM, 0o600)
		if err == nil {
			err = atomicfile.Write(ca.rootFile, crtPEM, 0o644)
		}
		if err != nil {
			return nil, brokenCA(dir, err)
		}
		keyErr, crtErr = nil, nil
	}
	if err := errors.Join(keyErr, crtErr); err != nil {
		return nil, brokenCA(dir, err)
	}
	if err := ca.load(keyPEM, crtPEM); err != nil {
		return nil, brokenCA(dir, err)
	}
	return ca, nil
}

func brokenCA(dir string, err error) error {
	return &problem.Problem{
		Code: "local-ca-broken", Kind: problem.Failed,
		What: "the box's own certificate authority can not be used",
		Why:  "its files in " + dir + " are missing, damaged or not readable",
		Next: []string{"put root.key and root.crt back from a backup", "move both away to make a new authority; each device must then trust the new one"},
		Err:  err,
	}
}

// load takes the root from PEM and checks that key and certificate fit.
func (ca *localCA) load(keyPEM, crtPEM []byte) error {
	pair, err := tls.X509KeyPair(crtPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("load root: %w", err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return errors.New("load root: it is not the certificate of an authority with an ECDSA key")
	}
	ca.key, ca.root, ca.rootPEM = key, pair.Leaf, crtPEM
	return nil
}

// newRoot makes the key and the certificate of an authority.
func newRoot(now time.Time) (keyPEM, crtPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this box"
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{Organization: []string{"Coopkit"}, CommonName: "Coopkit local authority of " + host},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(rootLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, fmt.Errorf("sign root: %w", err)
	}
	if keyPEM, err = certmagic.PEMEncodePrivateKey(key); err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	return keyPEM, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// serial returns a random serial number of 127 bits (RFC 5280 section 4.1.2.2).
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	b[0] &= 0x7f
	b[15] |= 1
	return new(big.Int).SetBytes(b)
}

// IssuerKey names the authority in certmagic's storage.
func (*localCA) IssuerKey() string { return "coopkit-local" }

// Issue signs a certificate for the names in csr.
func (ca *localCA) Issue(_ context.Context, csr *x509.CertificateRequest) (*certmagic.IssuedCertificate, error) {
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check request: %w", err)
	}
	now := ca.now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		DNSNames:     csr.DNSNames,
		NotBefore:    now.Add(-min(backdate, ca.lifetime/2)),
		NotAfter:     now.Add(ca.lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.root, csr.PublicKey, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	var chain bytes.Buffer
	if err := pem.Encode(&chain, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return nil, fmt.Errorf("encode certificate: %w", err)
	}
	chain.Write(ca.rootPEM)
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
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "no certificate for this name"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(rootLifetime),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
