// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"crypto/ed25519"
	"encoding/base64"
	"runtime"
	"sync"

	"github.com/hdevalence/ed25519consensus"
)

// mostTogether is how many signatures are checked together at most. From eight
// on each costs about the same, and one that is wrong makes all be checked again.
const mostTogether = 64

// Verifier checks the signatures of reports. Those that come at the same time
// are checked together, which costs half of checking each; one that comes alone
// waits for nobody. The zero value is ready, and safe for concurrent use.
//
// Alone and together, that is valid which ZIP 215 calls so: all that RFC 8032
// does, and odd signatures that nobody without the key can make.
type Verifier struct {
	mu   sync.Mutex
	next *together // whom the next one joins; nil: nobody waits
}

// together are signatures that are checked at once, by who came first.
type together struct {
	signed []signed
	right  []bool        // of each, when done
	done   chan struct{} // closed when they are checked
}

type signed struct {
	key                ed25519.PublicKey
	message, signature []byte
}

// Report reports whether the signature is key's over the body of a report. It
// keeps neither.
func (v *Verifier) Report(key ed25519.PublicKey, body []byte, signature string) bool {
	sig, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil {
		return false
	}
	t, place := v.join(signed{key, framed(domainReport, body), sig})
	if place == 0 {
		runtime.Gosched() // lets those join who can run now: more than any fixed wait would, and at rest it takes none
		v.part(t)
		t.check()
	}
	<-t.done
	return t.right[place]
}

// join adds s to those who wait and returns its place.
func (v *Verifier) join(s signed) (t *together, place int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.next == nil {
		v.next = &together{done: make(chan struct{})}
	}
	t = v.next
	t.signed = append(t.signed, s)
	if len(t.signed) == mostTogether {
		v.next = nil
	}
	return t, len(t.signed) - 1
}

// part lets nobody join t any more.
func (v *Verifier) part(t *together) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.next == t {
		v.next = nil
	}
}

// check checks all, and each by itself if not all are right.
func (t *together) check() {
	defer close(t.done)
	t.right = make([]bool, len(t.signed))
	all := t.allRight()
	for i, s := range t.signed {
		t.right[i] = all || ed25519consensus.Verify(s.key, s.message, s.signature)
	}
}

// allRight reports whether all are right, if they are enough for that to be
// cheaper than to look at each.
func (t *together) allRight() bool {
	if len(t.signed) == 1 {
		return false
	}
	b := ed25519consensus.NewPreallocatedBatchVerifier(len(t.signed))
	for _, s := range t.signed {
		b.Add(s.key, s.message, s.signature)
	}
	return b.Verify()
}
