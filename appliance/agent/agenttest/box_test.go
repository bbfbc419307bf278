// SPDX-License-Identifier: AGPL-3.0-or-later

package agenttest_test

import (
	"errors"
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/internal/problem"
	"coopkit/recipes"
)

// TestBox_addsEveryRecipe: what answers in the stead of apps answers as every
// recipe of the catalogue wants.
func TestBox_addsEveryRecipe(t *testing.T) {
	b := agenttest.New(t)
	for _, r := range recipes.Embedded().All() {
		b.Add(t, r.Name, r.Name+".demo.coop")
	}
	apps, err := b.Agent().Apps.List(t.Context())
	if err != nil || len(apps) != len(recipes.Embedded().All()) {
		t.Fatalf("%+v, %v", apps, err)
	}
	for _, a := range apps {
		if a.State != "running" || a.Version == "" || !a.HasOwner {
			t.Errorf("%+v", a)
		}
	}
}

func TestBox_holdsAndStopsChanges(t *testing.T) {
	b := agenttest.New(t)
	b.Hold()
	b.Add(t, "radicale", "cal.demo.coop")
	jobs, err := b.Agent().Jobs.List(t.Context(), 1)
	if err != nil || len(jobs) != 1 || jobs[0].State != appliance.JobRunning || !jobs[0].Stoppable {
		t.Fatalf("%+v, %v", jobs, err)
	}
	if err := b.Agent().Jobs.Stop(t.Context(), jobs[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Agent().Jobs.Follow(t.Context(), jobs[0].ID, 0, func(appliance.JobEvent) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if job, err := b.Agent().Jobs.Job(t.Context(), jobs[0].ID); err != nil || job.State != appliance.JobUndone || job.Problem.Code != "job-stopped" {
		t.Errorf("%+v, %v", job, err)
	}
}

func TestBox_failsAndAnswersOnRequest(t *testing.T) {
	b := agenttest.New(t)
	b.Fail("GET /v1/apps", &problem.Problem{Code: "away", Kind: problem.Unavailable, What: "it is away", Next: []string{"wait"}})
	if _, err := b.Agent().Apps.List(t.Context()); !errors.Is(err, &problem.Problem{Code: "away"}) {
		t.Errorf("got %v", err)
	}
	b.Fail("GET /v1/apps", nil)
	if _, err := b.Agent().Apps.List(t.Context()); err != nil {
		t.Error(err)
	}
	b.Find(appliance.Finding{Code: "X", Severity: appliance.Warning})
	s, err := b.Agent().Box.Status(t.Context())
	if err != nil || s.Worst == nil || *s.Worst != appliance.Warning {
		t.Errorf("%+v, %v", s, err)
	}
}
