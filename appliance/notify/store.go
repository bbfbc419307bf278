// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"context"
	"time"

	"coopkit/appliance"
	"coopkit/internal/deliver"
	"coopkit/internal/problem"
)

// Store keeps what must outlive a restart. Each method is one transaction.
type Store interface {
	// Relays are the mail server that is set and the one of before; nil: none.
	Relays(ctx context.Context) (now, before *appliance.Relay, err error)
	SaveRelays(ctx context.Context, now, before *appliance.Relay) error

	Recipients(ctx context.Context) ([]Recipient, error)
	// SaveWishes stores what a person wishes, and when it was first asked.
	SaveWishes(ctx context.Context, r Recipient) error
	// Channels are those of everybody.
	Channels(ctx context.Context) ([]Channel, error)
	SaveChannel(ctx context.Context, c Channel) error
	// NoteChannel stores how c works (Delivered, Failing, Problem), unless it leads
	// elsewhere by now.
	NoteChannel(ctx context.Context, c Channel) error
	// DropChannel forgets a channel and what waits for it.
	DropChannel(ctx context.Context, person string, kind appliance.ChannelKind) error

	// Told is what a person was told of.
	Told(ctx context.Context, person string) ([]Told, error)
	// Say stores what a person is told from now on together with the posts that
	// tell it, and r's own times.
	Say(ctx context.Context, r Recipient, told []Told, posts []Post) error
	// Written counts the messages to a person since then.
	Written(ctx context.Context, person string, since time.Time) (int, error)

	// Due are the posts to deliver by now, the oldest first.
	Due(ctx context.Context, now time.Time) ([]Post, error)
	// SavePost stores how far a post is.
	SavePost(ctx context.Context, p Post) error
	// DropPost gives a post up. If no other channel has or still tries its message,
	// the person counts as not told of its causes.
	DropPost(ctx context.Context, p Post) error
	// Hurry makes what waits for a kind of channel due.
	Hurry(ctx context.Context, kind appliance.ChannelKind, now time.Time) error
	// Posts are the newest, those that wait first.
	Posts(ctx context.Context, limit int) ([]Post, error)
	// Forget removes what ended before then.
	Forget(ctx context.Context, before time.Time) error
}

// Recipient is what is stored of a person who can be told something.
type Recipient struct {
	Person   string // ID
	Least    appliance.Severity
	Quiet    appliance.Hours
	Weekly   appliance.Weekly
	Added    time.Time // what ended earlier is not told
	WeeklyAt time.Time // of the last weekly message
	Lost     int       // messages that were given up since the last one was written
}

// The wishes of a person who has said none.
func newRecipient(person string, now time.Time) Recipient {
	return Recipient{
		Person: person, Least: appliance.Warning, Quiet: appliance.Hours{On: true, From: 21 * 60, Until: 7 * 60},
		Weekly: appliance.Weekly{Day: time.Monday, Hour: 8}, Added: now, WeeklyAt: now,
	}
}

// Channel is a channel with its secret and what proves it.
type Channel struct {
	Person string // ID
	appliance.Channel
	Code    string // of the test message; empty: none is awaited
	Guesses int    // wrong codes since then
}

// Told is what a person knows of a cause.
type Told struct {
	Person, Cause string
	Severity      appliance.Severity // the worst that was told
	Open          bool               // it lasts
	Said          bool               // the person was told that it began
	At            time.Time          // of the last message about it
	Gone          time.Time          // since when it is not found any more; zero: it is, or it is over
	Thread        string             // ID of the first message about it
	Finding       appliance.Finding  // as it was last
}

// Post is a message on its way by one channel.
type Post struct {
	Person  string // ID
	Kind    appliance.ChannelKind
	Message deliver.Message
	Causes  []string // what it reports
	Due     time.Time
	Tries   int
	Sent    time.Time
	Dropped time.Time
	Problem *problem.Problem // why the last try failed
}

// postKey identifies a post.
type postKey struct {
	id   string
	kind appliance.ChannelKind
}

func (p Post) key() postKey { return postKey{p.Message.ID, p.Kind} }
