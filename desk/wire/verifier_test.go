// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"
)

// claim is a signed report, and whether the signature is right.
type claim struct {
	name      string
	key       ed25519.PublicKey
	body      []byte
	signature string
	right     bool
}

// claims are signatures right and wrong in each way that a sender could try.
func claims() []claim {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	public, body := key.Public().(ed25519.PublicKey), []byte(`{"v":1}`)
	sig := ed25519.Sign(key, framed(domainReport, body))
	text := base64.RawURLEncoding.EncodeToString
	changed := func(i int) string {
		c := bytes.Clone(sig)
		c[i] ^= 1
		return text(c)
	}
	return []claim{
		{"right", public, body, text(sig), true},
		{"other body", public, []byte(`{"v":2}`), text(sig), false},
		{"other key", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey), body, text(sig), false},
		{"other domain", public, body, SignLeave(key, body), false},
		{"point changed", public, body, changed(0), false},
		{"scalar changed", public, body, changed(32), false},
		{"scalar with the order added", public, body, text(addOrder(sig)), false},
		{"one byte short", public, body, text(sig[:63]), false},
		{"one byte long", public, body, text(append(bytes.Clone(sig), 0)), false},
		{"padded text", public, body, text(sig) + "==", false},
		{"no text", public, body, "", false},
		{"no key", nil, body, text(sig), false},
		{"key that is no point", append(ed25519.PublicKey{2}, make([]byte, 31)...), body, text(sig), false},
		oddClaim(),
	}
}

// addOrder adds the order of the group to the scalar of a signature, which makes
// another one of the same message where that is not looked for.
func addOrder(sig []byte) []byte {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	scalar := bytes.Clone(sig[32:])
	slices.Reverse(scalar)
	sum := new(big.Int).Add(new(big.Int).SetBytes(scalar), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(bytes.Clone(sig[:32]), sum...)
}

// oddClaim is signed by a key of order one, with a point of order two: RFC 8032
// leaves it open whether that is valid. Together it must be what it is alone.
func oddClaim() claim {
	identity := append(ed25519.PublicKey{1}, make([]byte, 31)...)
	sig := make([]byte, ed25519.SignatureSize)
	copy(sig, bytes.Repeat([]byte{0xff}, 32))
	sig[0], sig[31] = 0xec, 0x7f
	return claim{"odd", identity, []byte(`{}`), base64.RawURLEncoding.EncodeToString(sig), true}
}

func TestVerifier_alone(t *testing.T) {
	for _, c := range claims() {
		t.Run(c.name, func(t *testing.T) {
			var v Verifier
			if got := v.Report(c.key, c.body, c.signature); got != c.right {
				t.Errorf("right is %t; want %t", got, c.right)
			}
		})
	}
}

// TestVerifier_inCompany puts each claim among others: what is wrong in one must
// neither pass with the others nor spoil them.
func TestVerifier_inCompany(t *testing.T) {
	all := claims()
	right := all[0]
	for _, c := range all {
		sig, err := base64.RawURLEncoding.Strict().DecodeString(c.signature)
		if err != nil {
			continue // never gets that far
		}
		t.Run(c.name, func(t *testing.T) {
			var v Verifier
			group, place := v.join(signed{c.key, framed(domainReport, c.body), sig})
			for range 9 {
				s, _ := base64.RawURLEncoding.DecodeString(right.signature)
				if same, _ := v.join(signed{right.key, framed(domainReport, right.body), s}); same != group {
					t.Fatal("they are not checked together")
				}
			}
			v.part(group)
			if got := group.allRight(); got != c.right {
				t.Errorf("all are right: %t; want %t", got, c.right)
			}
			group.check()
			for i, got := range group.right {
				want := i != place || c.right
				if got != want {
					t.Errorf("number %d is right: %t; want %t", i, got, want)
				}
			}
		})
	}
}

func TestVerifier_groups(t *testing.T) {
	var v Verifier
	first, _ := v.join(signed{})
	v.part(first)
	second, place := v.join(signed{})
	if second == first || place != 0 {
		t.Error("somebody joined those who are being checked")
	}
	for range mostTogether - 1 {
		if same, _ := v.join(signed{}); same != second {
			t.Fatal("there was a place, but another group was begun")
		}
	}
	third, place := v.join(signed{})
	if third == second || place != 0 {
		t.Errorf("there are more than %d together", mostTogether)
	}
	v.part(second) // full and left by itself: the third goes on
	if same, _ := v.join(signed{}); same != third {
		t.Error("a group that was full took the next one with it")
	}
}

// TestVerifier_manyAtOnce asks from many goroutines: each gets its own answer.
func TestVerifier_manyAtOnce(t *testing.T) {
	var v Verifier
	var g sync.WaitGroup
	begin := make(chan struct{})
	all := claims()
	for n := range 40 * len(all) {
		c := all[n%len(all)]
		body, signature, right := c.body, c.signature, c.right
		if n%3 == 0 { // an own key and body
			key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(n)}, 32))
			body = fmt.Appendf(nil, `{"v":%d}`, n)
			c.key, signature, right = key.Public().(ed25519.PublicKey), SignReport(key, body), true
		}
		g.Go(func() {
			<-begin
			if got := v.Report(c.key, body, signature); got != right {
				t.Errorf("%s (%d): right is %t", c.name, n, got)
			}
		})
	}
	close(begin)
	g.Wait()
}
