// SPDX-License-Identifier: AGPL-3.0-or-later

package usage

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
)

// TestMonth lets a box run for 32 days.
func TestMonth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(newMemory("wiki", "idle"))
		r.use(4e8, time.Second)
		stop := run(t, r.Usage)
		time.Sleep(20 * 24 * time.Hour) //nolint:forbidigo // the clock of synctest
		r.use(6e8, time.Second)
		time.Sleep(12 * 24 * time.Hour) //nolint:forbidigo // the clock of synctest
		for span, want := range map[appliance.UsageSpan]int{appliance.LastHour: 60, appliance.LastDay: 144, appliance.LastMonth: 240} {
			u := r.ask(t, "wiki", span)
			if n := len(u.Memory.Points); n < want-1 || n > want+1 {
				t.Errorf("%s: %d points, want %d", span, n, want)
			}
			for i, p := range u.Memory.Points[1:] {
				if step := p.At.Sub(u.Memory.Points[i].At); step != span.Slot() {
					t.Fatalf("%s: a step of %s", span, step)
				}
			}
			if first := u.Memory.Points[0].Mean; span == appliance.LastMonth && first != 4e8 || u.Memory.Most() < 5.9e8 {
				t.Errorf("%s: first %g, most %g", span, first, u.Memory.Most())
			}
		}
		stop()
		if n := len(r.store.slots); n != appliance.LastHour.Slots()+appliance.LastDay.Slots()+appliance.LastMonth.Slots() {
			t.Errorf("the store has %d slots", n)
		}
		if perDay := r.store.saves / 32; perDay > 300 {
			t.Errorf("%d writes a day", perDay)
		}
	})
}

// TestRings_holdWhateverTheClockDoes moves the clock at random.
func TestRings_holdWhateverTheClockDoes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			draw := rand.New(rand.NewPCG(seed, 1))
			r := newRig(newMemory("wiki"))
			for range 200 {
				switch draw.IntN(20) {
				case 0:
					r.shift += time.Duration(draw.Int64N(int64(90*24*time.Hour))) - 45*24*time.Hour
				case 1:
					r.shift = -time.Since(time.Unix(-5, 0)) // a box whose clock has no battery
				case 2:
					r.Usage = r.open()
					if err := r.load(t.Context()); err != nil {
						t.Fatal(err)
					}
				case 3:
					r.save(t.Context())
				}
				r.use(uint64(draw.IntN(1e9))+1, time.Duration(draw.Int64N(int64(time.Hour))))
				r.sample(t.Context())
				time.Sleep(time.Duration(draw.IntN(100)) * time.Second) //nolint:forbidigo // the clock of synctest
				for _, span := range appliance.UsageSpans {
					checkCourse(t, r.ask(t, "wiki", span))
				}
			}
			r.save(t.Context())
			if n := len(r.store.slots); n > appliance.LastHour.Slots()+appliance.LastDay.Slots()+appliance.LastMonth.Slots() {
				t.Errorf("seed %d: the store has %d slots", seed, n)
			}
		})
	}
}

// checkCourse is what holds for every course: in order, within its time, and
// least ≤ mean ≤ most.
func checkCourse(t *testing.T, u appliance.Usage) {
	t.Helper()
	slot := u.Span.Slot()
	for _, c := range []appliance.Course{u.Memory, u.Processor, u.Disk} {
		if len(c.Points) > u.Span.Slots() {
			t.Fatalf("%s: %d points", u.Span, len(c.Points))
		}
		for i, p := range c.Points {
			if p.Min > p.Mean*1.0001+1e-9 || p.Mean > p.Max*1.0001+1e-9 || p.Min < 0 {
				t.Fatalf("%s: %+v", u.Span, p)
			}
			if p.At.Before(u.From.Add(-slot)) || p.At.After(u.To.Add(slot)) || i > 0 && p.At.Sub(c.Points[i-1].At) < slot {
				t.Fatalf("%s: %s after %v, between %s and %s", u.Span, p.At, c.Points[max(0, i-1)].At, u.From, u.To)
			}
		}
	}
	if u.Processor.Most() > 1 {
		t.Fatalf("%s: %g of all processors", u.Span, u.Processor.Most())
	}
}
