// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// Wrong attempts are counted for an account at an address and for an address,
// never for an account alone: a stranger cannot lock somebody out. An address
// has more tries than an account, since a whole office may share it.
const (
	accountTries = 5
	addressTries = 20
	tokenTries   = 5
	firstLock    = 30 * time.Second // doubled with each attempt after
	maxLock      = 15 * time.Minute
	forgotten    = 24 * time.Hour // after the last one
)

// failureKey is what is counted, and how many tries are free.
type failureKey struct {
	key   string
	tries int
}

// LockedError is the cause of a Problem "signin-locked".
type LockedError struct{ Until time.Time }

// Error says until when.
func (e *LockedError) Error() string { return "locked until " + e.Until.UTC().Format(time.RFC3339) }

// lockFor is how long count wrong attempts close the door.
func lockFor(count, tries int) time.Duration {
	if count < tries {
		return 0
	}
	lock := firstLock
	for ; count > tries && lock < maxLock; count-- {
		lock *= 2
	}
	return min(lock, maxLock)
}

// prefix is what one visitor may be expected to have: an IPv4 address or an
// IPv6 /64.
func prefix(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.Prefix(bits)
	if err != nil || !p.IsValid() {
		return "unknown"
	}
	return p.String()
}

func addressKey(prefix string) string { return "address " + prefix }

func tokenKey(prefix string) string { return "token " + prefix }

// accountKey hides the name: now and then somebody types the password there.
func accountKey(name, prefix string) string {
	sum := sha256.Sum256([]byte(name))
	return "account " + hex.EncodeToString(sum[:16]) + " " + prefix
}

// refuseLocked returns the Problem if one of the keys is locked.
func (s *Service) refuseLocked(ctx context.Context, keys []failureKey) error {
	now, until := s.now(), time.Time{}
	for _, k := range keys {
		locked, err := s.store.locked(ctx, k.key)
		if err != nil {
			return err
		}
		// A clock that was wrong must not close the door for years.
		if locked.After(now) && !locked.After(now.Add(maxLock)) && locked.After(until) {
			until = locked
		}
	}
	if until.IsZero() {
		return nil
	}
	return &problem.Problem{
		Code: "signin-locked", Kind: problem.Forbidden,
		What: "too many wrong attempts came from your address",
		Why:  fmt.Sprintf("this closes sign-in for it for %s, until %s", until.Sub(now).Round(time.Second), until.UTC().Format("15:04:05 UTC")),
		Next: []string{"wait until then, and try again", s.wayBack},
		Args: map[string]string{"wait_seconds": strconv.Itoa(int(until.Sub(now).Seconds()) + 1)},
		Err:  &LockedError{Until: until},
	}
}

// counted counts a wrong attempt and returns what is wrong with it. When it
// cannot be counted, as on a full disk, it says nothing about the attempt: guesses
// would be free otherwise.
func (s *Service) counted(ctx context.Context, keys []failureKey, c Client, wrong error) error {
	locked, err := s.store.fail(ctx, keys, s.now())
	if err != nil {
		return err
	}
	if locked {
		s.log.Warn("sign-in locked for an address", slog.String(logkey.Addr, c.Addr.String()))
	}
	return wrong
}
