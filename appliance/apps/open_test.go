// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
)

// TestAdd_opensOnceItCannotBeUndone looks at every boundary of an add, after a
// reconcile, whether visitors could reach the app.
func TestAdd_opensOnceItCannotBeUndone(t *testing.T) {
	t.Parallel()
	var b *box
	var openAt []string
	b, _ = fakeBoxWith(t, fine, func(_ appliance.Change, step, phase string) {
		b.Reconcile(t.Context())
		ends, err := b.Endpoints(t.Context())
		if err != nil {
			t.Error(err)
		}
		if len(ends) > 0 && ends[0].Open {
			openAt = append(openAt, step+":"+phase)
		}
	})
	job, err := b.Add(t.Context(), echo)
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("job %s: %v", job.State, job.Problem)
	}
	want := []string{"door:did", "door:recorded", "certificates:started", "certificates:did", "certificates:recorded"}
	if !slices.Equal(openAt, want) {
		t.Errorf("visitors could reach it at %v", openAt)
	}
}

// bare is a door whose certificates never come.
type bare struct{ painted }

func (d *bare) WaitCertificate(ctx context.Context, _ hostname.Name) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestOpenSteps_certificatesAreWaitedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		steps := OpenSteps(&bare{}, []hostname.Name{"a.demo.coop", "b.demo.coop"}, nil)
		var said lines
		began := time.Now()
		if err := errors.Join(steps[0].Do(t.Context(), &said), steps[1].Do(t.Context(), &said)); err != nil {
			t.Errorf("a certificate that does not come undoes the change: %v", err)
		}
		if took := time.Since(began); took != certificateLimit {
			t.Errorf("it waited %s", took)
		}
		if len(said) != 4 || said[3] != "no certificate for b.demo.coop yet; coopkit doctor says why" {
			t.Errorf("it said %q", said)
		}
		if slices.ContainsFunc(steps, func(s jobs.Step) bool { return s.Commit }) || !steps[1].Optional {
			t.Error("opening is before the commit point, or cannot do without a certificate")
		}
	})
}

// lines is a Progress that keeps what is said.
type lines []string

func (l *lines) Log(line string)  { *l = append(*l, line) }
func (*lines) Advance(_, _ int64) {}

func TestEachBurst_looksAlthoughEventsNeverEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		events := make(chan struct{})
		go func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				select {
				case events <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}()
		began := time.Now()
		var looks []time.Duration
		eachBurst(ctx, events, func() { looks = append(looks, time.Since(began).Round(time.Second)) })
		if len(looks) < 4 || looks[0] > time.Second || looks[1]-looks[0] > longestBurst+time.Second {
			t.Errorf("it looked at %v", looks)
		}
	})
}

func TestEachBurst_looksOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		events := make(chan struct{}, 50)
		looks := 0
		go func() {
			<-time.After(3 * time.Second)
			for range 50 {
				events <- struct{}{}
			}
		}()
		eachBurst(ctx, events, func() { looks++ })
		if looks != 2 { // at the beginning, and after the burst
			t.Errorf("it looked %d times", looks)
		}
	})
}
