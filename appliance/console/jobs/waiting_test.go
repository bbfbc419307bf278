// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
	"coopkit/appliance/console/area/areatest"
	"coopkit/appliance/control"
	"coopkit/internal/problem"
)

// single is the one job of a box, as it is now.
type single struct {
	control.Jobs
	job      appliance.Job
	finished int
}

func (s *single) List(context.Context, int) ([]appliance.Job, error) {
	return []appliance.Job{s.job}, nil
}

func (s *single) Job(context.Context, appliance.JobID) (appliance.Job, error) { return s.job, nil }

func (s *single) Finish(context.Context, appliance.JobID) error { s.finished++; return nil }

func (s *single) Follow(_ context.Context, _ appliance.JobID, _ int64, each func(appliance.JobEvent) error) error {
	if s.job.HeldUp {
		return &problem.Problem{Code: "job-held-up", What: "it is held up", Next: []string{"wait"}}
	}
	return each(appliance.JobEvent{Job: 1, Seq: 1, Time: areatest.Now, Step: "door", Text: "a line of its log"})
}

func withJob(t *testing.T, j appliance.Job) (*areatest.Console, *single) {
	t.Helper()
	j.ID, j.Kind, j.Subject, j.Created = 1, appliance.ChangeAdd, "app:dokuwiki", areatest.Now
	j.Steps = []appliance.JobStep{{Name: "door", Code: appliance.StepDoor, State: appliance.StepRunning, Started: areatest.Now}}
	s := &single{job: j}
	agent := agenttest.New(t).Agent()
	s.Jobs, agent.Jobs = agent.Jobs, s
	return console(t, agent), s
}

func TestShow_jobThatWaitsSaysUntilWhenAndCanBeFinished(t *testing.T) {
	until := time.Date(2026, 11, 30, 14, 30, 0, 0, time.UTC)
	c, box := withJob(t, appliance.Job{State: appliance.JobWaiting, Until: until, Stoppable: true})
	for lang, want := range map[string][]string{
		"en": {"Adding dokuwiki", "It waits until", "Make it final now", "Stop and undo", "Waiting"},
		"es": {"Añadiendo dokuwiki", "Espera hasta", "Hacerlo definitivo ahora", "Detener y deshacer", "En espera"}, //nolint:misspell // Spanish
		"fr": {"dokuwiki", "La tâche attend jusqu’au", "Rendre définitif maintenant", "Arrêter et annuler", "En attente"},
	} {
		c.Lang = lang
		p, list := c.Get(t, "/jobs/1"), c.Get(t, "/activity").Text(t, "main")
		text := p.Text(t, "main")
		for _, w := range want[:4] {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in: %s", lang, w, text)
			}
		}
		if !strings.Contains(list, want[4]) {
			t.Errorf("%s: the list does not say %q: %s", lang, want[4], list)
		}
		if len(p.All("[data-live]")) != 0 || !strings.Contains(p.Text(t, "pre"), "a line of its log") {
			t.Errorf("%s: a job that waits is followed, or has no log", lang)
		}
	}
	if p := c.Post(t, "/jobs/1/finish"); p.To != "/jobs/1" || box.finished != 1 {
		t.Errorf("finishing leads to %q (%d), %d times", p.To, p.Status, box.finished)
	}
	if p := c.Post(t, "/jobs/x/finish"); p.Status != http.StatusNotFound {
		t.Errorf("finishing no job: %d", p.Status)
	}
}

func TestShow_jobThatIsHeldUpSaysByWhat(t *testing.T) {
	c, _ := withJob(t, appliance.Job{
		State: appliance.JobRunning, HeldUp: true,
		Problem: &problem.Problem{Code: "no-words-for-it", What: "the disk is full", Why: "a log grew", Next: []string{"make room"}},
	})
	for lang, want := range map[string]string{
		"en": "It is on hold. It continues automatically as soon as it can.",
		"es": "Está en espera. Continúa automáticamente en cuanto puede.",
		"fr": "La tâche est en attente. Elle reprend automatiquement dès que possible.",
	} {
		c.Lang = lang
		p := c.Get(t, "/jobs/1")
		card := p.Text(t, ".finding")
		if lead := p.Text(t, ".pagehead p"); lead != want || !strings.Contains(card, "The disk is full") || !strings.Contains(card, "Make room") {
			t.Errorf("%s: %q, %s", lang, lead, card)
		}
		if p.Value(t, "main form", "action") != "/jobs/1/finish" {
			t.Errorf("%s: there is no way to have it try again", lang)
		}
	}
	var last string
	for e := range listen(t, c, "/jobs/1/events", "") {
		if e[1] == "patch" {
			last = e[2]
		}
	}
	if !strings.Contains(last, "The disk is full") {
		t.Errorf("who has the page open is not told: %s", last)
	}
}

// TestShow_saysTheNotesOfItsSteps: what nobody could check is not for the log
// alone.
func TestShow_saysTheNotesOfItsSteps(t *testing.T) {
	c, box := withJob(t, appliance.Job{State: appliance.JobDone})
	box.job.Steps[0].State = appliance.StepDone
	box.job.Steps[0].Notes = []appliance.Note{{Code: appliance.NoteNameUnchecked, Args: map[string]string{"name": "old.demo.coop"}}}
	for lang, want := range map[string]string{
		"en": "it did not check that the records of old.demo.coop are gone",
		"es": "no se ha comprobado que los registros de old.demo.coop ya no estén",
		"fr": "vérifier que les enregistrements de old.demo.coop ont disparu",
	} {
		c.Lang = lang
		if text := c.Get(t, "/jobs/1").Text(t, "ol.steps"); !strings.Contains(text, want) {
			t.Errorf("%s: no %q in: %s", lang, want, text)
		}
	}
}
