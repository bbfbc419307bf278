// SPDX-License-Identifier: AGPL-3.0-or-later

package deliver_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
)

// newKey makes the key of a server, also as it is in a file.
func newKey(t *testing.T) (public crypto.PublicKey, file []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if file, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	return key.Public(), file
}
