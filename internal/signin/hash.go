// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"coopkit/internal/problem"
)

// params are argon2id's. The second set of OWASP's list: 19 MiB are little for
// a small box and much for who guesses.
type params struct {
	memoryKiB uint32
	passes    uint32
	lanes     uint8
}

const (
	saltBytes = 16
	keyBytes  = 32
)

func current() params { return params{memoryKiB: 19 * 1024, passes: 2, lanes: 1} }

// phc is a password hash in the string format of the Password Hashing
// Competition: $argon2id$v=19$m=…,t=…,p=…$salt$key.
type phc struct {
	params
	salt, key []byte
}

// String writes the one form that parsePHC takes.
func (h phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memoryKiB, h.passes, h.lanes, enc.EncodeToString(h.salt), enc.EncodeToString(h.key))
}

// parsePHC reads what String writes, within bounds that a box can compute.
func parsePHC(text string) (phc, error) {
	var h phc
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return h, errors.New("parse password hash: it has not six parts")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memoryKiB, &h.passes, &h.lanes); err != nil {
		return h, fmt.Errorf("parse password hash: %w", err)
	}
	var errSalt, errKey error
	h.salt, errSalt = base64.RawStdEncoding.DecodeString(parts[4])
	h.key, errKey = base64.RawStdEncoding.DecodeString(parts[5])
	if err := errors.Join(errSalt, errKey); err != nil {
		return h, fmt.Errorf("parse password hash: %w", err)
	}
	if h.memoryKiB < 8*uint32(h.lanes) || h.memoryKiB > 256*1024 || h.passes < 1 || h.passes > 16 || h.lanes < 1 || h.lanes > 16 {
		return h, errors.New("parse password hash: a parameter is out of bounds")
	}
	if len(h.salt) < 8 || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > 64 {
		return h, errors.New("parse password hash: salt or key is too short or too long")
	}
	if h.String() != text {
		return h, errors.New("parse password hash: it is written in another way than ours")
	}
	return h, nil
}

// hasher computes password hashes, one at a time: each takes 19 MiB for a
// moment, and the box has other work.
type hasher struct {
	turn   chan struct{}
	params params
	derive func(password, salt []byte, p params, size int) []byte
}

func newHasher() *hasher {
	return &hasher{turn: make(chan struct{}, 1), params: current(), derive: derive}
}

func derive(password, salt []byte, p params, size int) []byte {
	key := argon2.IDKey(password, salt, p.passes, p.memoryKiB, p.lanes, uint32(size)) //nolint:gosec // at most 64
	debug.FreeOSMemory()                                                              // or the 19 MiB stay with us until long after
	return key
}

// alone runs fn while nobody else does, or gives a Problem "signin-busy" when
// its turn does not come.
func (h *hasher) alone(ctx context.Context, fn func(ctx context.Context) error) error {
	wait, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
		return fn(ctx)
	case <-wait.Done():
		return &problem.Problem{
			Code: "signin-busy", Kind: problem.Unavailable,
			What: "too many people sign in at this moment",
			Why:  "passwords are checked one after the other",
			Next: []string{"try again in a minute"},
			Err:  wait.Err(),
		}
	}
}

// hash is called in alone.
func (h *hasher) hash(password string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	return phc{params: h.params, salt: salt, key: h.derive(normal(password), salt, h.params, keyBytes)}.String()
}

// verify is called in alone. Without a stored hash it does the same work and
// says no. Stale means that the hash is right but should be made anew.
func (h *hasher) verify(stored, password string) (right, stale bool, err error) {
	want := phc{params: h.params, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	if stored != "" {
		if want, err = parsePHC(stored); err != nil {
			return false, false, err
		}
	}
	got := h.derive(normal(password), want.salt, want.params, len(want.key))
	right = subtle.ConstantTimeCompare(got, want.key) == 1 && stored != ""
	return right, right && (want.params != h.params || len(want.key) != keyBytes), nil
}

// normal is the same for every keyboard that makes the same letters.
func normal(password string) []byte { return norm.NFC.Bytes([]byte(password)) }
