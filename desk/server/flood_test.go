// SPDX-License-Identifier: AGPL-3.0-or-later

package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"coopkit/desk/desktest"
	"coopkit/desk/wire"
)

func TestReport_oneBoxCanNotFloodTheDesk(t *testing.T) {
	d := desktest.New(t, desktest.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)))
	b, other := d.Join(d.Invite(true)), d.Join(d.Invite(true))
	for i := range 301 {
		_, a, err := b.Send(t.Context(), desktest.Sample(1))
		switch {
		case i < 300 && (err != nil || a.Status != http.StatusOK):
			t.Fatalf("report %d: %d %s, %v", i, a.Status, a.Body, err)
		case i == 300:
			refused(t, a, err, http.StatusTooManyRequests, "too-often")
			if a.Header.Get("Retry-After") != "1" {
				t.Errorf("it should wait %s s", a.Header.Get("Retry-After"))
			}
		}
	}
	if _, a, err := other.Send(t.Context(), desktest.Sample(1)); err != nil || a.Status != http.StatusOK {
		t.Errorf("another box: %d %s, %v", a.Status, a.Body, err)
	}
}

// large is an entry that is nearly as large as one may be.
func large() wire.Entry {
	f := wire.Facts{Name: "mill", Agent: "0.9.0", System: "Debian 12", Arch: "amd64", Kernel: "6.1.0", CPUs: 2, Memory: 4 << 30}
	for i := range 100 {
		f.Sites = append(f.Sites, wire.Site{Host: fmt.Sprintf("%s%03d.example", strings.Repeat(strings.Repeat("a", 60)+".", 4)[:235], i), Version: 1})
	}
	return wire.Entry{Facts: &f}
}

func TestReport_oneBoxCanNotFillTheDisk(t *testing.T) {
	d := desktest.New(t, desktest.At(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)))
	b, other := d.Join(d.Invite(true)), d.Join(d.Invite(true))
	taken := 0
	// An hour of what the rate alone allows would be more than 2 GiB.
	for {
		body, err := b.Report(large(), large())
		if err != nil {
			t.Fatal(err)
		}
		_, a, err := b.SendBody(t.Context(), body)
		if err != nil {
			t.Fatal(err)
		}
		if a.Status != http.StatusOK {
			refused(t, a, err, http.StatusTooManyRequests, "too-often")
			if wait, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 30 {
				t.Errorf("it should wait %s s", a.Header.Get("Retry-After"))
			}
			break
		}
		if taken += len(body); taken > 64<<20 {
			t.Fatalf("%d bytes were taken", taken)
		}
		d.Clock.Pass(100 * time.Millisecond)
	}
	if taken < 16<<20 { // what a box keeps for a desk that is away
		t.Errorf("only %d bytes were taken, and then no more", taken)
	}
	if _, a, err := other.Send(t.Context(), desktest.Sample(1)); err != nil || a.Status != http.StatusOK {
		t.Errorf("another box: %d %s, %v", a.Status, a.Body, err)
	}
	d.Clock.Pass(30 * time.Second)
	if _, a, err := b.Send(t.Context(), large()); err != nil || a.Status != http.StatusOK {
		t.Errorf("half a minute later: %d %s, %v", a.Status, a.Body, err)
	}
}
