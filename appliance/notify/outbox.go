// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/deliver"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// waits are those before a post is tried again; the last one repeats.
var waits = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// stale is how old a message may become. What it reports is reported anew then, if
// it is still so.
const stale = 2 * 24 * time.Hour

// kept is how long it can be read which messages were sent.
const kept = 14 * 24 * time.Hour

// deliverDue tries every post that is due, each channel for itself: a mail server
// that hangs does not hold the others up.
func (n *Notify) deliverDue(ctx context.Context) error {
	now := n.deps.Clock()
	due, err := n.deps.Store.Due(ctx, now)
	if err != nil {
		return err
	}
	byKind := map[appliance.ChannelKind][]Post{}
	for _, p := range due {
		byKind[p.Kind] = append(byKind[p.Kind], p)
	}
	errs := make([]error, len(byKind))
	var wg sync.WaitGroup
	for i, kind := range slices.Sorted(maps.Keys(byKind)) {
		wg.Go(func() {
			for _, p := range byKind[kind] {
				errs[i] = errors.Join(errs[i], n.deliver(ctx, p))
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, n.deps.Store.Forget(ctx, now.Add(-kept)))...)
}

// deliver tries one post once. That it is tried is on disk before, with the time
// of the next try, and that it arrived after: whoever kills this process between
// the two makes the same message go out again, with the same ID.
func (n *Notify) deliver(ctx context.Context, p Post) error {
	if ctx.Err() != nil {
		return nil
	}
	now := n.deps.Clock()
	n.mu.Lock()
	arrived, recorded := n.recorded[p.key()]
	n.mu.Unlock()
	if recorded {
		return n.sent(ctx, p, arrived)
	}
	if now.Sub(p.Message.At) > stale {
		p.Dropped = now
		n.deps.Log.WarnContext(ctx, "message given up", slog.String("message", p.Message.ID), slog.String("channel", string(p.Kind)))
		return n.deps.Store.DropPost(ctx, p)
	}
	p.Due = now.Add(waits[min(p.Tries, len(waits)-1)])
	p.Tries++
	if err := n.deps.Store.SavePost(ctx, p); err != nil {
		return fmt.Errorf("record try: %w", err)
	}
	c, way, err := n.channel(ctx, p.Person, p.Kind)
	if err == nil && way == nil { // the person removed the channel
		p.Dropped = now
		return n.deps.Store.DropPost(ctx, p)
	}
	if err == nil {
		err = way.Deliver(ctx, p.Message)
	}
	if ctx.Err() != nil && err != nil {
		return nil //nolint:nilerr // we are stopping; it is tried again after the next start
	}
	if err != nil {
		return n.failed(ctx, p, c, err)
	}
	return n.sent(ctx, p, n.deps.Clock())
}

// sent records that a post arrived. Until the store takes it, this process
// remembers it.
func (n *Notify) sent(ctx context.Context, p Post, at time.Time) error {
	n.mu.Lock()
	n.recorded[p.key()] = at
	n.mu.Unlock()
	p.Sent, p.Problem = at, nil
	ctx = context.WithoutCancel(ctx) // it has arrived
	if err := n.deps.Store.SavePost(ctx, p); err != nil {
		return fmt.Errorf("record delivery: %w", err)
	}
	n.mu.Lock()
	delete(n.recorded, p.key())
	n.mu.Unlock()
	n.deps.Log.InfoContext(ctx, "message delivered", slog.String("message", p.Message.ID), slog.String("channel", string(p.Kind)), slog.Int("tries", p.Tries))
	return n.arrived(ctx, p.Person, p.Kind, at)
}

// failed records why a post did not arrive.
func (n *Notify) failed(ctx context.Context, p Post, c Channel, cause error) error {
	p.Problem = problem.From(cause, "")
	n.deps.Log.WarnContext(ctx, "message not delivered", slog.String("message", p.Message.ID), slog.String("channel", string(p.Kind)),
		slog.String(logkey.Code, p.Problem.Code), slog.Time("next", p.Due))
	if c.Failing.IsZero() {
		c.Failing = n.deps.Clock()
	}
	c.Problem = p.Problem
	return errors.Join(n.deps.Store.SavePost(ctx, p), n.deps.Store.NoteChannel(ctx, c))
}

// arrived records that a channel works.
func (n *Notify) arrived(ctx context.Context, person string, kind appliance.ChannelKind, at time.Time) error {
	c, way, err := n.channel(ctx, person, kind)
	if err != nil || way == nil {
		return err
	}
	c.Delivered, c.Failing, c.Problem = at, time.Time{}, nil
	return n.deps.Store.NoteChannel(ctx, c)
}

// channel returns a proven channel of a person and how to deliver by it; nil:
// there is none.
func (n *Notify) channel(ctx context.Context, person string, kind appliance.ChannelKind) (Channel, deliver.Channel, error) {
	all, err := n.deps.Store.Channels(ctx)
	if err != nil {
		return Channel{}, nil, err
	}
	i := slices.IndexFunc(all, func(c Channel) bool { return c.Person == person && c.Kind == kind && !c.Proven.IsZero() })
	if i < 0 {
		return Channel{}, nil, nil
	}
	way, err := n.way(ctx, all[i])
	if err != nil { // it cannot be used now
		return all[i], refusing{err}, nil
	}
	return all[i], way, nil
}

// refusing is a channel that cannot be used, and why.
type refusing struct{ err error }

// Deliver implements deliver.Channel.
func (r refusing) Deliver(context.Context, deliver.Message) error { return r.err }

// way is how to deliver by a channel.
func (n *Notify) way(ctx context.Context, c Channel) (deliver.Channel, error) {
	switch c.Kind {
	case appliance.ByMail:
		r, err := n.relay(ctx)
		if err != nil {
			return nil, err
		}
		return deliver.Mail{Relay: r, To: c.To}, deliver.CheckAddress(c.To)
	case appliance.ByNtfy:
		w := deliver.Ntfy{Server: c.To, Topic: c.Topic, Token: deliver.Secret(c.Secret), Dial: n.deps.Reach}
		return w, w.Check()
	case appliance.ByWebhook:
		w := deliver.Webhook{URL: c.To, Secret: deliver.Secret(c.Secret), Dial: n.deps.Reach}
		return w, w.Check()
	default:
		return nil, channelUnknown(c.Kind)
	}
}
