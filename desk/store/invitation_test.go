// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"testing"
	"time"

	"coopkit/desk"
)

func TestInvitations_openOnesFirst(t *testing.T) {
	r := open(t)
	ctx := t.Context()
	v := r.as(desk.Coordinator, "")
	invite := func(valid time.Duration) string {
		t.Helper()
		made, err := v.Invite(ctx, r.code(), Invite{Coop: "bakery", Valid: valid})
		if err != nil {
			t.Fatal(err)
		}
		r.clock.pass(time.Second)
		return made.ID
	}
	long := invite(24 * time.Hour)
	for range 2 * PageSize {
		invite(time.Minute)
	}
	r.clock.pass(time.Hour)
	newest := invite(time.Hour)
	seen := map[string]bool{}
	for page, rows := range map[int]int{1: PageSize, 2: PageSize, 3: 2} {
		list, err := v.Invitations(ctx, page)
		if err != nil || list.Page != page || list.Pages != 3 || len(list.Rows) != rows {
			t.Errorf("page %d: %d of %d with %d rows, %v", page, list.Page, list.Pages, len(list.Rows), err)
		}
		if page == 1 && (list.Rows[0].ID != newest || list.Rows[1].ID != long) {
			t.Errorf("first is %+v", list.Rows[:2])
		}
		for _, i := range list.Rows {
			seen[i.ID] = true
		}
	}
	if len(seen) != 2*PageSize+2 {
		t.Errorf("the pages have %d of %d", len(seen), 2*PageSize+2)
	}
	for asked, want := range map[int]int{-1: 1, 0: 1, 99: 3} {
		if list, err := v.Invitations(ctx, asked); err != nil || list.Page != want {
			t.Errorf("page %d is %d, %v", asked, list.Page, err)
		}
	}
	if list, err := r.as(desk.Technician, "kestrel").Invitations(ctx, 2); err != nil || list.Page != 1 || list.Pages != 1 || len(list.Rows) != 0 {
		t.Errorf("of another co-op: %+v, %v", list, err)
	}
}
