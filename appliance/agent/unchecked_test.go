// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
)

// TestRemove_saysWhatNobodyChecked: once the name server of a box is taken away
// names go all the same, and the job says afterwards that nobody was asked.
func TestRemove_saysWhatNobodyChecked(t *testing.T) {
	cfg := config(t)
	r := run(t, cfg)
	job, err := r.Names.AddZone(t.Context(), appliance.ZoneChange{Zone: "demo.coop"})
	r.done(t, job, err)
	for _, host := range []string{"old.demo.coop", "older.demo.coop"} {
		job, err = r.Redirects.Add(t.Context(), appliance.Redirect{Host: host, Target: "https://example.org"})
		r.done(t, job, err)
	}
	job, err = r.Redirects.Remove(t.Context(), "older.demo.coop")
	r.done(t, job, err)
	asked := job.ID
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	cfg.DNS = nil
	r = run(t, cfg)
	job, err = r.Redirects.Remove(t.Context(), "old.demo.coop")
	r.done(t, job, err)
	for id, want := range map[appliance.JobID][]appliance.Note{
		asked:  nil,
		job.ID: {{Code: appliance.NoteNameUnchecked, Args: map[string]string{"name": "old.demo.coop"}}},
	} {
		job, err := r.Jobs.Job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		var notes []appliance.Note
		for _, s := range job.Steps {
			for _, n := range s.Notes {
				if n.Code == appliance.NoteNameUnchecked {
					notes = append(notes, n)
				}
			}
		}
		if diff := cmp.Diff(want, notes); diff != "" {
			t.Errorf("job %d: %s", id, diff)
		}
	}
}
