// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// mute keeps names, but gives none back while it is mute.
type mute struct {
	*paper
	speaks chan struct{}
}

func (m *mute) RemoveHost(ctx context.Context, host hostname.Name, owner string) error {
	select {
	case <-m.speaks:
		return m.paper.RemoveHost(ctx, host, owner)
	default:
		return &problem.Problem{Code: "name-not-verified", What: "the name server does not answer", Next: []string{"start it"}}
	}
}

// TestRemove_isFinishedWhenWhatItNeedsComesBack removes an app whose engine, or
// name server, goes away behind the commit point; the box is started again
// meanwhile.
func TestRemove_isFinishedWhenWhatItNeedsComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away, back func(w *killWorld, m *mute)
		code       string
	}{
		"engine": {func(w *killWorld, m *mute) { close(m.speaks); w.fake.SetDown(true) }, func(w *killWorld, _ *mute) { w.fake.SetDown(false) }, "engine-unreachable"},
		"names":  {func(*killWorld, *mute) {}, func(_ *killWorld, m *mute) { close(m.speaks) }, "name-not-verified"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			m := &mute{w.paper, make(chan struct{})}
			open := func(boundary func(appliance.Change, string, string)) *box {
				p, err := w.open(boundary)
				if err != nil {
					t.Fatal(err)
				}
				b := p.Parts.(*box)
				b.Names, b.Jobs.Backoff = m, func(int) time.Duration { return 5 * time.Millisecond }
				t.Cleanup(b.end)
				return b
			}
			b := open(func(kind appliance.Change, step, phase string) {
				if kind == appliance.ChangeRemove && step == "close" && phase == "recorded" {
					c.away(w, m)
				}
			})
			job, err := b.Add(t.Context(), echo)
			b.follow(t, job, err)
			job, err = b.Remove(t.Context(), appliance.RemoveApp{Name: "echo", NoExport: true})
			if err != nil {
				t.Fatal(err)
			}
			heldUp := func() bool {
				job, err := b.Jobs.Job(t.Context(), job.ID)
				return err == nil && job.HeldUp && errors.Is(job.Problem, &problem.Problem{Code: c.code})
			}
			testkit.Eventually(t, 10*time.Second, "the removal is held up", heldUp)
			b.end()
			b = open(nil)
			testkit.Eventually(t, 10*time.Second, "it still is after a start", heldUp)
			c.back(w, m)
			if job = b.follow(t, job, nil); job.State != appliance.JobDone || job.Problem != nil {
				t.Errorf("it ended as %s: %v", job.State, job.Problem)
			}
			b.nothingLeft(t, "echo")
		})
	}
}
