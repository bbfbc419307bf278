// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"log/slog"
	"net"
	"strconv"
	"time"

	"coopkit/internal/problem"
)

// Relay is the mail server by which this box sends mail: its own messages, and
// later those of apps that ask for it.
type Relay struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Security string `json:"security"`           // tls (from the first byte), starttls, or none on this machine alone
	User     string `json:"user"`               // empty: nobody signs in
	Password string `json:"password,omitempty"` // never in an answer; empty in a change: the one of before, at the same server
	From     string `json:"from"`               // the address that mail is from
}

// LogValue names the server and nothing that is secret.
func (r Relay) LogValue() slog.Value {
	return slog.StringValue(net.JoinHostPort(r.Host, strconv.Itoa(r.Port)))
}

// RelaySetting is how outgoing mail is set. Everything is empty while it is not.
type RelaySetting struct {
	Set bool `json:"set"`
	Relay
	HasPassword bool `json:"has_password,omitempty"`
	Undoable    bool `json:"undoable,omitempty"` // the setting of before can be put back
}

// TestMail asks for a test message by the relay.
type TestMail struct {
	To string `json:"to"` // mail address
}

// ChannelKind is a way in which messages reach a person.
type ChannelKind string

// The channels.
const (
	ByMail    ChannelKind = "mail"
	ByNtfy    ChannelKind = "ntfy"
	ByWebhook ChannelKind = "webhook"
)

// ChannelKinds are all of them, in the order in which people see them.
var ChannelKinds = []ChannelKind{ByMail, ByNtfy, ByWebhook}

// Channel is one way to one person. It is used once a test message has arrived.
type Channel struct {
	Kind  ChannelKind `json:"kind"`
	To    string      `json:"to"`              // mail address, ntfy server or URL of the webhook; empty: not set
	Topic string      `json:"topic,omitempty"` // of ntfy
	// Secret is the token of ntfy or that of the webhook. It is in no answer, but
	// for the one that follows its making; empty in a change: the one of before.
	Secret    string    `json:"secret,omitempty"`
	HasSecret bool      `json:"has_secret,omitempty"`
	Proven    time.Time `json:"proven,omitzero"` // a test message has arrived; zero: not used yet
	Asked     time.Time `json:"asked,omitzero"`  // a test message went out and its code was not entered yet
	Delivered time.Time `json:"delivered,omitzero"`
	// Failing is since when nothing arrives, and Problem why.
	Failing time.Time        `json:"failing,omitzero"`
	Problem *problem.Problem `json:"problem,omitempty"`
}

// LogValue names the kind and nothing of the person.
func (c Channel) LogValue() slog.Value { return slog.StringValue(string(c.Kind)) }

// Hours are a time of the day, in minutes since midnight by the clock of the
// box.
type Hours struct {
	On    bool `json:"on"`
	From  int  `json:"from"`
	Until int  `json:"until"` // earlier than From: on the next day
}

// Weekly is when a person hears once a week that all is well, or what is not.
type Weekly struct {
	On   bool         `json:"on"`
	Day  time.Weekday `json:"day"` // 0 is Sunday
	Hour int          `json:"hour"`
}

// Receiver is a person who gets messages from this box, with what they wish.
type Receiver struct {
	ID       string    `json:"id"`     // of the account; it never changes
	Person   string    `json:"person"` // name of the account
	Display  string    `json:"display"`
	Language string    `json:"language"` // in which messages are written
	Least    Severity  `json:"least"`    // what is milder is not told
	Quiet    Hours     `json:"quiet"`    // what is not critical waits until they end
	Weekly   Weekly    `json:"weekly"`
	Channels []Channel `json:"channels"` // one of each kind
}

// Reached reports whether messages reach the person.
func (r Receiver) Reached() bool {
	for _, c := range r.Channels {
		if !c.Proven.IsZero() {
			return true
		}
	}
	return false
}

// Wishes change what a person wishes.
type Wishes struct {
	Person string   `json:"person"`
	Least  Severity `json:"least"`
	Quiet  Hours    `json:"quiet"`
	Weekly Weekly   `json:"weekly"`
}

// ChannelChange sets a channel of a person; an empty To removes it.
type ChannelChange struct {
	Person string      `json:"person"`
	Kind   ChannelKind `json:"kind"`
	To     string      `json:"to"`
	Topic  string      `json:"topic,omitempty"`
	Secret string      `json:"secret,omitempty"`
}

// LogValue names the kind and nothing that is secret.
func (c ChannelChange) LogValue() slog.Value { return slog.StringValue(string(c.Kind)) }

// ChannelCode names a channel of a person; Code is the one in its test message.
type ChannelCode struct {
	Person string      `json:"person"`
	Kind   ChannelKind `json:"kind"`
	Code   string      `json:"code,omitempty"`
}

// Sent is a message to a person by one channel.
type Sent struct {
	ID      string           `json:"id"`
	Person  string           `json:"person"`
	Kind    ChannelKind      `json:"kind"`
	Subject string           `json:"subject"`
	At      time.Time        `json:"at"`               // when it was written
	Sent    time.Time        `json:"sent,omitzero"`    // when it was accepted
	Dropped time.Time        `json:"dropped,omitzero"` // when it was given up
	Next    time.Time        `json:"next,omitzero"`    // when it is tried again
	Tries   int              `json:"tries"`
	Problem *problem.Problem `json:"problem,omitempty"` // why the last try failed
}
