// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
)

func note(what string) appliance.Note {
	return appliance.Note{Code: appliance.NoteNameUnchecked, Args: map[string]string{"name": what}}
}

// TestAddNote_staysWithItsStep, once, that of a failed try not, and that of the
// way back too.
func TestAddNote_staysWithItsStep(t *testing.T) {
	tries := 0
	steps := []jobs.Step{
		{Name: "first", Do: func(ctx context.Context, _ appliance.Progress) error {
			for range 2 {
				jobs.AddNote(ctx, note("a"))
			}
			return nil
		}, Undo: func(ctx context.Context) error { jobs.AddNote(ctx, note("back")); return nil }},
		{Name: "second", Commit: true, Do: nothing},
		{Name: "third", Do: func(ctx context.Context, _ appliance.Progress) error {
			if tries++; tries == 1 {
				jobs.AddNote(ctx, note("in vain"))
				return errFailed
			}
			jobs.AddNote(ctx, note("b"))
			jobs.AddNote(ctx, note("c"))
			return nil
		}},
	}
	failing := []jobs.Step{steps[0], {Name: "second", Do: func(context.Context, appliance.Progress) error { return errFailed }}}
	r, s := startWith(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{}, func(r *jobs.Runner) {
		r.Register("good", func(context.Context, json.RawMessage) ([]jobs.Step, error) { return steps, nil })
		r.Register("bad", func(context.Context, json.RawMessage) ([]jobs.Step, error) { return failing, nil })
	})
	for kind, want := range map[appliance.Change][][]appliance.Note{
		"good": {{note("a")}, nil, {note("b"), note("c")}},
		"bad":  {{note("a"), note("back")}, nil},
	} {
		job, err := r.Start(t.Context(), kind, string(kind)+":x", nil)
		if err != nil {
			t.Fatal(err)
		}
		end(t, r, job.ID)
		if job, err = s.Job(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		var got [][]appliance.Note
		for _, step := range job.Steps {
			got = append(got, step.Notes)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
	jobs.AddNote(t.Context(), note("nowhere")) // outside of a job
}
