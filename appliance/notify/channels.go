// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/internal/deliver"
	"coopkit/internal/problem"
)

// Receivers implements control.Messages.
func (n *Notify) Receivers(ctx context.Context) ([]appliance.Receiver, error) {
	people, err1 := n.deps.People(ctx)
	recipients, err2 := n.deps.Store.Recipients(ctx)
	channels, err3 := n.deps.Store.Channels(ctx)
	box, err4 := n.deps.Box(ctx)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return nil, err
	}
	out := make([]appliance.Receiver, len(people))
	for i, p := range people {
		r := newRecipient(p.ID, time.Time{})
		if at := slices.IndexFunc(recipients, func(r Recipient) bool { return r.Person == p.ID }); at >= 0 {
			r = recipients[at]
		}
		out[i] = appliance.Receiver{
			ID: p.ID, Person: p.Name, Display: p.Display, Language: language(p, box), Least: r.Least, Quiet: r.Quiet, Weekly: r.Weekly, Channels: []appliance.Channel{},
		}
		for _, kind := range appliance.ChannelKinds {
			c := find(channels, p.ID, kind)
			c.HasSecret, c.Secret = c.Secret != "", ""
			out[i].Channels = append(out[i].Channels, c.Channel)
		}
	}
	return out, nil
}

// find returns a channel of a person, set or not.
func find(all []Channel, person string, kind appliance.ChannelKind) Channel {
	if i := slices.IndexFunc(all, func(c Channel) bool { return c.Person == person && c.Kind == kind }); i >= 0 {
		return all[i]
	}
	return Channel{Person: person, Channel: appliance.Channel{Kind: kind}}
}

// person finds somebody by the name of the account.
func (n *Notify) person(ctx context.Context, name string) (Person, error) {
	people, err := n.deps.People(ctx)
	if err != nil {
		return Person{}, err
	}
	if i := slices.IndexFunc(people, func(p Person) bool { return p.Name == name }); i >= 0 {
		return people[i], nil
	}
	return Person{}, &problem.Problem{
		Code: "receiver-unknown", Kind: problem.NotFound, What: "nobody with an open account here is called " + name,
		Next: []string{"coopkit notify list"}, Args: map[string]string{"name": name},
	}
}

// recipient is what is stored of a person, or the wishes of somebody who has said
// none.
func (n *Notify) recipient(ctx context.Context, person string) (Recipient, error) {
	all, err := n.deps.Store.Recipients(ctx)
	if err != nil {
		return Recipient{}, err
	}
	if i := slices.IndexFunc(all, func(r Recipient) bool { return r.Person == person }); i >= 0 {
		return all[i], nil
	}
	return newRecipient(person, n.deps.Clock()), nil
}

// SetWishes implements control.Messages. The error is a Problem
// "wishes-invalid" where a time is none.
func (n *Notify) SetWishes(ctx context.Context, w appliance.Wishes) error {
	p, err := n.person(ctx, w.Person)
	if err != nil {
		return err
	}
	const day = 24 * 60
	if w.Least < appliance.Notice || w.Least > appliance.Critical || w.Quiet.From < 0 || w.Quiet.From >= day || w.Quiet.Until < 0 || w.Quiet.Until >= day ||
		w.Weekly.Day < time.Sunday || w.Weekly.Day > time.Saturday || w.Weekly.Hour < 0 || w.Weekly.Hour > 23 {
		return &problem.Problem{
			Code: "wishes-invalid", Kind: problem.Invalid, What: "what you are told was not changed", Why: "a time is between 00:00 and 23:59",
			Next: []string{"write a time such as 21:00"},
		}
	}
	r, err := n.recipient(ctx, p.ID)
	if err != nil {
		return err
	}
	if w.Weekly != r.Weekly { // the first one comes at the next of its hours
		r.WeeklyAt = n.deps.Clock()
	}
	r.Least, r.Quiet, r.Weekly = w.Least, w.Quiet, w.Weekly
	return n.deps.Store.SaveWishes(ctx, r)
}

// SetChannel implements control.Messages.
func (n *Notify) SetChannel(ctx context.Context, change appliance.ChannelChange) (appliance.Channel, error) {
	p, err := n.person(ctx, change.Person)
	if err != nil {
		return appliance.Channel{}, err
	}
	all, err := n.deps.Store.Channels(ctx)
	if err != nil {
		return appliance.Channel{}, err
	}
	c := find(all, p.ID, change.Kind)
	if change.To = strings.TrimSpace(change.To); change.To == "" {
		return appliance.Channel{Kind: change.Kind}, n.deps.Store.DropChannel(ctx, p.ID, change.Kind)
	}
	next, made := changed(c, change)
	if err := n.check(ctx, next); err != nil {
		return appliance.Channel{}, err
	}
	r, err := n.recipient(ctx, p.ID)
	if err != nil {
		return appliance.Channel{}, err
	}
	if err := errors.Join(n.deps.Store.SaveWishes(ctx, r), n.deps.Store.SaveChannel(ctx, next)); err != nil {
		return appliance.Channel{}, err
	}
	n.deps.Log.InfoContext(ctx, "channel set", slog.String("channel", string(next.Kind)))
	answer := next.Channel
	if next.Proven.IsZero() {
		if answer, err = n.try(ctx, p, next); err != nil {
			return answer, err
		}
	}
	if made {
		answer.Secret = next.Secret
	}
	return answer, nil
}

// changed is a channel after a change, and whether a secret was made for it. A
// token stays at the server that it was set for.
func changed(c Channel, change appliance.ChannelChange) (_ Channel, made bool) {
	next := c
	if change.To != c.To || change.Topic != c.Topic {
		next.Channel = appliance.Channel{Kind: change.Kind, To: change.To, Topic: change.Topic}
		next.Code, next.Guesses = "", 0
		if change.Kind == appliance.ByWebhook {
			next.Secret = c.Secret
		}
	}
	if change.Secret != "" {
		next.Secret, next.Proven = change.Secret, time.Time{}
	}
	if change.Kind == appliance.ByWebhook && next.Secret == "" {
		next.Secret, made = string(deliver.NewSecret()), true
	}
	return next, made
}

// check says whether a channel is well written; that no mail server is set is no
// mistake of it.
func (n *Notify) check(ctx context.Context, c Channel) error {
	if c.Kind == appliance.ByMail {
		return deliver.CheckAddress(c.To)
	}
	_, err := n.way(ctx, c)
	return err
}

// TestChannel implements control.Messages.
func (n *Notify) TestChannel(ctx context.Context, c appliance.ChannelCode) (appliance.Channel, error) {
	p, stored, err := n.ofPerson(ctx, c)
	if err != nil {
		return appliance.Channel{}, err
	}
	return n.try(ctx, p, stored)
}

// ofPerson finds the channel that a request names.
func (n *Notify) ofPerson(ctx context.Context, c appliance.ChannelCode) (Person, Channel, error) {
	p, err := n.person(ctx, c.Person)
	if err != nil {
		return p, Channel{}, err
	}
	all, err := n.deps.Store.Channels(ctx)
	if err != nil {
		return p, Channel{}, err
	}
	stored := find(all, p.ID, c.Kind)
	if stored.To == "" {
		return p, stored, channelUnknown(c.Kind)
	}
	return p, stored, nil
}

func channelUnknown(kind appliance.ChannelKind) error {
	return &problem.Problem{
		Code: "channel-unknown", Kind: problem.NotFound, What: "messages do not go to this person by " + string(kind),
		Next: []string{"set it first: coopkit notify set --help"}, Args: map[string]string{"channel": string(kind)},
	}
}

// try sends a test message by a channel and records how that went. A webhook is
// proven by its answer; people enter the code that they got.
func (n *Notify) try(ctx context.Context, p Person, c Channel) (appliance.Channel, error) {
	if err := n.mayTest(p.ID + " " + string(c.Kind)); err != nil {
		return appliance.Channel{}, err
	}
	box, err := n.deps.Box(ctx)
	if err != nil {
		return appliance.Channel{}, err
	}
	code := ""
	if c.Kind != appliance.ByWebhook && c.Proven.IsZero() {
		code = newCode()
	}
	m, err := n.test(box, language(p, box), c.Kind, code)
	if err != nil {
		return appliance.Channel{}, err
	}
	way, cause := n.way(ctx, c)
	if cause == nil {
		cause = way.Deliver(ctx, m)
	}
	if ctx.Err() != nil && cause != nil {
		return appliance.Channel{}, cause
	}
	now := n.deps.Clock()
	switch {
	case cause != nil:
		c.Problem = problem.From(cause, "")
		if c.Failing.IsZero() {
			c.Failing = now
		}
	case code == "":
		c.Problem, c.Failing, c.Proven, c.Delivered = nil, time.Time{}, now, now
	default:
		c.Problem, c.Failing, c.Asked, c.Code, c.Guesses = nil, time.Time{}, now, code, 0
	}
	if err := n.deps.Store.SaveChannel(ctx, c); err != nil {
		return appliance.Channel{}, err
	}
	c.HasSecret, c.Secret = c.Secret != "", ""
	return c.Channel, nil
}

// test writes a test message.
func (n *Notify) test(box Box, lang string, kind appliance.ChannelKind, code string) (deliver.Message, error) {
	at := n.deps.Clock()
	m, err := n.deps.Writer.Write(lang, Letter{Kind: LetterTest, Box: box, At: at, Place: n.deps.Zone(), Code: code, Channel: kind})
	m.ID, m.At = newID(), at
	return m, err
}

// newCode is six digits.
func newCode() string {
	k, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // the source of randomness never fails
	}
	return fmt.Sprintf("%06d", k)
}

// How long a code can be entered, and how often wrongly.
const (
	codeFor = 24 * time.Hour
	guesses = 5
)

// ProveChannel implements control.Messages.
func (n *Notify) ProveChannel(ctx context.Context, c appliance.ChannelCode) error {
	_, stored, err := n.ofPerson(ctx, c)
	if err != nil {
		return err
	}
	now := n.deps.Clock()
	typed := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1 // spaces and hyphens
		}
		return r
	}, c.Code)
	over := stored.Code == "" || stored.Guesses >= guesses || now.Sub(stored.Asked) > codeFor
	if !over && subtle.ConstantTimeCompare([]byte(typed), []byte(stored.Code)) == 1 {
		stored.Proven, stored.Delivered, stored.Asked, stored.Code, stored.Guesses = now, stored.Asked, time.Time{}, "", 0
		if err := n.deps.Store.SaveChannel(ctx, stored); err != nil {
			return err
		}
		n.Changed()
		return nil
	}
	stored.Guesses++
	if err := n.deps.Store.SaveChannel(ctx, stored); err != nil {
		return err
	}
	next := "compare it with the newest test message, digit by digit"
	if over {
		next = "send a new test message, and enter its code"
	}
	return &problem.Problem{
		Code: "channel-code-wrong", Kind: problem.Invalid, What: "this is not the code of the newest test message",
		Why: "a code is good for a day and five attempts", Next: []string{next, "send a new test message"},
	}
}

// How many test messages may go out by one channel, so that nobody else's mailbox
// can be filled from here.
const (
	testsIn   = 10 * time.Minute
	testsMost = 5
)

func (n *Notify) mayTest(channel string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.deps.Clock()
	late := slices.DeleteFunc(n.tests[channel], func(t time.Time) bool { return now.Sub(t) > testsIn })
	if len(late) >= testsMost {
		return &problem.Problem{
			Code: "channel-tests-many", Kind: problem.Conflict, What: "no test message was sent, because several went out just now",
			Next: []string{"wait ten minutes, then try again"},
		}
	}
	n.tests[channel] = append(late, now)
	return nil
}

// Outgoing implements control.Messages.
func (n *Notify) Outgoing(ctx context.Context) ([]appliance.Sent, error) {
	people, err1 := n.deps.People(ctx)
	posts, err2 := n.deps.Store.Posts(ctx, 30)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	out := make([]appliance.Sent, len(posts))
	for i, p := range posts {
		out[i] = appliance.Sent{
			ID: p.Message.ID, Person: p.Person, Kind: p.Kind, Subject: p.Message.Subject, At: p.Message.At, Sent: p.Sent, Dropped: p.Dropped,
			Next: p.Due, Tries: p.Tries, Problem: p.Problem,
		}
		if at := slices.IndexFunc(people, func(one Person) bool { return one.ID == p.Person }); at >= 0 {
			out[i].Person = people[at].Name
		}
		if !p.Sent.IsZero() || !p.Dropped.IsZero() {
			out[i].Next = time.Time{}
		}
	}
	return out, nil
}
