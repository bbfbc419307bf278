// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"errors"
	"testing"

	"coopkit/internal/problem"
)

// TestRemoveHost_withoutAServer: once the name server of a box is taken away,
// names go all the same, from the store.
func TestRemoveHost_withoutAServer(t *testing.T) {
	b := newBox(t).withZone(t)
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:wordpress"); err != nil {
		t.Fatal(err)
	}
	b.addr = ""
	for range 2 { // an interrupted removal does it again
		if err := b.RemoveHost(t.Context(), "www.demo.example", "app:wordpress"); err != nil {
			t.Errorf("remove: %v", err)
		}
	}
	for _, r := range b.store.zones["demo.example"].Records {
		if r.Owner == "app:wordpress" {
			t.Errorf("the record is still there: %+v", r)
		}
	}
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:wordpress"); !errors.Is(err, &problem.Problem{Code: "dns-not-listening"}) {
		t.Errorf("a name that nobody would be answered: %v", err)
	}
}

// TestLoad_oneBadZoneSilencesNoOther, and its name is not free for another.
func TestLoad_oneBadZoneSilencesNoOther(t *testing.T) {
	b := newBox(t).withZone(t)
	bad := b.store.zones["demo.example"]
	bad.Name, bad.NS = "other.example", nil
	b.store.zones["other.example"] = bad
	if err := b.Load(t.Context()); err != nil {
		t.Errorf("load: %v", err)
	}
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:wordpress"); err != nil {
		t.Errorf("a host of the good one: %v", err)
	}
	unreadable := &problem.Problem{Code: "record-unreadable"}
	if err := b.EnsureHost(t.Context(), "www.other.example", "app:wordpress"); !errors.Is(err, unreadable) {
		t.Errorf("a host of the bad one: %v", err)
	}
	if err := b.RemoveHost(t.Context(), "www.other.example", "app:wordpress"); err != nil {
		t.Errorf("removing a host of the bad one: %v", err)
	}
	if _, _, err := b.PlanHost(t.Context(), "www.other.example", "app:wordpress"); !errors.Is(err, unreadable) {
		t.Errorf("planning a host of the bad one: %v", err)
	}
	if kept := b.store.zones["other.example"]; len(kept.Records) != len(bad.Records) {
		t.Errorf("the bad one was changed: %+v", kept)
	}
}
