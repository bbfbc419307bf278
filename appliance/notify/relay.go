// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"context"
	"log/slog"
	"strings"

	"coopkit/appliance"
	"coopkit/internal/deliver"
	"coopkit/internal/problem"
)

// Relay implements control.Messages.
func (n *Notify) Relay(ctx context.Context) (appliance.RelaySetting, error) {
	now, before, err := n.deps.Store.Relays(ctx)
	if err != nil {
		return appliance.RelaySetting{}, err
	}
	s := appliance.RelaySetting{Undoable: before != nil}
	if now != nil {
		s.Set, s.Relay, s.HasPassword = true, *now, now.Password != ""
		s.Password = ""
	}
	return s, nil
}

// OutgoingMail is the mail server through which apps may send, with its password; nil: none is
// set. It is for the box itself, not for answers.
func (n *Notify) OutgoingMail(ctx context.Context) (*appliance.Relay, error) {
	now, _, err := n.deps.Store.Relays(ctx)
	return now, err
}

// relay is the mail server as package deliver wants it.
func (n *Notify) relay(ctx context.Context) (deliver.Relay, error) {
	now, _, err := n.deps.Store.Relays(ctx)
	if err != nil {
		return deliver.Relay{}, err
	}
	if now == nil {
		return deliver.Relay{}, &problem.Problem{
			Code: "relay-none", Kind: problem.Invalid, What: "this box cannot send mail yet", Why: "nobody has set a mail server for it",
			Next: []string{"set one: in the console under Settings, Outgoing mail, or with coopkit mail set"},
		}
	}
	return relayOf(*now), nil
}

func relayOf(r appliance.Relay) deliver.Relay {
	return deliver.Relay{
		Host: r.Host, Port: r.Port, Security: deliver.Security(r.Security), User: r.User, Password: deliver.Secret(r.Password), From: r.From,
	}
}

// SetRelay implements control.Messages. Mail that waits is tried again at once.
func (n *Notify) SetRelay(ctx context.Context, r appliance.Relay) error {
	r.Host, r.User, r.From = strings.ToLower(strings.TrimSpace(r.Host)), strings.TrimSpace(r.User), strings.TrimSpace(r.From)
	if r.Port == 0 {
		r.Port = deliver.Security(r.Security).Port()
	}
	now, _, err := n.deps.Store.Relays(ctx)
	if err != nil {
		return err
	}
	// A password goes to the server that it was set for, and nowhere else.
	if r.Password == "" && now != nil && now.User == r.User && now.Host == r.Host && now.Port == r.Port && now.Security == r.Security {
		r.Password = now.Password
	}
	if err := relayOf(r).Check(); err != nil {
		return err
	}
	return n.saveRelay(ctx, &r, now)
}

// RemoveRelay implements control.Messages.
func (n *Notify) RemoveRelay(ctx context.Context) error {
	now, _, err := n.deps.Store.Relays(ctx)
	if err != nil || now == nil {
		return err
	}
	return n.saveRelay(ctx, nil, now)
}

// UndoRelay implements control.Messages: it swaps the setting with the one of
// before, so it can be undone as well.
func (n *Notify) UndoRelay(ctx context.Context) error {
	now, before, err := n.deps.Store.Relays(ctx)
	if err != nil {
		return err
	}
	if before == nil {
		return &problem.Problem{
			Code: "relay-undo-none", Kind: problem.Conflict, What: "there is no earlier mail server to go back to",
			Next: []string{"look at the setting: coopkit mail show"},
		}
	}
	return n.saveRelay(ctx, before, now)
}

func (n *Notify) saveRelay(ctx context.Context, now, before *appliance.Relay) error {
	if err := n.deps.Store.SaveRelays(ctx, now, before); err != nil {
		return err
	}
	if now == nil {
		n.deps.Log.InfoContext(ctx, "outgoing mail is not set any more")
		return nil
	}
	n.deps.Log.InfoContext(ctx, "outgoing mail set", slog.Any("relay", *now))
	if err := n.deps.Store.Hurry(ctx, appliance.ByMail, n.deps.Clock()); err != nil {
		return err
	}
	poke(n.due)
	return nil
}

// TestRelay implements control.Messages.
func (n *Notify) TestRelay(ctx context.Context, t appliance.TestMail) error {
	r, err := n.relay(ctx)
	if err != nil {
		return err
	}
	to := strings.TrimSpace(t.To)
	if err := deliver.CheckAddress(to); err != nil {
		return err
	}
	if err := n.mayTest("relay"); err != nil {
		return err
	}
	box, err := n.deps.Box(ctx)
	if err != nil {
		return err
	}
	m, err := n.test(box, box.Language, appliance.ByMail, "")
	if err != nil {
		return err
	}
	return deliver.Mail{Relay: r, To: to}.Deliver(ctx, m)
}
