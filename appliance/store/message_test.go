// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/notify"
	"coopkit/internal/deliver"
	"coopkit/internal/problem"
)

// Everything of a person's messages comes back as it was stored.
func TestMessages_comeBack(t *testing.T) {
	s := open(t)
	at := time.UnixMilli(1_700_000_000_000).UTC()
	relay := appliance.Relay{Host: "mail.example.org", Port: 465, Security: "tls", User: "u", Password: "p", From: "a@example.org"}
	wrong := &problem.Problem{Code: "delivery-later", Kind: problem.Unavailable, What: "x", Next: []string{"y"}}
	ana := notify.Recipient{
		Person: "p1", Least: appliance.Critical, Quiet: appliance.Hours{On: true, From: 1260, Until: 420}, Weekly: appliance.Weekly{On: true, Day: time.Friday, Hour: 18},
		Added: at, WeeklyAt: at, Lost: 2,
	}
	mail := notify.Channel{Person: "p1", Code: "123456", Guesses: 1, Channel: appliance.Channel{Kind: appliance.ByMail, To: "ana@example.net", Asked: at, Failing: at, Problem: wrong}}
	told := notify.Told{
		Person: "p1", Cause: "X app:wiki", Severity: appliance.Warning, Open: true, Said: true, At: at, Gone: at, Thread: "m-1",
		Finding: appliance.Finding{Code: "X", Subject: "app:wiki", Severity: appliance.Warning, Since: at},
	}
	post := notify.Post{Person: "p1", Kind: appliance.ByMail, Message: deliver.Message{ID: "m-1", At: at, Subject: "s", Text: "t", Data: []byte(`{"a":1}`)}, Causes: []string{told.Cause}, Due: at}
	err := errors.Join(s.SaveRelays(t.Context(), &relay, nil), s.SaveWishes(t.Context(), ana), s.SaveChannel(t.Context(), mail), s.Say(t.Context(), ana, []notify.Told{told}, []notify.Post{post}))
	if err != nil {
		t.Fatal(err)
	}
	now, before, err1 := s.Relays(t.Context())
	recipients, err2 := s.Recipients(t.Context())
	channels, err3 := s.Channels(t.Context())
	all, err4 := s.Told(t.Context(), "p1")
	due, err5 := s.Due(t.Context(), at)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil || before != nil || len(recipients)*len(channels)*len(all)*len(due) != 1 {
		t.Fatalf("%v %v %v %v %v %v", err, before, recipients, channels, all, due)
	}
	for what, pair := range map[string][2]any{
		"relay": {relay, *now}, "recipient": {ana, recipients[0]}, "channel": {mail, channels[0]}, "told": {told, all[0]}, "post": {post, due[0]},
	} {
		if d := cmp.Diff(pair[0], pair[1]); d != "" {
			t.Errorf("%s:\n%s", what, d)
		}
	}
	if none, err := s.Due(t.Context(), at.Add(-time.Second)); err != nil || len(none) != 0 {
		t.Errorf("due too early: %v, %v", none, err)
	}
	// How a channel works is not noted of one that leads elsewhere by now.
	old := mail
	old.To, old.Delivered = "old@example.net", at
	if err := s.NoteChannel(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if channels, err = s.Channels(t.Context()); err != nil || !channels[0].Delivered.IsZero() {
		t.Errorf("%+v, %v", channels, err)
	}
}

// A cause counts as untold again only when no message about it is left.
func TestDropPost_untellsWhatNobodyLearned(t *testing.T) {
	s := open(t)
	at := time.UnixMilli(1_700_000_000_000).UTC()
	ana := notify.Recipient{Person: "p1", Added: at, WeeklyAt: at}
	var told []notify.Told
	var posts []notify.Post
	for i, cause := range []string{"A", "B", "C"} {
		told = append(told, notify.Told{Person: "p1", Cause: cause, Open: cause != "C", Said: true, At: at, Thread: "x"})
		for _, kind := range []appliance.ChannelKind{appliance.ByMail, appliance.ByNtfy} {
			posts = append(posts, notify.Post{Person: "p1", Kind: kind, Causes: []string{cause}, Due: at, Message: deliver.Message{ID: string(rune('a' + i)), At: at}})
		}
	}
	if err := s.Say(t.Context(), ana, told, posts); err != nil {
		t.Fatal(err)
	}
	drop := func(i int) {
		posts[i].Dropped = at
		if err := s.DropPost(t.Context(), posts[i]); err != nil {
			t.Fatal(err)
		}
	}
	posts[1].Sent = at // by ntfy she learned of A
	if err := s.SavePost(t.Context(), posts[1]); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, 2, 3, 4, 5} {
		drop(i)
	}
	got, err := s.Told(t.Context(), "p1")
	if err != nil || len(got) != 2 || !got[0].Said || got[1].Said || !got[1].At.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if all, err := s.Recipients(t.Context()); err != nil || all[0].Lost != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := s.Forget(t.Context(), at.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left, err := s.Posts(t.Context(), 10); err != nil || len(left) != 0 {
		t.Errorf("%d posts are left, %v", len(left), err)
	}
}
