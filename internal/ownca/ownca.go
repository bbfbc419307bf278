// SPDX-License-Identifier: AGPL-3.0-or-later

// Package ownca is a certificate authority in a folder: a box has one for a LAN
// or a trial, a desk has one until it gets a certificate that browsers know.
// It knows nothing of ACME or of who asks. Its tests make authorities, damage
// them, and shake hands with their certificates.
package ownca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"coopkit/internal/atomicfile"
	"coopkit/internal/problem"
)

const (
	rootLifetime = 10 * 365 * 24 * time.Hour
	backdate     = time.Hour // clocks of visitors may be behind ours
)

// Authority signs certificates. It is safe for concurrent use.
type Authority struct {
	rootFile string
	root     *x509.Certificate
	rootPEM  []byte
	key      *ecdsa.PrivateKey
	now      func() time.Time
}

// Open loads the authority in dir, or makes it there: root.key (0600) and
// root.crt, which is for everybody. A folder with only one of them, or with
// files that do not fit together, is a Problem "local-ca-broken": a new root
// would make every device that trusts the old one see warnings.
func Open(dir string, now func() time.Time) (*Authority, error) {
	ca := &Authority{rootFile: filepath.Join(dir, "root.crt"), now: now}
	keyFile := filepath.Join(dir, "root.key")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, broken(dir, err)
	}
	keyPEM, keyErr := os.ReadFile(keyFile) //nolint:gosec // our own folder
	crtPEM, crtErr := os.ReadFile(ca.rootFile)
	if errors.Is(crtErr, fs.ErrNotExist) {
		// The key is written first: without a root.crt nobody trusts it yet.
		var err error
		if keyPEM, crtPEM, err = newRoot(now()); err != nil {
			return nil, broken(dir, err)
		}
		err = atomicfile.Write(keyFile, keyPEM, 0o600)
		if err == nil {
			err = atomicfile.Write(ca.rootFile, crtPEM, 0o644)
		}
		if err != nil {
			return nil, broken(dir, err)
		}
		keyErr, crtErr = nil, nil
	}
	if err := errors.Join(keyErr, crtErr); err != nil {
		return nil, broken(dir, err)
	}
	if err := ca.load(keyPEM, crtPEM); err != nil {
		return nil, broken(dir, err)
	}
	return ca, nil
}

func broken(dir string, err error) error {
	return &problem.Problem{
		Code: "local-ca-broken", Kind: problem.Failed,
		What: "the own certificate authority of this machine cannot be used",
		Why:  "its files in " + dir + " are missing, damaged or not readable",
		Next: []string{"put root.key and root.crt back from a backup", "move both away to make a new authority; each device must then trust the new one"},
		Err:  err,
	}
}

// load takes the root from PEM and checks that key and certificate fit.
func (ca *Authority) load(keyPEM, crtPEM []byte) error {
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

// RootFile is where the root certificate lies, as PEM: devices that trust it
// trust all that the authority signs.
func (ca *Authority) RootFile() string { return ca.rootFile }

// RootPEM is the root certificate.
func (ca *Authority) RootPEM() []byte { return ca.rootPEM }

// Pin is the SHA-256 of the root's public key (SubjectPublicKeyInfo), by which
// a client can know the authority without trusting it for anything else.
func (ca *Authority) Pin() []byte {
	sum := sha256.Sum256(ca.root.RawSubjectPublicKeyInfo)
	return sum[:]
}

// Sign returns a certificate for a server's key, in DER, valid from a little
// before now for lifetime.
func (ca *Authority) Sign(key any, names []string, addrs []netip.Addr, lifetime time.Duration) ([]byte, error) {
	now := ca.now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		DNSNames:     names,
		NotBefore:    now.Add(-min(backdate, lifetime/2)),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		BasicConstraintsValid: true,
	}
	for _, a := range addrs {
		template.IPAddresses = append(template.IPAddresses, a.AsSlice())
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.root, key, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return der, nil
}

// newRoot makes the key and the certificate of an authority.
func newRoot(now time.Time) (keyPEM, crtPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
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
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// serial returns a random serial number of 127 bits (RFC 5280 section 4.1.2.2).
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	b[0] &= 0x7f
	b[15] |= 1
	return new(big.Int).SetBytes(b)
}
