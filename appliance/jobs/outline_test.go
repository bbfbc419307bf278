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

// TestRunner_outlinesTheStepsOfItsJob has a plan say what its job then has, and
// what becomes of the change when a step fails.
func TestRunner_outlinesTheStepsOfItsJob(t *testing.T) {
	t.Parallel()
	r, _ := start(t, filepath.Join(t.TempDir(), "db"), jobs.Deps{})
	undo := func(context.Context) error { return nil }
	r.Register("outlined", func(_ context.Context, raw json.RawMessage) ([]jobs.Step, error) {
		args := map[string]string{"name": string(raw)}
		return []jobs.Step{
			{Code: "look", Do: nothing},
			{Code: "make", Args: args, Do: nothing, Undo: undo},
			{Code: "agree", Do: nothing, Commit: true},
			{Code: "wait", Do: nothing, Optional: true},
			{Name: "last", Code: "clear", Do: nothing, Destroys: true},
		}, nil
	})
	steps, err := r.Outline(t.Context(), "outlined", 7)
	if err != nil {
		t.Fatal(err)
	}
	want := []appliance.PlanStep{
		{Name: "look", Code: "look", Fails: appliance.FailNothing},
		{Name: "make", Code: "make", Args: map[string]string{"name": "7"}, Fails: appliance.FailUndone},
		{Name: "agree", Code: "agree", Fails: appliance.FailUndone},
		{Name: "wait", Code: "wait", Fails: appliance.FailSkipped},
		{Name: "last", Code: "clear", Destructive: true, Fails: appliance.FailAgain},
	}
	if d := cmp.Diff(want, steps); d != "" {
		t.Error(d)
	}
	job, err := r.Start(t.Context(), "outlined", "x", 7)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range end(t, r, job.ID).Steps {
		if s.Name != steps[i].Name || s.Code != steps[i].Code {
			t.Errorf("step %d of the job is %s, of the plan %s", i, s.Name, steps[i].Name)
		}
	}
}
