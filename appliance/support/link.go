// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

// Link is what the box keeps of its desk, in the store. Key and Secret never
// leave it.
type Link struct {
	URL     string            // of the desk
	Pin     []byte            // of the certificate that signed the desk's; nil: public authorities
	DeskKey ed25519.PublicKey // pinned when the box joined
	Box     wire.BoxID
	Key     ed25519.PrivateKey // of this box, at this desk only
	Secret  [32]byte           // that box and desk share: wire.LinkKey
	Name    string             // of the desk
	Coop    string
	Words   [4]string
	Joined  time.Time

	State   appliance.DeskState // pending, linked, refused or ended; never silent
	Problem *problem.Problem    // why it is refused or ended
	Period  time.Duration       // between two reports
	Acked   uint64              // number of the last entry that the desk has
	Head    wire.Head           // after it
	Sent    time.Time           // when the desk confirmed it
	Last    []byte              // the last report that the desk confirmed
	Told    Told
}

// Told is what the desk knows once it has the whole outbox.
type Told struct {
	Facts    string         // as JSON; empty: nothing yet
	Findings []wire.Finding // that are open
}

// Item is one entry that waits in the outbox.
type Item struct {
	Seq  uint64 // its number; 0 until it is put into a report, and for ever the same then
	Kind string // sample, missing, or another one that is never dropped
	At   time.Time
	Body string // the entry as it is in the report, byte for byte
}

// The kinds of Item that the store needs to tell apart.
const (
	KindSample  = "sample"
	KindMissing = "missing"
)

// Keep is how much the outbox keeps of what has no number yet. Only samples
// are dropped.
type Keep struct {
	Samples int
	Bytes   int64 // of all that waits
}

// Store keeps the link and the outbox. Each method is one transaction.
type Store interface {
	// DeskLink returns the link, or nil when the box has not joined a desk.
	DeskLink(ctx context.Context) (*Link, error)
	// SaveDeskLink begins a link with an empty outbox.
	SaveDeskLink(ctx context.Context, l Link) error
	// DropDeskLink removes the link with its keys and the outbox.
	DropDeskLink(ctx context.Context) error
	// SetDeskState keeps the State and Problem of the link.
	SetDeskState(ctx context.Context, state appliance.DeskState, p *problem.Problem) error
	// Tell appends items to the outbox and keeps what the desk will know then.
	// Samples beyond keep are dropped, oldest first, and Missing stands for them.
	Tell(ctx context.Context, items []Item, told Told, keep Keep) error
	// Freeze returns the items of the next report, oldest first: those that
	// have numbers, or, when none has, those that first fits, numbered from then
	// on after the link's Acked.
	Freeze(ctx context.Context, fits func(items []Item) int) ([]Item, error)
	// Acked removes the items up to number ack, and keeps what the desk confirmed.
	Acked(ctx context.Context, ack Confirmed) error
	// Waiting says how many items the desk does not have.
	Waiting(ctx context.Context) (int, error)
}

// Confirmed is what is kept of a report that the desk confirmed.
type Confirmed struct {
	Ack    uint64
	Head   wire.Head
	At     time.Time
	Report []byte
	Period time.Duration
}

// Fingerprint is how people see a desk's key.
func Fingerprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	digits := hex.EncodeToString(sum[:8])
	return strings.Join([]string{digits[:4], digits[4:8], digits[8:12], digits[12:]}, " ")
}
