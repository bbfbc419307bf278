// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import "testing"

func TestCounts_takeEveryStatus(t *testing.T) {
	t.Parallel()
	var c counts
	for _, status := range []int{0, 101, 200, 204, 302, 404, 503, 599, 999, -1} {
		c.add(status)
	}
	for i, want := range [6]uint64{2, 1, 2, 1, 1, 3} {
		if got := c[i].Load(); got != want {
			t.Errorf("%dxx: %d, want %d", i, got, want)
		}
	}
}

func TestRequests_countsAnswersOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"index.html": "home", "docs/index.html": "docs"})
	d := open(t, local(t), Route{Host: "demo.coop", Kind: Site, Root: dir})
	before := d.Requests()
	for _, path := range []string{"/", "/", "/docs/", "/nothing", "/docs?a"} {
		d.get("https://demo.coop" + path)
	}
	got := d.Requests()
	for i := range got {
		got[i] -= before[i]
	}
	if want := [6]uint64{2: 3, 3: 1, 4: 1}; got != want {
		t.Errorf("%v, want %v", got, want)
	}
}
