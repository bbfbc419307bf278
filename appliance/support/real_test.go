// SPDX-License-Identifier: AGPL-3.0-or-later

package support_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/support"
	"coopkit/desk"
	"coopkit/desk/desktest"
	"coopkit/desk/wire"
	"coopkit/internal/testkit"
)

// onRealDesk is a box that goes over TLS to a real desk.
func onRealDesk(t *testing.T) *box {
	t.Helper()
	b := &box{store: openStore(t, dbIn(t)), facts: wire.Facts{Name: "box", Agent: "0.1.0"}}
	b.Support = support.New(t.Context(), support.Deps{
		Store: b.store, Log: slog.New(slog.DiscardHandler),
		Facts:  func(context.Context) (wire.Facts, error) { return locked(b, func() wire.Facts { return b.facts }), nil },
		Sample: func(context.Context) (wire.Sample, error) { return wire.Sample{UptimeS: 60, Apps: 1, AppsUp: 1}, nil },
		Findings: func() []appliance.Finding {
			return locked(b, func() []appliance.Finding { return slices.Clone(b.findings) })
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, b.store.Close()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func codes(b desk.Box) []string {
	var out []string
	for _, f := range b.Findings {
		out = append(out, f.Code)
	}
	slices.Sort(out)
	return out
}

// TestRealDesk: a box and a desk over TLS: joining with a person who compares
// the words, findings here and there, the desk away and back, leaving.
func TestRealDesk(t *testing.T) {
	t.Parallel()
	d := desktest.New(t)
	b := onRealDesk(t)
	b.find("A")
	link, err := b.Join(t.Context(), appliance.JoinDesk{Code: d.Invite(false).String()})
	if err != nil {
		t.Fatal(err)
	}
	id := wire.BoxID(link.Box)
	if there := d.Box(id); link.State != appliance.DeskPending || there.State != desk.BoxPending || there.Words != link.Words || link.Coop != "Lantern Street Bakery" {
		t.Errorf("here %+v, there %+v", link, there)
	}
	testkit.Eventually(t, 5*time.Second, "the box learns that it has to wait", func() bool {
		l := state(t, b)
		return l.State == appliance.DeskPending && l.NextTry.After(time.Now()) && l.Waiting > 0
	})
	d.Confirm(id)
	testkit.Eventually(t, 20*time.Second, "the box is taken", func() bool { return state(t, b).State == appliance.DeskLinked && state(t, b).Waiting == 0 })
	if there := d.Box(id); there.Facts.Agent != "0.1.0" || there.Sample.Apps != 1 || !slices.Equal(codes(there), []string{"A"}) {
		t.Errorf("the desk knows %+v", there)
	}
	b.find("A", "B")
	testkit.Eventually(t, 5*time.Second, "the finding is there", func() bool { return slices.Equal(codes(d.Box(id)), []string{"A", "B"}) })
	d.Stop()
	b.find("B", "C")
	testkit.Eventually(t, 10*time.Second, "the box knows that the desk is away", func() bool { return state(t, b).State == appliance.DeskSilent })
	b.find("C")
	d.Start()
	testkit.Eventually(t, time.Minute, "everything arrives", func() bool { return slices.Equal(codes(d.Box(id)), []string{"C"}) })
	if there := d.Box(id); there.Lost != 0 || there.State != desk.BoxUp {
		t.Errorf("the desk says %+v", there)
	}
	if err := b.Leave(t.Context()); err != nil {
		t.Fatal(err)
	}
	if there := d.Box(id); there.State != desk.BoxLeft {
		t.Errorf("after it left, the desk says %s", there.State)
	}
	if _, err := b.Join(t.Context(), appliance.JoinDesk{Code: d.Invite(true).String()}); err != nil {
		t.Errorf("joining again: %v", err)
	}
}

// TestRealDesk_refusesInvitations: an invitation is for one box, and its own
// desk.
func TestRealDesk_refusesInvitations(t *testing.T) {
	t.Parallel()
	d := desktest.New(t)
	first, second := onRealDesk(t), onRealDesk(t)
	i := d.Invite(true)
	if _, err := first.Join(t.Context(), appliance.JoinDesk{Code: i.String()}); err != nil {
		t.Fatal(err)
	}
	_, err := second.Join(t.Context(), appliance.JoinDesk{Code: i.String()})
	wantProblem(t, err, "invitation-refused")
	late := d.Invite(true)
	d.Clock.Set(time.Now().AddDate(1, 0, 0))
	_, err = second.Join(t.Context(), appliance.JoinDesk{Code: late.String()})
	wantProblem(t, err, "invitation-refused")
	i.Pin = make([]byte, 32)
	_, err = second.Join(t.Context(), appliance.JoinDesk{Code: i.String()})
	wantProblem(t, err, "desk-not-verified")
}
