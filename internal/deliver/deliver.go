// SPDX-License-Identifier: AGPL-3.0-or-later

// Package deliver brings a short message to a person or a program: by mail
// through an SMTP relay, to an ntfy server, or to a signed webhook. It says in
// plain words why one was not accepted. It knows neither boxes nor desks, nor
// what the messages are about, and it tries once: when to try again is for
// those who use it. Its tests talk to real servers of each protocol on loopback.
package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Message is what is delivered.
type Message struct {
	// ID is the same whenever the message is tried again, so that the other side
	// can tell that it has it: letters, digits and hyphens.
	ID      string    `json:"id"`
	Thread  string    `json:"thread,omitempty"` // ID of the message that began the matter
	At      time.Time `json:"at"`               // when it was written
	Subject string    `json:"subject"`          // one line
	Text    string    `json:"text"`             // lines that end in \n
	Link    string    `json:"link,omitempty"`   // the page that has more; mail has it in its text
	Urgent  bool      `json:"urgent,omitempty"`
	// Data is what a program gets to read in place of the text.
	Data json.RawMessage `json:"data,omitempty"`
}

// Channel is one way to reach one receiver.
type Channel interface {
	// Deliver tries once. It returns nil once the other side has accepted the
	// message, else a Problem that says what keeps it from that. It ends with ctx
	// and takes no longer than Limit.
	Deliver(ctx context.Context, m Message) error
}

// Limit bounds one try.
const Limit = 30 * time.Second

// Secret is a password or key: it is never logged or printed.
type Secret string

// String hides it.
func (Secret) String() string { return "(secret)" }

// GoString hides it from %#v.
func (Secret) GoString() string { return "(secret)" }

// Format hides it from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue hides it from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
