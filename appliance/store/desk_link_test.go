// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/support"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
)

func deskLink(t *testing.T) support.Link {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return support.Link{
		URL: "https://desk.example", Pin: []byte{1, 2}, DeskKey: public, Box: "box000000001", Key: key, Secret: [32]byte{3},
		Name: "Desk", Coop: "Café «Común»", Words: [4]string{"maple", "lantern", "otter", "harvest"}, Joined: time.UnixMilli(1e12).UTC(),
		State: appliance.DeskPending, Period: time.Minute,
		Told: support.Told{Facts: "{}", Findings: []wire.Finding{{FindingName: wire.FindingName{Code: "A"}, Severity: "notice", What: "x"}}},
	}
}

func item(kind string, minute int) support.Item {
	return support.Item{Kind: kind, At: time.Unix(int64(minute)*60, 0).UTC(), Body: fmt.Sprintf(`{"n":%d}`, minute)}
}

var plenty = support.Keep{Samples: 100, Bytes: 1 << 20}

func all(items []support.Item) int { return len(items) }

func TestDeskLink_roundTrip(t *testing.T) {
	s, ctx := open(t), t.Context()
	if l, err := s.DeskLink(ctx); l != nil || err != nil {
		t.Fatalf("before: %+v, %v", l, err)
	}
	want := deskLink(t)
	if err := s.SaveDeskLink(ctx, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.DeskLink(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, *got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	why := &problem.Problem{Code: "desk-refuses", What: "no", Next: []string{"ask"}}
	if err := errors.Join(
		s.SetDeskState(ctx, appliance.DeskRefused, why),
		s.Tell(ctx, []support.Item{item("facts", 1), item("sample", 2)}, support.Told{Facts: "x"}, plenty),
	); err != nil {
		t.Fatal(err)
	}
	if got, err = s.DeskLink(ctx); err != nil || got.State != appliance.DeskRefused || got.Problem.Code != why.Code || got.Told.Facts != "x" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := s.Freeze(ctx, func([]support.Item) int { return 1 }); err != nil {
		t.Fatal(err)
	}
	c := support.Confirmed{Ack: 1, Head: wire.Head{9}, At: time.UnixMilli(2e12).UTC(), Report: []byte("{}"), Period: 2 * time.Minute}
	if err := s.Acked(ctx, c); err != nil {
		t.Fatal(err)
	}
	got, err = s.DeskLink(ctx)
	if err != nil || got.State != appliance.DeskLinked || got.Problem != nil || got.Acked != 1 || got.Head != c.Head || !got.Sent.Equal(c.At) ||
		string(got.Last) != "{}" || got.Period != c.Period {
		t.Errorf("%+v, %v", got, err)
	}
	if n, err := s.Waiting(ctx); n != 1 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
	if err := s.DropDeskLink(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := s.DeskLink(ctx)
	n, err2 := s.Waiting(ctx)
	if l != nil || n != 0 || errors.Join(err, err2) != nil {
		t.Errorf("after it was dropped: %+v, %d, %v, %v", l, n, err, err2)
	}
}

// TestOutbox_numbersStay: what a report had keeps its number and is not
// dropped; samples after it are.
func TestOutbox_numbersStay(t *testing.T) {
	s, ctx := open(t), t.Context()
	l := deskLink(t)
	l.Acked = 40
	if err := s.SaveDeskLink(ctx, l); err != nil {
		t.Fatal(err)
	}
	tell := func(keep support.Keep, items ...support.Item) {
		t.Helper()
		if err := s.Tell(ctx, items, support.Told{}, keep); err != nil {
			t.Fatal(err)
		}
	}
	tell(plenty, item("sample", 1), item("finding", 2))
	first, err := s.Freeze(ctx, all)
	if err != nil || len(first) != 2 || first[0].Seq != 41 || first[1].Seq != 42 {
		t.Fatalf("%+v, %v", first, err)
	}
	for i := 3; i < 10; i++ {
		kind := "sample"
		if i == 5 {
			kind = "solved"
		}
		tell(support.Keep{Samples: 2, Bytes: 1 << 20}, item(kind, i))
	}
	again, err := s.Freeze(ctx, all)
	if d := cmp.Diff(first, again); d != "" || err != nil {
		t.Errorf("a retry has others (%v):\n%s", err, d)
	}
	if err := s.Acked(ctx, support.Confirmed{Ack: 42, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	next, err := s.Freeze(ctx, all)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range next {
		got = append(got, fmt.Sprintf("%d %s %s", i.Seq, i.Kind, i.Body))
	}
	want := []string{
		`43 missing {"at":"1970-01-01T00:03:00Z","missing":{"samples":4,"from":"1970-01-01T00:03:00Z","to":"1970-01-01T00:07:00Z"}}`,
		`44 solved {"n":5}`, `45 sample {"n":8}`, `46 sample {"n":9}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestOutbox_bytes: when findings fill it, samples go and findings stay.
func TestOutbox_bytes(t *testing.T) {
	s, ctx := open(t), t.Context()
	if err := s.SaveDeskLink(ctx, deskLink(t)); err != nil {
		t.Fatal(err)
	}
	big := item("finding", 3)
	big.Body = `{"what":"` + strings.Repeat("x", 2000) + `"}`
	if err := s.Tell(ctx, []support.Item{item("sample", 1), item("sample", 2), big, big, item("sample", 4)}, support.Told{}, support.Keep{Samples: 10, Bytes: 1000}); err != nil {
		t.Fatal(err)
	}
	left, err := s.Freeze(ctx, all)
	if err != nil || len(left) != 3 || left[0].Kind != "missing" || left[1].Body != big.Body || left[2].Body != big.Body {
		t.Errorf("%+v, %v", left, err)
	}
}
