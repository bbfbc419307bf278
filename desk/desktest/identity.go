// SPDX-License-Identifier: AGPL-3.0-or-later

package desktest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"testing"
	"time"

	"coopkit/desk/wire"
)

// identity is what makes a desk the same one in another process.
type identity struct {
	Seed               []byte // of its key
	Leaf, Top, LeafKey []byte // DER
}

// identify reads the desk's identity, or makes one.
func (d *Desk) identify() {
	d.tb.Helper()
	path := d.Path + ".identity"
	text, err := os.ReadFile(path) //nolint:gosec // a file of the test
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = json.Marshal(newIdentity(d.tb)); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		d.tb.Fatal(err)
	}
	var i identity
	if err := json.Unmarshal(text, &i); err != nil {
		d.tb.Fatal(err)
	}
	d.Key = ed25519.NewKeyFromSeed(i.Seed)
	key, err := x509.ParseECPrivateKey(i.LeafKey)
	if err != nil {
		d.tb.Fatal(err)
	}
	top, err := x509.ParseCertificate(i.Top)
	if err != nil {
		d.tb.Fatal(err)
	}
	d.cert, d.Pin = tls.Certificate{Certificate: [][]byte{i.Leaf, i.Top}, PrivateKey: key}, wire.PinOf(top)
}

// newIdentity makes a key, an authority, and a certificate of it for loopback.
func newIdentity(tb testing.TB) identity {
	tb.Helper()
	sign := func(c, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) []byte {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
		if err != nil {
			tb.Fatal(err)
		}
		return der
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		return k
	}
	authorityKey, leafKey := key(), key()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority of the tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	i := identity{Seed: make([]byte, ed25519.SeedSize)}
	_, _ = rand.Read(i.Seed) // it never fails
	i.Top = sign(authority, authority, authorityKey, authorityKey)
	i.Leaf = sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "desk.example"}, DNSNames: []string{"localhost", "desk.example"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, leafKey, authorityKey)
	var err error
	if i.LeafKey, err = x509.MarshalECPrivateKey(leafKey); err != nil {
		tb.Fatal(err)
	}
	return i
}
